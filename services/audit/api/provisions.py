"""Reports of agencies' records of openings, and what is missing: an agency's own, or what a mandate has."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import ConfigDict, Field

from services.audit import cursors
from services.audit.api.parts import Calling
from services.audit.domain.provisions import Gap, Unplaced
from services.audit.storage.provisions import RecordPlace
from services.audit.storage.questions import AccessPlace
from services.audit.use_cases import provisions
from services.audit.use_cases.answering import Asked
from services.audit.use_cases.answering import Query as Question
from services.eventing.database import Database
from services.membership.taking import MESSAGE, Taking
from services.runtime.identity import Caller
from tsunagu_contracts.actors import ActorKind
from tsunagu_contracts.codes import ProvisionSide, Recorded
from tsunagu_contracts.manifests import ReportProvisions
from tsunagu_contracts.ports import Clock
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant


class ReportAnswer(Frozen):
    """A report that is kept."""

    report_id: Id
    reported_at: Instant


class GapView(Frozen):
    """An opening, and how the records of its two sides stand to it."""

    release_id: Id
    referral_id: Id
    section_id: Id
    decided_at: Instant
    provider: AgencyId
    recipient: AgencyId
    provided: Recorded
    received: Recorded


class GapPage(Frozen):
    """Gaps, oldest first; `next` is the `cursor` of the following page, if there is one."""

    items: tuple[GapView, ...]
    next: str | None


class UnplacedView(Frozen):
    """A record that an agency has reported of an opening that the log does not have."""

    agency_id: AgencyId
    release_id: Id
    side: ProvisionSide
    reported_at: Instant


class UnplacedPage(Frozen):
    """Records, by agency and release; `next` is the `cursor` of the following page, if there is one."""

    items: tuple[UnplacedView, ...]
    next: str | None


class Part(Frozen):
    """Which page is asked for, and by an auditor under which mandate."""

    # A misspelt filter must not widen a question.
    model_config = ConfigDict(frozen=True, extra="forbid")

    mandate_id: Id | None = None
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 100


def router(database: Database, clock: Clock, within: timedelta) -> APIRouter:
    """Take reports and list what is missing; before `within` has passed nothing counts as missing."""
    routes = APIRouter(tags=["audit"])
    taking = Taking(database)

    @routes.post("/provision-records", status_code=201, response_model=ReportAnswer, openapi_extra=MESSAGE)
    async def report_provisions(
        calling: Calling,
        request: Request,
        response: Response,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> ReportAnswer:
        """Take an agency's signed word that records are in its book; the same message again changes nothing."""
        reported = await taking.take(calling, request, idempotency_key, ReportProvisions, provisions.report)
        if reported.again:
            response.status_code = 200
        return ReportAnswer(report_id=reported.report_id, reported_at=reported.reported_at)

    @routes.get("/provision-records/gaps")
    async def get_gaps(calling: Calling, part: Annotated[Part, Query()]) -> GapPage:
        """Openings of which a side has reported no record, or another than it must be."""
        now, after = clock.now(), cursors.access_place(part.cursor)
        found: list[Gap]
        if calling.actor.kind is ActorKind.AUDITOR:
            asked = _asked(calling, part, Question.PROVISION_GAPS, cursors.of_access(after) if after else None)
            async with database.work() as work:
                answer = await provisions.gaps(work, asked, now - within, after, part.limit)
            if answer.refused is not None:
                raise answer.refused
            found, more = list(answer.rows), answer.more
        else:
            async with database.reading() as session:
                found = await provisions.gaps_of_caller(session, calling, now, now - within, after)
            found, more = found[: part.limit], len(found) > part.limit
        last = cursors.of_access(AccessPlace(found[-1].decided_at, found[-1].release_id)) if more else None
        return GapPage(items=tuple(GapView.model_validate(asdict(each)) for each in found), next=last)

    @routes.get("/provision-records/unplaced")
    async def get_unplaced(calling: Calling, part: Annotated[Part, Query()]) -> UnplacedPage:
        """Records reported of openings that the log does not have, or in which the agency has no such side."""
        now, after = clock.now(), cursors.record_place(part.cursor)
        found: list[Unplaced]
        if calling.actor.kind is ActorKind.AUDITOR:
            asked = _asked(calling, part, Question.PROVISIONS_UNPLACED, cursors.of_record(after) if after else None)
            async with database.work() as work:
                answer = await provisions.unplaced(work, asked, now - within, after, part.limit)
            if answer.refused is not None:
                raise answer.refused
            found, more = list(answer.rows), answer.more
        else:
            async with database.reading() as session:
                found = await provisions.unplaced_of_caller(session, calling, now, now - within, after)
            found, more = found[: part.limit], len(found) > part.limit
        last = cursors.of_record(RecordPlace.of(found[-1])) if more else None
        return UnplacedPage(items=tuple(UnplacedView.model_validate(asdict(each)) for each in found), next=last)

    return routes


def _asked(calling: Caller, part: Part, question: Question, cursor: str | None) -> Asked:
    return Asked(calling.auditor_id, part.mandate_id, question, {"cursor": cursor} if cursor else {})
