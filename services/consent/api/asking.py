"""Notices, asking the person, and what changes in their life."""

from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Limit, Taking
from services.consent.use_cases import asking, changes
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts import notices
from tsunagu_contracts.codes import Category, Language, PersonChange, Purpose, RequestKind
from tsunagu_contracts.manifests import AnswerReview, AskPerson, ReportChange
from tsunagu_contracts.types import AgencyId, Digest, Frozen, Id, Instant


class NoticeShown(Frozen):
    """A published notice: what a statement says of it, and the text."""

    version: Id
    language: Language
    hash: Digest
    text: str


class NoticesPublished(Frozen):
    """Every notice ever published; of one language the last is in use."""

    items: tuple[NoticeShown, ...]


class RequestOpen(Frozen):
    """An open request that the caller's agency is to see to; `recipients` null means every agency."""

    request_id: Id
    kind: RequestKind
    referral_id: Id
    categories: tuple[Category, ...]
    purposes: tuple[Purpose, ...]
    recipients: tuple[AgencyId, ...] | None
    change: PersonChange | None
    opened_at: Instant
    deadline: Instant


class RequestsOpen(Frozen):
    """A page of requests; `next` goes into `after` for the page behind it."""

    items: tuple[RequestOpen, ...]
    next: Id | None


class AskAnswer(Frozen):
    """A request that is open, until when."""

    request_id: Id
    deadline: Instant


class ReviewAnswerTaken(Frozen):
    """A review that has ended."""

    request_id: Id
    ended_at: Instant


class ChangeAnswer(Frozen):
    """A change that is recorded."""

    change_id: Id
    recorded_at: Instant


def router(database: Database, taking: Taking, custody: Custody) -> APIRouter:
    """Show notices, take and list requests, and record changes."""
    routes = APIRouter()

    @routes.get("/notices", response_model=NoticesPublished)
    async def get_notices(calling: Calling) -> NoticesPublished:
        """The notices that a person may be shown before speaking."""
        return NoticesPublished(
            items=tuple(NoticeShown(**each.shown.model_dump(), text=each.text) for each in notices.all_published())
        )

    @routes.get("/requests", response_model=RequestsOpen)
    async def get_requests(calling: Calling, after: str = "", limit: Limit = 100) -> RequestsOpen:
        """What the caller's agency is to ask persons, or to look at again, by id."""
        async with database.reading() as session:
            found = await asking.list_open(session, calling, custody, after=after, limit=limit)
        items = tuple(
            RequestOpen(
                request_id=each.request_id,
                kind=each.kind,
                referral_id=each.referral_id,
                categories=tuple(sorted(each.categories)),
                purposes=tuple(sorted(each.purposes)),
                recipients=None if each.recipients is None else tuple(sorted(each.recipients)),
                change=each.change,
                opened_at=each.opened_at,
                deadline=each.deadline,
            )
            for each in found
        )
        return RequestsOpen(items=items, next=items[-1].request_id if len(items) == limit else None)

    @routes.post("/requests", status_code=201, response_model=AskAnswer, openapi_extra=MESSAGE)
    async def ask_person(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> AskAnswer:
        """Ask that the person of a referral be asked; the same message again changes nothing."""
        asked = await taking.take(calling, request, idempotency_key, AskPerson, partial(asking.ask, custody=custody))
        if asked.again:
            response.status_code = 200
        return AskAnswer(request_id=asked.request_id, deadline=asked.deadline)

    @routes.post("/requests/answers", status_code=201, response_model=ReviewAnswerTaken, openapi_extra=MESSAGE)
    async def answer_review(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ReviewAnswerTaken:
        """Take an agency's word on a review of its own; the same message again changes nothing."""
        use_case = partial(asking.answer, custody=custody)
        answered = await taking.take(calling, request, idempotency_key, AnswerReview, use_case)
        if answered.again:
            response.status_code = 200
        return ReviewAnswerTaken(request_id=answered.request_id, ended_at=answered.ended_at)

    @routes.post("/changes", status_code=201, response_model=ChangeAnswer, openapi_extra=MESSAGE)
    async def report_change(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ChangeAnswer:
        """Record what has changed in the person's life; the same message again changes nothing."""
        use_case = partial(changes.report, custody=custody)
        reported = await taking.take(calling, request, idempotency_key, ReportChange, use_case)
        if reported.again:
            response.status_code = 200
        return ChangeAnswer(change_id=reported.change_id, recorded_at=reported.recorded_at)

    return routes
