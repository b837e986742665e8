"""Questions of auditors under a mandate; each is itself in the log before it is answered."""

import base64
import json
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.audit import cursors
from services.audit.api.parts import Calling
from services.audit.domain.mandates import AccessQuestion
from services.audit.domain.readings import Access, AccessOutcome
from services.audit.storage.questions import AccessPlace, EventPlace, KeptEvent
from services.audit.use_cases import answering
from services.audit.use_cases.answering import Asked
from services.eventing.database import Database
from tsunagu_contracts.envelope import Aggregate
from tsunagu_contracts.types import AgencyId, Id, Instant


class AccessView(BaseModel):
    """One opening of a section or a refused attempt: who, when, under which appointment and statement.

    `number` is the number of the decision in the person's record, `statement_number` that of the statement
    it rests on; `reason` says why a refused attempt was refused.
    """

    release_id: Id
    outcome: AccessOutcome
    referral_id: Id
    section_id: Id
    category: str | None
    purpose: str | None
    agency_id: AgencyId
    coordinator_id: Id
    appointment_id: Id | None
    statement_id: Id | None
    statement_number: int | None
    number: int | None
    reason: str | None
    decided_at: datetime

    @classmethod
    def of(cls, access: Access) -> "AccessView":
        """Show an access."""
        return cls(**{name: getattr(access, name) for name in cls.model_fields})


class AccessPage(BaseModel):
    """Accesses, oldest first; `next` is the `cursor` of the following page, if there is one."""

    accesses: list[AccessView]
    next: str | None


class EventView(BaseModel):
    """One event as it stands in the log: where it was in Kafka, and its exact bytes in base64.

    `headers` are pairs of name and base64 value in the order received; bytes of a name that are not UTF-8 are
    shown as hexadecimal escapes. `digest` is SHA-256 of the value in base64url, which the aggregate's next
    event names as `previous`.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None
    headers: list[tuple[str, str | None]]
    value: str | None
    digest: str
    type: str
    version: int

    @classmethod
    def of(cls, kept: KeptEvent) -> "EventView":
        """Show a kept event."""
        entry = kept.entry
        return cls(
            topic=entry.position.topic,
            partition=entry.position.partition,
            offset=entry.position.offset,
            timestamp_ms=entry.timestamp_ms,
            key=_base64(entry.key),
            headers=[(_shown(name), value) for name, value in json.loads(entry.headers)],
            value=_base64(entry.value),
            digest=entry.digest,
            type=kept.type,
            version=kept.version,
        )


class EventPage(BaseModel):
    """Kept events in order of version; `next` is the `cursor` of the following page, if there is one."""

    events: list[EventView]
    next: str | None


class AccessFilter(BaseModel):
    """What narrows a question for accesses; `from` is included, `to` is not."""

    # A misspelt filter must not widen a question.
    model_config = ConfigDict(extra="forbid")

    referral_id: Id | None = None
    agency_id: AgencyId | None = None
    coordinator_id: Id | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None
    mandate_id: Id | None = None
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class EventFilter(BaseModel):
    """Which aggregate's events are asked for."""

    model_config = ConfigDict(extra="forbid")

    aggregate: Aggregate
    mandate_id: Id | None = None
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


def router(database: Database) -> APIRouter:
    """Return the routes; only auditors may ask."""
    routes = APIRouter()

    @routes.get("/accesses")
    async def get_accesses(calling: Calling, narrowed: Annotated[AccessFilter, Query()]) -> AccessPage:
        """List who opened what and when, and who was refused, within the auditor's mandate."""
        question = AccessQuestion(
            narrowed.referral_id, narrowed.agency_id, narrowed.coordinator_id, narrowed.since, narrowed.until
        )
        after = cursors.access_place(narrowed.cursor)
        parameters = narrowed.model_dump(mode="json", by_alias=True, exclude={"limit", "cursor"}, exclude_none=True)
        asked = Asked(
            calling.auditor_id,
            narrowed.mandate_id,
            answering.Query.ACCESSES,
            parameters | ({"cursor": cursors.of_access(after)} if after else {}),
        )
        async with database.work() as work:
            answer = await answering.accesses(work, asked, question, after, narrowed.limit)
        if answer.refused is not None:
            raise answer.refused
        return AccessPage(
            accesses=[AccessView.of(access) for access in answer.rows],
            next=cursors.of_access(AccessPlace.of(answer.rows[-1])) if answer.more else None,
        )

    @routes.get("/events")
    async def get_events(calling: Calling, named: Annotated[EventFilter, Query()]) -> EventPage:
        """List the kept events of an aggregate, exact bytes and headers, within the auditor's mandate."""
        after = cursors.event_place(named.cursor)
        parameters = named.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
        asked = Asked(
            calling.auditor_id,
            named.mandate_id,
            answering.Query.EVENTS,
            parameters | ({"cursor": cursors.of_event(after)} if after else {}),
        )
        async with database.work() as work:
            answer = await answering.events(work, asked, named.aggregate, after, named.limit)
        if answer.refused is not None:
            raise answer.refused
        return EventPage(
            events=[EventView.of(kept) for kept in answer.rows],
            next=cursors.of_event(EventPlace.of(answer.rows[-1])) if answer.more else None,
        )

    return routes


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _shown(name: str) -> str:
    # The log has bytes that are no UTF-8 as surrogates, which no answer can carry.
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
