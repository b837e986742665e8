"""What an operator may do with a parked message: look at it, have it tried again, discard it. Acts are recorded.

To discard an event is to treat it as seen: the version of its aggregate moves past it without effect, so that
what follows is no gap and takes effect. Only the first of a lane can be discarded, else it would be passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing import admission, parking
from services.eventing.admission import Seen
from services.eventing.parking import Releasable
from services.eventing.records import Item, Record, decode, digest_of
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


class Act(StrEnum):
    """What was done with a parked message."""

    REPLAY = "replay"
    DISCARD = "discard"


class ReplayReason(StrEnum):
    """Why a parked message is to be tried again."""

    FAULT_REPAIRED = "fault_repaired"  # what made it fail has been put right, here or at its producer
    PASSING_FAILURE = "passing_failure"  # it failed for something that has passed: a full disk, a time limit


class DiscardReason(StrEnum):
    """Why a parked message is never to take effect."""

    NOT_AN_EVENT = "not_an_event"  # bytes that mean nothing to anybody
    SAID_IN_ERROR = "said_in_error"  # its producer had no right or reason to say it
    EFFECT_MADE_OTHERWISE = "effect_made_otherwise"  # what it was to bring about has been brought about
    NO_LONGER_NEEDED = "no_longer_needed"  # nothing depends on it any more


class NotFirst(Exception):
    """Others of its lane come before this message; `before` are their ids."""

    def __init__(self, parked_id: int, before: Sequence[int]) -> None:
        super().__init__(f"{parked_id} waits behind {', '.join(map(str, before))}")
        self.parked_id = parked_id
        self.before = tuple(before)


class NotParked(Exception):
    """No message of this id is parked."""

    def __init__(self, parked_id: int) -> None:
        super().__init__(f"{parked_id} is not parked")
        self.parked_id = parked_id


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What may be shown of an event: never more than its type and its place in its aggregate's stream."""

    type: str
    aggregate: str
    version: int


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A parked message as an operator may see it: where it stood, how large, why it waits; not what it says."""

    id: int
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    blocks: bool
    parked_at: datetime
    replays: int
    replay_requested_at: datetime | None
    size: int
    digest: str
    event: EventFacts | None
    lane: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """One act of an operator."""

    at: datetime
    actor: str
    act: str
    reason: str
    parked_id: int
    topic: str
    partition: int
    offset: int
    digest: str
    size: int
    parked_for: str
    aggregate: str | None
    version: int | None
    seen_before: int | None


@dataclass(frozen=True, slots=True)
class _Row:
    """A parked message, with what the record of an act repeats."""

    id: int
    reason: str
    blocks: bool
    parked_at: datetime
    record: Record

    @property
    def lane(self) -> Releasable:
        return Releasable(self.record.topic, self.record.key, 0 if self.blocks else self.id)

    @property
    def item(self) -> Item | None:
        decoded = decode(self.record)
        return decoded if isinstance(decoded, Item) else None


_ROW = sa.text("""
    SELECT id, reason, blocks, parked_at, topic, partition, "offset", key, value, timestamp_ms FROM parked
    WHERE id = :id
""")
_SHOW = sa.text("""
    SELECT detail, replays, replay_requested_at FROM parked WHERE id = :id
""")
_RECORD = sa.text("""
    INSERT INTO parked_acts (actor, act, reason, parked_id, topic, partition, "offset", digest, size,
        parked_for, parked_at, aggregate, version, seen_before)
    VALUES (:actor, :act, :reason, :parked_id, :topic, :partition, :offset, :digest, :size,
        :parked_for, :parked_at, :aggregate, :version, :seen_before)
""")
_ACTS = sa.text("""
    SELECT at, actor, act, reason, parked_id, topic, partition, "offset", digest, size, parked_for,
        aggregate, version, seen_before
    FROM parked_acts WHERE parked_id = :id ORDER BY id
""")


def operator(text: str) -> Actor:
    """The operator that a text names (`operator:<id>`); refuses with `actor_mismatch` any other actor."""
    actor = Actor.parse(text)
    if actor.kind is not ActorKind.OPERATOR:
        raise Refusal(RefusalCode.ACTOR_MISMATCH)
    return actor


async def show(session: AsyncSession, parked_id: int) -> ParkedMessage:
    """One parked message; raises `NotParked`."""
    row = await _row(session, parked_id)
    told = (await session.execute(_SHOW, {"id": parked_id})).one()
    event = row.item.event if row.item is not None else None
    return ParkedMessage(
        id=row.id,
        topic=row.record.topic,
        partition=row.record.partition,
        offset=row.record.offset,
        reason=row.reason,
        detail=told.detail,
        blocks=row.blocks,
        parked_at=row.parked_at,
        replays=told.replays,
        replay_requested_at=told.replay_requested_at,
        size=len(row.record.value),
        digest=digest_of(row.record),
        event=EventFacts(event.type, event.aggregate, event.version) if event is not None else None,
        lane=tuple(each for each, _ in await parking.take_lane(session, row.lane)),
    )


async def acts_on(session: AsyncSession, parked_id: int) -> list[RecordedAct]:
    """What operators did with a message, also when it is no longer parked."""
    return [RecordedAct(**row) for row in (await session.execute(_ACTS, {"id": parked_id})).mappings()]


async def replay(session: AsyncSession, ids: Sequence[int], by: Actor, reason: ReplayReason) -> list[int]:
    """Ask for messages to be tried again with all that wait behind them; returns all of these, raises `NotParked`."""
    for parked_id in ids:
        await _note(session, await _row(session, parked_id), by, Act.REPLAY, reason, None)
    return await parking.request_replay(session, ids)


async def discard(session: AsyncSession, ids: Sequence[int], by: Actor, reason: DiscardReason) -> None:
    """Treat messages as seen, in this order, and have what waits behind them tried; raises `NotParked`, `NotFirst`."""
    for parked_id in ids:
        row = await _row(session, parked_id)
        # Locks the lane, so that no consumer judges a later message of it meanwhile.
        waiting = [each for each, _ in await parking.take_lane(session, row.lane)]
        if parked_id not in waiting:
            raise NotParked(parked_id)  # somebody was faster
        if waiting[0] != parked_id:
            raise NotFirst(parked_id, waiting[: waiting.index(parked_id)])
        await _note(session, row, by, Act.DISCARD, reason, await _count_as_seen(session, row))
        await parking.remove(session, [parked_id])
        if waiting[1:]:
            await parking.request_replay(session, waiting[1:])


async def _count_as_seen(session: AsyncSession, row: _Row) -> int | None:
    """Move the aggregate past a discarded event; returns the version before, None where nothing had to move."""
    event = row.item.event if row.item is not None and row.blocks else None
    if event is None:
        return None
    seen = (await admission.load_seen(session, [event.aggregate])).get(event.aggregate)
    version = seen.version if seen else 0
    if event.version <= version:
        return None
    passed = {event.aggregate: Seen(event.version, digest_of(row.record))}
    await admission.save_seen(session, passed, [event.aggregate])
    return version


async def _row(session: AsyncSession, parked_id: int) -> _Row:
    row = (await session.execute(_ROW, {"id": parked_id})).one_or_none()
    if row is None:
        raise NotParked(parked_id)
    record = Record(row.topic, row.partition, row.offset, row.key, row.value, (), row.timestamp_ms)
    return _Row(row.id, row.reason, row.blocks, row.parked_at, record)


async def _note(
    session: AsyncSession, row: _Row, by: Actor, act: Act, reason: StrEnum, seen_before: int | None
) -> None:
    event = row.item.event if row.item is not None else None
    await session.execute(
        _RECORD,
        {
            "actor": str(by),
            "act": act.value,
            "reason": reason.value,
            "parked_id": row.id,
            "topic": row.record.topic,
            "partition": row.record.partition,
            "offset": row.record.offset,
            "digest": digest_of(row.record),
            "size": len(row.record.value),
            "parked_for": row.reason,
            "parked_at": row.parked_at,
            "aggregate": event.aggregate if event is not None else None,
            "version": event.version if event is not None else None,
            "seen_before": seen_before,
        },
    )
