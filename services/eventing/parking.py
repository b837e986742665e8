"""Parked messages: kept with their reason, later ones of the same aggregate behind them, replayed in order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.records import Item, Record, decode
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause

Lane = tuple[str, str | None]
"""A topic and a key: messages of one lane take effect in order or wait together."""

_PARK = sa.text("""
    INSERT INTO parked (topic, partition, "offset", key, value, traceparent, timestamp_ms,
        blocks, reason, detail, cause_aggregate, cause_version)
    VALUES (:topic, :partition, :offset, :key, :value, :traceparent, :timestamp_ms,
        :blocks, :reason, :detail, :cause_aggregate, :cause_version)
    ON CONFLICT (topic, partition, "offset") DO NOTHING
""")
# FOR SHARE waits for a replay of the same lane, so that nothing overtakes what it is about to release.
_BLOCKED = sa.text("""
    SELECT topic, key FROM parked
    WHERE blocks AND (topic, key) IN (SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:keys AS text[])))
    FOR SHARE
""")
# Not a join: with many that wait, and nothing known of how many may go on, it would read all that has been seen.
_RELEASABLE = sa.text("""
    SELECT DISTINCT topic, key, CASE WHEN blocks THEN 0 ELSE id END AS alone FROM parked
    WHERE replay_requested_at IS NOT NULL
        OR (SELECT version FROM seen_versions WHERE aggregate = cause_aggregate) >= cause_version
    LIMIT 100
""")
_LANE = sa.text("""
    SELECT id, topic, partition, "offset", key, value, traceparent, timestamp_ms FROM parked
    WHERE topic = :topic AND key IS NOT DISTINCT FROM :key AND CASE WHEN blocks THEN 0 ELSE id END = :alone
    ORDER BY id FOR UPDATE
""")
_REMOVE = sa.text("DELETE FROM parked WHERE id = ANY(:ids)")
_REMAIN = sa.text("""
    UPDATE parked SET replay_requested_at = NULL, replays = replays + 1, reason = :reason, detail = :detail,
        cause_aggregate = :cause_aggregate, cause_version = :cause_version
    WHERE id = :id
""")
_LIST = sa.text("""
    SELECT id, topic, partition, "offset", key, reason, detail, blocks, parked_at, replays, replay_requested_at
    FROM parked ORDER BY id LIMIT :limit
""")
_REQUEST = sa.text("""
    UPDATE parked SET replay_requested_at = clock_timestamp()
    WHERE id = ANY(:ids) OR (blocks AND (topic, key) IN (SELECT topic, key FROM parked WHERE id = ANY(:ids)))
    RETURNING id
""")
_COUNT = sa.text("SELECT count(*) FROM parked")


@dataclass(frozen=True, slots=True)
class Parking:
    """A message that cannot take effect now, and why; `blocks` keeps later ones of its lane behind it."""

    record: Record
    reason: RefusalCode
    detail: str = ""
    blocks: bool = True
    cause: Cause | None = None

    @property
    def lane(self) -> Lane:
        """The lane that this message belongs to."""
        return lane_of(self.record)


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A parked message as an operator sees it: where it stood, why it waits, how often it was tried again."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    reason: str
    detail: str
    blocks: bool
    parked_at: datetime
    replays: int
    replay_requested_at: datetime | None


def lane_of(record: Record) -> Lane:
    """The lane of a record."""
    return (record.topic, record.key)


async def park(session: AsyncSession, parkings: Sequence[Parking]) -> None:
    """Keep these messages with their reasons, in this order."""
    if parkings:
        await session.execute(
            _PARK,
            [
                {
                    "topic": parking.record.topic,
                    "partition": parking.record.partition,
                    "offset": parking.record.offset,
                    "key": parking.record.key,
                    "value": parking.record.value,
                    "traceparent": parking.record.traceparent,
                    "timestamp_ms": parking.record.timestamp_ms,
                    "blocks": parking.blocks,
                    **_why(parking),
                }
                for parking in parkings
            ],
        )


def _why(parking: Parking) -> dict[str, object]:
    return {
        "reason": parking.reason.value,
        "detail": parking.detail,
        "cause_aggregate": parking.cause.aggregate if parking.cause else None,
        "cause_version": parking.cause.version if parking.cause else None,
    }


async def blocked_lanes(session: AsyncSession, lanes: Collection[Lane]) -> set[Lane]:
    """Those of these lanes in which something is parked that keeps later messages behind it."""
    rows = await session.execute(_BLOCKED, {"topics": [topic for topic, _ in lanes], "keys": [key for _, key in lanes]})
    return {(row.topic, row.key) for row in rows}


@dataclass(frozen=True, slots=True)
class Releasable:
    """A lane to be tried again; `alone` is the id of a message that blocks nobody, or 0 for the lane."""

    topic: str
    key: str | None
    alone: int


async def releasable(session: AsyncSession) -> list[Releasable]:
    """Lanes whose replay was asked for, and those that waited for a cause which has now been seen."""
    rows = await session.execute(_RELEASABLE)
    return [Releasable(row.topic, row.key, row.alone) for row in rows]


async def take_lane(session: AsyncSession, lane: Releasable) -> list[tuple[int, Record]]:
    """The parked messages of a lane in the order in which they are to take effect, locked until the transaction ends.

    Events stand in the order of their versions: what was missing may have come after what missed it.
    """
    rows = await session.execute(_LANE, {"topic": lane.topic, "key": lane.key, "alone": lane.alone})
    messages = [
        (
            row.id,
            Record(
                row.topic,
                row.partition,
                row.offset,
                row.key,
                row.value,
                (("traceparent", row.traceparent.encode()),) if row.traceparent else (),
                row.timestamp_ms,
            ),
        )
        for row in rows
    ]
    return sorted(messages, key=lambda message: _version(message[1]))


def _version(record: Record) -> int:
    one = decode(record)
    return one.event.version if isinstance(one, Item) and one.event is not None else 0


async def remove(session: AsyncSession, ids: Sequence[int]) -> None:
    """Forget messages that have now taken effect."""
    await session.execute(_REMOVE, {"ids": list(ids)})


async def remain(session: AsyncSession, parked_id: int, parking: Parking) -> None:
    """Keep a message that failed again, with its new reason."""
    await session.execute(_REMAIN, {"id": parked_id, **_why(parking)})


async def list_parked(session: AsyncSession, limit: int = 100) -> list[ParkedRow]:
    """The oldest parked messages."""
    return [ParkedRow(**row) for row in (await session.execute(_LIST, {"limit": limit})).mappings()]


async def request_replay(session: AsyncSession, ids: Sequence[int]) -> list[int]:
    """Ask for these messages to be tried again, with all that waits behind them; returns what was asked for."""
    return [row.id for row in await session.execute(_REQUEST, {"ids": list(ids)})]


async def count_parked(session: AsyncSession) -> int:
    """How many messages are parked."""
    return int((await session.execute(_COUNT)).scalar_one())
