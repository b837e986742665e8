"""What agencies owe, and their answers."""

from dataclasses import asdict
from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Limit, Taking
from services.consent.use_cases import obligations
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts.codes import Category, HoldingState, KeptUnder, ObligationCause, ObligationEnd
from tsunagu_contracts.manifests import AnswerObligation
from tsunagu_contracts.types import Frozen, Id, Instant


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


class Held(Frozen):
    """A section that the caller's agency has opened; `obligation_id` is what it owes, or has answered, for it."""

    section_id: Id
    referral_id: Id
    category: Category
    opened_at: Instant
    state: HoldingState
    obligation_id: Id | None
    kept_under: KeptUnder | None


class Holdings(Frozen):
    """A page of what the agency has opened; `next` goes into `after` for the page behind it."""

    items: tuple[Held, ...]
    next: Id | None


class ObligationAnswer(Frozen):
    """An obligation that has ended."""

    obligation_id: Id
    ended_at: Instant


def router(database: Database, taking: Taking, custody: Custody) -> APIRouter:
    """List and answer obligations."""
    routes = APIRouter()

    @routes.get("/obligations", response_model=ObligationsOwed)
    async def get_obligations(
        calling: Calling, after: str = "", limit: Limit = 100, *, ended: bool = False
    ) -> ObligationsOwed:
        """What the caller's agency owes for what it has opened, by id; with `ended` what is over as well."""
        async with database.reading() as session:
            owed = await obligations.list_owed(session, calling, custody, after=after, limit=limit, ended_too=ended)
        items = tuple(ObligationOwed.model_validate(asdict(each)) for each in owed)
        return ObligationsOwed(items=items, next=items[-1].obligation_id if len(items) == limit else None)

    @routes.get("/holdings", response_model=Holdings)
    async def get_holdings(calling: Calling, after: str = "") -> Holdings:
        """What the caller's agency has opened and not deleted, by section, and whether it may hold it."""
        async with database.reading() as session:
            held, following = await obligations.list_held(session, calling, custody, after=after)
        return Holdings(items=tuple(Held.model_validate(asdict(each)) for each in held), next=following)

    @routes.post("/obligations/answers", status_code=201, response_model=ObligationAnswer, openapi_extra=MESSAGE)
    async def answer_obligation(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ObligationAnswer:
        """Take an agency's word that something is deleted, or kept by law; the same message again changes nothing."""
        use_case = partial(obligations.answer, custody=custody)
        answered = await taking.take(calling, request, idempotency_key, AnswerObligation, use_case)
        if answered.again:
            response.status_code = 200
        return ObligationAnswer(obligation_id=answered.obligation_id, ended_at=answered.ended_at)

    return routes
