"""The outbox: what a transaction says is a row of that transaction, and reaches Kafka afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.eventing.statements import Part, Row, Statement


class Head(NamedTuple):
    """Where an aggregate's stream stands: its last version and the digest of that event."""

    version: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message on its way to Kafka.

    `waits_for` are rows of the same topic and key that had not been marked as published when this one was
    written; it must not overtake them.
    """

    topic: str
    key: str
    value: bytes
    traceparent: str | None
    id: int = 0
    waits_for: frozenset[int] = frozenset()


NO_HEAD = Head(0, None)
"""Where the stream of an aggregate stands of which nothing has been said."""

# The no-op update takes the row lock and returns the present head whether or not the row was there.
LOCK_HEADS = Statement("""
    INSERT INTO streams (aggregate, version) SELECT unnest(CAST(:aggregates AS text[])), 0
    ON CONFLICT (aggregate) DO UPDATE SET version = streams.version
    RETURNING aggregate, version, digest
""")
"""Locks the streams of these aggregates, given in sorted order so that no two transactions deadlock."""

HEADS = Statement("SELECT aggregate, version, digest FROM streams WHERE aggregate = ANY(CAST(:aggregates AS text[]))")
"""Where streams stand, unlocked; those of which nothing has been said are absent."""

_BEGIN = Statement("""
    INSERT INTO streams (aggregate, version, digest)
    SELECT * FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]), CAST(:digests AS text[]))
    ON CONFLICT (aggregate) DO UPDATE SET version = excluded.version, digest = excluded.digest
        WHERE streams.version = 0
    RETURNING 1
""")
_MOVE = Statement("""
    UPDATE streams SET version = said.version, digest = said.digest
    FROM unnest(
        CAST(:aggregates AS text[]), CAST(:befores AS int[]), CAST(:versions AS int[]), CAST(:digests AS text[])
    ) AS said (aggregate, before, version, digest)
    WHERE streams.aggregate = said.aggregate AND streams.version = said.before
    RETURNING 1
""")
# In the order in which rows were said: unnest keeps it, and sorting would copy every value.
_SAY = Statement(
    """
    INSERT INTO outbox (topic, key, value, traceparent)
    SELECT * FROM unnest(
        CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:contents AS bytea[]), CAST(:traceparents AS text[])
    )
    RETURNING id, topic, key
    """,
    name="fresh",
)
# A statement does not see what its own WITH inserts, so `waiting` finds earlier rows only.
FRESH = Statement("""
    SELECT fresh.id, fresh.topic, fresh.key, (
        SELECT array_agg(earlier.id) FROM outbox AS earlier
        WHERE earlier.published_at IS NULL AND earlier.topic = fresh.topic AND earlier.key = fresh.key
    ), held.yes
    FROM fresh, held
""")
"""What is returned where something was said: each row's id and lane, and what it must not overtake."""

HELD = Statement("SELECT yes FROM held")
"""What is returned where nothing was said."""

_MARK = sa.text("UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY(:ids)")
# Ids first: most rows that have not been marked are in memory on their way, and their values are not wanted.
_DUE = sa.text("""
    SELECT id, topic, key FROM outbox
    WHERE published_at IS NULL AND created_at < clock_timestamp() - CAST(:grace AS interval)
    ORDER BY id LIMIT :limit
""")
_ROWS = sa.text("SELECT id, topic, key, value, traceparent FROM outbox WHERE id = ANY(:ids) ORDER BY id")
_OLDEST_AGE = sa.text("""
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)
    FROM outbox WHERE published_at IS NULL
""")
# The moment is computed first, for an index cannot be searched by a function that changes from row to row; and the
# ids are made an array, for joining so many ids would read the whole table.
_PRUNE = sa.text("""
    DELETE FROM outbox WHERE id = ANY (ARRAY(
        SELECT id FROM outbox WHERE published_at < (SELECT clock_timestamp() - CAST(:keep AS interval))
        ORDER BY published_at LIMIT :limit
    ))
""")


def stream_parts(before: Mapping[str, Head], now: Mapping[str, Head]) -> list[Part]:
    """Move these streams from where they were seen to stand to where they stand now; some may just begin."""
    begun = {name: head for name, head in now.items() if before[name].version == 0 < head.version}
    moved = {name: head for name, head in now.items() if 0 < before[name].version < head.version}
    parts: list[Part] = []
    for statement, heads in ((_BEGIN, begun), (_MOVE, moved)):
        if heads:
            names = sorted(heads)
            said = {
                "aggregates": names,
                "befores": [before[name].version for name in names],
                "versions": [heads[name].version for name in names],
                "digests": [heads[name].digest for name in names],
            }
            parts.append(Part(statement, said, touches=len(names)))
    return parts


def part_of(rows: Sequence[OutboxRow]) -> Part:
    """Keep what was said, in this order."""
    return Part(
        _SAY,
        {
            "topics": [row.topic for row in rows],
            "keys": [row.key for row in rows],
            "contents": [row.value for row in rows],
            "traceparents": [row.traceparent for row in rows],
        },
    )


def written(rows: Sequence[OutboxRow], saved: Sequence[Row]) -> list[OutboxRow]:
    """The rows with their ids and what they must not overtake, from what `FRESH` returned."""
    found = sorted((tuple(each) for each in saved), key=lambda each: int(each[0]))
    if [(row.topic, row.key) for row in rows] != [(topic, key) for _, topic, key, _, _ in found]:
        raise RuntimeError("rows of the outbox do not stand in the order in which they were said")
    return [
        replace(row, id=row_id, waits_for=frozenset(waiting or ()))
        for row, (row_id, _, _, waiting, _) in zip(rows, found, strict=True)
    ]


async def mark_published(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Mark rows whose delivery Kafka has acknowledged."""
    await connection.execute(_MARK, {"ids": list(ids)})


class DueRow(NamedTuple):
    """A row that should have been published by now: its id and the lane in which order is kept."""

    id: int
    topic: str
    key: str


async def due(connection: AsyncConnection, *, grace: timedelta, limit: int) -> list[DueRow]:
    """The oldest rows that have been unpublished for longer than `grace`, in id order.

    A younger row of the same lane has a higher id, so that whatever this leaves out stands behind.
    """
    rows = await connection.execute(_DUE, {"grace": grace, "limit": limit})
    return [DueRow(row.id, row.topic, row.key) for row in rows]


async def load(connection: AsyncConnection, ids: Sequence[int]) -> list[OutboxRow]:
    """The rows of these ids, in id order."""
    rows = await connection.execute(_ROWS, {"ids": list(ids)})
    return [OutboxRow(row.topic, row.key, row.value, row.traceparent, row.id) for row in rows]


async def oldest_age(connection: AsyncConnection) -> float:
    """The age in seconds of the oldest unpublished row; 0 when there is none."""
    return float((await connection.execute(_OLDEST_AGE)).scalar_one())


async def prune(connection: AsyncConnection, *, keep: timedelta, limit: int) -> int:
    """Delete so many of the rows that were published longer than `keep` ago; returns how many it found."""
    return (await connection.execute(_PRUNE, {"keep": keep, "limit": limit})).rowcount
