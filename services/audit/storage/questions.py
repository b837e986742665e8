"""Reading: what auditors ask, bounded by their mandate in the statement itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.domain.mandates import AccessQuestion, Mandate, ReferralScope, Subject
from services.audit.domain.readings import Access, AccessOutcome
from services.audit.storage.log import LogEntry, Position
from services.audit.storage.tables import accesses, log_entries, read_events, referral_scopes
from tsunagu_contracts.codes import RefusalCode


@dataclass(frozen=True, slots=True)
class AccessPlace:
    """A place in the order of accesses: what comes after it is the next page."""

    decided_at: datetime
    release_id: str

    @classmethod
    def of(cls, access: Access) -> "AccessPlace":
        """Where this access stands."""
        return cls(access.decided_at, access.release_id)


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One entry of the log that holds a version of an aggregate."""

    entry: LogEntry
    type: str
    version: int


@dataclass(frozen=True, slots=True)
class EventPlace:
    """A place in the order of an aggregate's kept events."""

    version: int
    partition: int
    offset: int

    @classmethod
    def of(cls, kept: KeptEvent) -> "EventPlace":
        """Where this event stands."""
        return cls(kept.version, kept.entry.position.partition, kept.entry.position.offset)


async def scope_of(session: AsyncSession, referral_id: str) -> ReferralScope | None:
    """Where a referral belongs; None when no event has told of it."""
    found = sa.select(referral_scopes.c.sender, referral_scopes.c.addressee, referral_scopes.c.area).where(
        referral_scopes.c.referral_id == referral_id
    )
    row = (await session.execute(found)).one_or_none()
    return None if row is None else ReferralScope(*row)


def accesses_query(
    mandate: Mandate, question: AccessQuestion, after: AccessPlace | None, limit: int
) -> sa.Select[tuple[object, ...]]:
    """The statement for accesses within a mandate, oldest first.

    An attempt at a referral that nobody knows has no area; its agency alone places it, so that
    guessing at ids does not go unseen.
    """
    query = (
        sa.select(*(accesses.c[name] for name in Access._fields))
        .outerjoin(referral_scopes, referral_scopes.c.referral_id == accesses.c.referral_id)
        .where(
            accesses.c.agency_id.in_(sorted(mandate.agencies)),
            sa.or_(
                referral_scopes.c.area.in_(sorted(mandate.areas)),
                sa.and_(referral_scopes.c.area.is_(None), accesses.c.reason == RefusalCode.REFERRAL_UNKNOWN.value),
            ),
            accesses.c.decided_at >= (question.since or mandate.valid_from),
            accesses.c.decided_at < (question.until or mandate.valid_until),
        )
    )
    for column, value in (
        (accesses.c.referral_id, question.referral_id),
        (accesses.c.agency_id, question.agency_id),
        (accesses.c.coordinator_id, question.coordinator_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(
            sa.tuple_(accesses.c.decided_at, accesses.c.release_id) > sa.tuple_(after.decided_at, after.release_id)
        )
    return query.order_by(accesses.c.decided_at, accesses.c.release_id).limit(limit)


async def find_accesses(
    session: AsyncSession, mandate: Mandate, question: AccessQuestion, after: AccessPlace | None, limit: int
) -> Sequence[Access]:
    """Accesses within a mandate that answer a question, oldest first."""
    rows = await session.execute(accesses_query(mandate, question, after, limit))
    return [Access(**{**row, "outcome": AccessOutcome(row["outcome"])}) for row in rows.mappings()]


async def subjects_of(session: AsyncSession, aggregate: str) -> Sequence[Subject]:
    """What the kept events of an aggregate are about, each subject once."""
    found = (
        sa.select(
            read_events.c.agency_id,
            read_events.c.auditor_id,
            referral_scopes.c.sender,
            referral_scopes.c.addressee,
            referral_scopes.c.area,
        )
        .outerjoin(referral_scopes, referral_scopes.c.referral_id == read_events.c.referral_id)
        .where(read_events.c.aggregate == aggregate)
        .distinct()
    )
    return [
        Subject(
            referral=ReferralScope(row.sender, row.addressee, row.area) if row.area is not None else None,
            agency_id=row.agency_id,
            auditor_id=row.auditor_id,
        )
        for row in await session.execute(found)
    ]


def events_query(
    mandate: Mandate, aggregate: str, after: EventPlace | None, limit: int
) -> sa.Select[tuple[object, ...]]:
    """The statement for the kept events of an aggregate within a mandate's period, in order of version."""
    place = (read_events.c.version, read_events.c.partition, read_events.c.offset)
    same = [log_entries.c[name] == read_events.c[name] for name in ("topic", "partition", "offset")]
    query = (
        sa.select(log_entries, read_events.c.type, read_events.c.version)
        .join_from(read_events, log_entries, sa.and_(*same))
        .where(
            read_events.c.aggregate == aggregate,
            read_events.c.occurred_at >= mandate.valid_from,
            read_events.c.occurred_at < mandate.valid_until,
        )
    )
    if after is not None:
        query = query.where(sa.tuple_(*place) > sa.tuple_(after.version, after.partition, after.offset))
    return query.order_by(*place).limit(limit)


async def find_events(
    session: AsyncSession, mandate: Mandate, aggregate: str, after: EventPlace | None, limit: int
) -> Sequence[KeptEvent]:
    """The kept events of an aggregate within a mandate's period, in order of version."""
    rows = (await session.execute(events_query(mandate, aggregate, after, limit))).mappings()
    return [KeptEvent(_entry(row), row["type"], row["version"]) for row in rows]


def _entry(row: sa.RowMapping) -> LogEntry:
    return LogEntry(
        position=Position(row["topic"], row["partition"], row["offset"]),
        key=row["key"],
        value=row["value"],
        headers=row["headers"],
        timestamp_ms=row["timestamp_ms"],
        digest=row["digest"],
    )
