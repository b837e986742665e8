"""Persons' requests: opened, listed and answered part by part."""

from dataclasses import asdict
from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Limit, Taking
from services.consent.use_cases import cases
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts.codes import CaseEnd, CaseKind, CaseRefusal
from tsunagu_contracts.manifests import AnswerCase, OpenCase
from tsunagu_contracts.types import Frozen, Id, Instant


class CasePart(Frozen):
    """What the caller's agency is to answer for; `case_id` only where it has received the request itself."""

    part_id: Id
    kind: CaseKind
    referral_ids: tuple[Id, ...]
    due_at: Instant
    overdue_at: Instant | None
    ended_at: Instant | None
    ended_as: CaseEnd | None
    refused_under: CaseRefusal | None
    case_id: Id | None


class CaseParts(Frozen):
    """A page of parts; `next` goes into `after` for the page behind it."""

    items: tuple[CasePart, ...]
    next: Id | None


class CaseOpening(Frozen):
    """A case that is open: until when every agency concerned is to answer the person."""

    case_id: Id
    opened_at: Instant
    due_at: Instant


class CaseAnswer(Frozen):
    """A part that has been answered."""

    part_id: Id
    answered_at: Instant


def router(database: Database, taking: Taking, custody: Custody) -> APIRouter:
    """Open, list and answer cases."""
    routes = APIRouter()

    @routes.post("/cases", status_code=201, response_model=CaseOpening, openapi_extra=MESSAGE)
    async def open_case(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> CaseOpening:
        """Pass a person's request on to whoever holds something of them; the same message again changes nothing."""
        use_case = partial(cases.open_case, custody=custody)
        opened = await taking.take(calling, request, idempotency_key, OpenCase, use_case)
        if opened.again:
            response.status_code = 200
        return CaseOpening(case_id=opened.case_id, opened_at=opened.opened_at, due_at=opened.due_at)

    @routes.get("/cases", response_model=CaseParts)
    async def get_cases(calling: Calling, after: str = "", limit: Limit = 100, *, answered: bool = False) -> CaseParts:
        """What the caller's agency is to answer for, by part; with `answered` what is over as well."""
        async with database.reading() as session:
            found = await cases.list_parts(session, calling, custody, after=after, answered_too=answered)
        items = tuple(CasePart.model_validate(asdict(each)) for each in found[:limit])
        return CaseParts(items=items, next=items[-1].part_id if len(items) == limit else None)

    @routes.post("/cases/answers", status_code=201, response_model=CaseAnswer, openapi_extra=MESSAGE)
    async def answer_case(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> CaseAnswer:
        """Take an agency's answer for its own part; the same message again changes nothing."""
        answered = await taking.take(
            calling, request, idempotency_key, AnswerCase, partial(cases.answer, custody=custody)
        )
        if answered.again:
            response.status_code = 200
        return CaseAnswer(part_id=answered.part_id, answered_at=answered.answered_at)

    return routes
