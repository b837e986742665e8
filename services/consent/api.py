"""The HTTP interface of consent: blank handles, statements, releases, coverage."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field

from services.consent.use_cases import (
    countersignatures,
    coverage,
    disasters,
    handles,
    messages,
    obligations,
    releases,
    replay,
    representatives,
    statements,
)
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import M, Verified
from services.consent.use_cases.replay import Withdrawal
from services.eventing.database import Database
from services.eventing.work import Work
from services.runtime import idempotency
from services.runtime.errors import PROBLEM_JSON
from services.runtime.idempotency import Answer
from services.runtime.identity import Caller, caller
from tsunagu_contracts.codes import (
    Area,
    Category,
    DisasterAct,
    KeptUnder,
    ObligationCause,
    ObligationEnd,
    RefusalCode,
)
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import CoverageDecided
from tsunagu_contracts.events.referral import SectionCoverage
from tsunagu_contracts.limits import DEFAULT_LIMITS
from tsunagu_contracts.manifests import (
    AnswerObligation,
    Categories,
    CountersignStatement,
    Purposes,
    Recipients,
    RecordRepresentative,
    RecordStatement,
    SayDisaster,
)
from tsunagu_contracts.types import Compact, Frozen, Id, Instant

Calling = Annotated[Caller, Depends(caller)]
IdempotencyKey = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=200)]
_Result = TypeVar("_Result")


class HandlesWanted(Frozen):
    """How many blank handles an agency asks for."""

    count: Annotated[int, Field(ge=1, le=200)] = 1


class HandlesIssued(Frozen):
    """The certificates of new handles; their private keys never leave consent."""

    handles: tuple[Compact, ...]


_MESSAGE = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
"""The body of a route that takes an agency's signed message, in its OpenAPI description."""


class StatementAnswer(Frozen):
    """A statement that has taken effect."""

    statement_id: Id
    referral_id: Id
    recorded_at: Instant


class RepresentativeAnswer(Frozen):
    """A representative who may speak from now on."""

    representative_id: Id
    recorded_at: Instant


class CountersignAnswer(Frozen):
    """A statement that another agency vouches for from now on."""

    statement_id: Id
    recorded_at: Instant


class DisasterAnswer(Frozen):
    """What was said of a disaster, and in which areas that changed something."""

    disaster_id: Id
    act: DisasterAct
    changed: tuple[Area, ...]
    at: Instant


class ObligationOwed(Frozen):
    """One obligation of the caller's agency; `ended_as` null while it is open."""

    obligation_id: Id
    referral_id: Id
    section_id: Id
    category: Category
    cause: ObligationCause
    incurred_at: Instant
    due_at: Instant
    ended_at: Instant | None
    ended_as: ObligationEnd | None
    kept_under: KeptUnder | None


class ObligationsOwed(Frozen):
    """A page of obligations; `next` goes into `after` for the page behind it."""

    items: tuple[ObligationOwed, ...]
    next: Id | None


class ObligationAnswer(Frozen):
    """An obligation that has ended."""

    obligation_id: Id
    ended_at: Instant


class DecisionWanted(Frozen):
    """Of which referral to decide, at which moment; by default now."""

    referral_id: Id
    at: Instant | None = None


class CoverageAsOf(Frozen):
    """What was covered of a referral at a moment."""

    referral_id: Id
    at: Instant
    sections: tuple[SectionCoverage, ...]


class WithdrawalWanted(Frozen):
    """What a person might take back; `recipients` null means from every agency."""

    referral_id: Id
    categories: Categories
    recipients: Recipients | None = None
    purposes: Purposes


class SectionChange(Frozen):
    """A section as it stands now and as it would stand after a withdrawal."""

    referral_id: Id
    now: SectionCoverage
    then: SectionCoverage


class WithdrawalPreview(Frozen):
    """Every section of the caller's open referrals of this person that would change."""

    changes: tuple[SectionChange, ...]


class ReleaseWanted(Frozen):
    """The section to be opened, and the appointment to do so under where the coordinator has several."""

    referral_id: Id
    section_id: Id
    appointment: Id | None = None


class ReleaseAnswer(Frozen):
    """The section's key, as a JWE to the agency's registered key; nobody keeps this answer."""

    release_id: Id
    referral_id: Id
    section_id: Id
    key: Compact


def router(database: Database, custody: Custody) -> APIRouter:
    """The routes of consent."""
    routes = APIRouter(responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}})

    async def take(
        calling: Caller,
        request: Request,
        key: str | None,
        kind: type[M],
        use_case: Callable[[Work, Verified[M]], Awaitable[_Result]],
    ) -> _Result:
        """Let an agency's signed message of this kind take effect, once it is known to be authentic."""
        idempotency.require_key(key)
        raw = await _body(request)
        async with database.reading() as session:
            verified = await messages.verify(session, raw, calling, kind)
        return await database.until_settled(lambda work: use_case(work, verified))

    @routes.post("/handles", status_code=201, response_model=HandlesIssued)
    async def issue_handles(
        calling: Calling, wanted: HandlesWanted, idempotency_key: IdempotencyKey = None
    ) -> dict[str, object]:
        """Issue blank handles to the caller's agency."""
        key = idempotency.require_key(idempotency_key)
        async with database.work() as work:
            agency_id = await acting(work.session, calling, custody.clock.now())
            request = f"handles {agency_id} {wanted.count}".encode()
            earlier = await idempotency.claim(work.session, caller=_name(calling), key=key, request=request)
            if earlier is not None:
                return earlier.body
            issued = HandlesIssued(handles=tuple(await handles.issue(work, agency_id, wanted.count, custody)))
            answer = Answer(201, issued.model_dump(mode="json"))
            await idempotency.keep(work.session, answer, caller=_name(calling), key=key)
        return answer.body

    @routes.post(
        "/statements",
        status_code=201,
        response_model=StatementAnswer,
        openapi_extra=_MESSAGE,
    )
    async def record_statement(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> StatementAnswer:
        """Record the person's word from the bytes of a signed message; the same message again changes nothing."""
        use_case = partial(statements.record, custody=custody)
        recorded = await take(calling, request, idempotency_key, RecordStatement, use_case)
        if recorded.again:
            response.status_code = 200
        return StatementAnswer(
            statement_id=recorded.statement_id,
            referral_id=recorded.referral_id,
            recorded_at=recorded.recorded_at,
        )

    @routes.post("/representatives", status_code=201, response_model=RepresentativeAnswer, openapi_extra=_MESSAGE)
    async def record_representative(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> RepresentativeAnswer:
        """Record who may speak in the person's stead; the same message again changes nothing."""
        use_case = partial(representatives.record, custody=custody)
        named = await take(calling, request, idempotency_key, RecordRepresentative, use_case)
        if named.again:
            response.status_code = 200
        return RepresentativeAnswer(representative_id=named.representative_id, recorded_at=named.recorded_at)

    @routes.post("/countersignatures", status_code=201, response_model=CountersignAnswer, openapi_extra=_MESSAGE)
    async def countersign(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> CountersignAnswer:
        """Vouch for what another agency has recorded; the same message again changes nothing."""
        use_case = partial(countersignatures.record, custody=custody)
        signed = await take(calling, request, idempotency_key, CountersignStatement, use_case)
        if signed.again:
            response.status_code = 200
        return CountersignAnswer(statement_id=signed.statement_id, recorded_at=signed.recorded_at)

    @routes.post("/disasters", status_code=201, response_model=DisasterAnswer, openapi_extra=_MESSAGE)
    async def say_disaster(
        calling: Calling, request: Request, idempotency_key: IdempotencyKey = None
    ) -> DisasterAnswer:
        """Declare or lift a disaster, effective at once; saying it again changes nothing."""
        said = await take(calling, request, idempotency_key, SayDisaster, disasters.say)
        return DisasterAnswer(disaster_id=said.disaster_id, act=said.act, changed=said.areas, at=said.at)

    @routes.get("/obligations", response_model=ObligationsOwed)
    async def get_obligations(
        calling: Calling, after: str = "", limit: Limit = 100, *, ended: bool = False
    ) -> ObligationsOwed:
        """What the caller's agency owes for what it has opened, by id; with `ended` what is over as well."""
        async with database.reading() as session:
            owed = await obligations.list_owed(session, calling, custody, after=after, limit=limit, ended_too=ended)
        items = tuple(ObligationOwed.model_validate(asdict(each)) for each in owed)
        return ObligationsOwed(items=items, next=items[-1].obligation_id if len(items) == limit else None)

    @routes.post("/obligations/answers", status_code=201, response_model=ObligationAnswer, openapi_extra=_MESSAGE)
    async def answer_obligation(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ObligationAnswer:
        """Take an agency's word that something is deleted, or kept by law; the same message again changes nothing."""
        use_case = partial(obligations.answer, custody=custody)
        answered = await take(calling, request, idempotency_key, AnswerObligation, use_case)
        if answered.again:
            response.status_code = 200
        return ObligationAnswer(obligation_id=answered.obligation_id, ended_at=answered.ended_at)

    @routes.post("/decisions", response_model=CoverageAsOf)
    async def decide_as_of(calling: Calling, wanted: DecisionWanted) -> CoverageAsOf:
        """What was covered of a referral at a moment, for its sender or its addressee; by default now."""
        at = wanted.at or custody.clock.now()
        async with database.reading() as session:
            sections = await replay.as_of(session, calling, wanted.referral_id, at, custody)
        return CoverageAsOf(referral_id=wanted.referral_id, at=at, sections=sections)

    @routes.post("/withdrawals/preview", response_model=WithdrawalPreview)
    async def preview_withdrawal(calling: Calling, wanted: WithdrawalWanted) -> WithdrawalPreview:
        """What would change for the caller's referrals of this person if the person withdrew this; nothing does yet."""
        recipients = None if wanted.recipients is None else frozenset(wanted.recipients)
        withdrawal = Withdrawal(frozenset(wanted.categories), recipients, frozenset(wanted.purposes))
        async with database.reading() as session:
            changes = await replay.if_withdrawn(session, calling, wanted.referral_id, withdrawal, custody)
        return WithdrawalPreview(
            changes=tuple(SectionChange(referral_id=each.referral_id, now=each.now, then=each.then) for each in changes)
        )

    @routes.post("/releases", status_code=201, response_model=ReleaseAnswer)
    async def release(
        calling: Calling, wanted: ReleaseWanted, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ReleaseAnswer:
        """Hand over a section's key; a repeated call is decided, recorded and wrapped anew, and nothing is kept."""
        idempotency.require_key(idempotency_key)
        asked = releases.Request(wanted.referral_id, wanted.section_id, wanted.appointment)
        async with database.reading() as session:
            prepared = await releases.prepare(session, calling, asked, custody)
        outcome = await database.until_settled(partial(releases.decide, prepared=prepared, custody=custody))
        # Only here, where the transaction has committed, may the key leave.
        key = releases.hand_over(prepared, outcome)
        response.headers["Cache-Control"] = "no-store"
        return ReleaseAnswer(
            release_id=outcome.release_id,
            referral_id=wanted.referral_id,
            section_id=wanted.section_id,
            key=key,
        )

    @routes.get("/coverage/{referral_id}", response_model=CoverageDecided)
    async def read_coverage(calling: Calling, referral_id: Id) -> CoverageDecided:
        """Tell a party of a referral what is covered at this moment."""
        async with database.reading() as session:
            return await coverage.of(session, calling, referral_id, custody)

    return routes


def _name(calling: Caller) -> str:
    return f"{calling.agency_id or ''} {calling.actor}"


async def _body(request: Request) -> bytes:
    """The request's bytes; refuses with `oversize` before more than a message has been read."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > DEFAULT_LIMITS.message:
            raise Refusal(RefusalCode.OVERSIZE, part="message")
    return bytes(raw)
