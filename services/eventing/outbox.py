"""The outbox: what a transaction says is a row of that transaction, and reaches Kafka afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession


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


# The no-op update takes the row lock and returns the present head whether or not the row was there.
_LOCK_HEADS = sa.text("""
    INSERT INTO streams (aggregate, version) SELECT unnest(CAST(:aggregates AS text[])), 0
    ON CONFLICT (aggregate) DO UPDATE SET version = streams.version
    RETURNING aggregate, version, digest
""")
# A statement does not see what its own WITH inserts, so `waiting` finds earlier rows only.
_SAVE = sa.text("""
    WITH moved AS (
        UPDATE streams SET version = said.version, digest = said.digest
        FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]), CAST(:digests AS text[]))
            AS said (aggregate, version, digest)
        WHERE streams.aggregate = said.aggregate
    ), fresh AS (
        INSERT INTO outbox (topic, key, value, traceparent)
        SELECT topic, key, value, traceparent FROM unnest(
            CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:contents AS bytea[]), CAST(:traceparents AS text[])
        ) WITH ORDINALITY AS said (topic, key, value, traceparent, position)
        ORDER BY position
        RETURNING id, topic, key
    )
    SELECT fresh.id, (
        SELECT array_agg(earlier.id) FROM outbox AS earlier
        WHERE earlier.published_at IS NULL AND earlier.topic = fresh.topic AND earlier.key = fresh.key
    ) AS waiting
    FROM fresh ORDER BY fresh.id
""")
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
# The moment is computed first, for an index cannot be searched by a function that changes from row to row.
_PRUNE = sa.text("""
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE published_at < (SELECT clock_timestamp() - CAST(:keep AS interval))
        ORDER BY published_at LIMIT :limit
    )
""")


async def lock_heads(session: AsyncSession, aggregates: Sequence[str]) -> dict[str, Head]:
    """Lock the streams of these aggregates, given in sorted order so that no two transactions deadlock."""
    rows = await session.execute(_LOCK_HEADS, {"aggregates": list(aggregates)})
    return {row.aggregate: Head(row.version, row.digest) for row in rows}


async def save(session: AsyncSession, heads: Mapping[str, Head], rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Write where the locked streams now stand and what was said, in one statement.

    The rows are returned with their ids and what they must not overtake.
    """
    if not rows:
        return []
    saved = await session.execute(
        _SAVE,
        {
            "aggregates": list(heads),
            "versions": [head.version for head in heads.values()],
            "digests": [head.digest for head in heads.values()],
            "topics": [row.topic for row in rows],
            "keys": [row.key for row in rows],
            "contents": [row.value for row in rows],
            "traceparents": [row.traceparent for row in rows],
        },
    )
    return [
        replace(row, id=fresh.id, waits_for=frozenset(fresh.waiting or ()))
        for row, fresh in zip(rows, saved, strict=True)
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
