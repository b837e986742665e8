"""The reference with guarantees: positions, effect and outbox in one statement, published from memory, then marked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from tests.benchmarks.reference.connections import MAX_BATCH, Message, Place, batches, send
from tests.benchmarks.reference.hops import Columns, Hop

TABLES = """
CREATE TABLE IF NOT EXISTS positions (
    topic text, "partition" int, next_offset bigint NOT NULL, PRIMARY KEY (topic, "partition")
);
CREATE TABLE IF NOT EXISTS outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL,
    value bytea STORAGE EXTERNAL NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(), published_at timestamptz
);
CREATE INDEX IF NOT EXISTS outbox_unpublished ON outbox (id) WHERE published_at IS NULL
"""
_RELAY_EVERY_SECONDS = 0.5
# The division fails, and the whole statement with it, where a position was not where we believed it to be.
_AROUND = """
    WITH moved AS (
        INSERT INTO positions (topic, "partition", next_offset)
        SELECT topic, "partition", next_offset
        FROM unnest({topics}::text[], {partitions}::int[], {nexts}::bigint[]) AS m (topic, "partition", next_offset)
        ON CONFLICT (topic, "partition") DO UPDATE SET next_offset = excluded.next_offset
        WHERE positions.next_offset = (
            SELECT before FROM unnest({topics}::text[], {partitions}::int[], {befores}::bigint[])
                AS b (topic, "partition", before)
            WHERE b.topic = excluded.topic AND b."partition" = excluded."partition"
        )
        RETURNING 1
    ), held AS (SELECT 1 / (count(*) = cardinality({topics}::text[]))::int AS yes FROM moved),
    effect AS ({effect}),
    fresh AS (
        INSERT INTO outbox (topic, key, value)
        SELECT {topic}::text, effect.key, coalesce(effect.value, said.value)
        FROM effect LEFT JOIN unnest({keys}::text[], {values}::bytea[]) AS said (key, value) USING (key)
        WHERE {topic}::text IS NOT NULL
        RETURNING id, key
    )
    SELECT held.yes, fresh.id, fresh.key, effect.value
    FROM held LEFT JOIN fresh ON true LEFT JOIN effect USING (key) ORDER BY fresh.id
"""
_MARK = "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY($1::bigint[])"
_UNPUBLISHED = """
    SELECT id, topic, key, value FROM outbox
    WHERE published_at IS NULL AND created_at < clock_timestamp() - interval '1 s' ORDER BY id LIMIT 500
"""


def statement(hop: Hop, columns: int) -> str:
    """The one statement of a batch: the columns of the effect first, then positions and what is said."""
    names = ("topics", "partitions", "nexts", "befores", "topic", "keys", "values")
    places = {name: f"${columns + number}" for number, name in enumerate(names, start=1)}
    return _AROUND.format(effect=hop.effect, **places)


class _Positions(ConsumerRebalanceListener):
    """Where this process believes its partitions to stand; read from the database whenever they are given to it."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.next: dict[TopicPartition, int] = {}
        self.consumer: AIOKafkaConsumer | None = None
        self._pool = pool

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to hand over."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Go to where the database says that they stand."""
        rows = await self._pool.fetch('SELECT topic, "partition", next_offset FROM positions')
        kept = {TopicPartition(row[0], row[1]): row[2] for row in rows}
        for partition in assigned:
            self.next[partition] = kept.get(partition, 0)
            if self.consumer is not None:
                self.consumer.seek(partition, self.next[partition])


class _Publisher:
    """Publishes what has been committed, from memory, and marks it in bulk."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], producer: AIOKafkaProducer) -> None:
        self._pool = pool
        self._producer = producer
        self._queue: deque[Message] = deque()
        self._waiting: set[int] = set()
        self._wake = asyncio.Event()

    def hand_over(self, messages: Sequence[Message]) -> None:
        """Take messages whose rows have just been committed."""
        self._queue.extend(messages)
        self._waiting.update(message.row for message in messages)
        self._wake.set()

    async def publish(self) -> None:
        """Publish for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
                await send(self._producer, batch)
                await self._pool.execute(_MARK, [message.row for message in batch])
                self._waiting.difference_update(message.row for message in batch)

    async def relay(self) -> None:
        """Publish for ever what a crash has left behind, one relay at a time."""
        while True:
            await asyncio.sleep(_RELAY_EVERY_SECONDS)
            async with self._pool.acquire() as connection, connection.transaction():
                if not await connection.fetchval("SELECT pg_try_advisory_xact_lock(1)"):
                    continue
                rows = await connection.fetch(_UNPUBLISHED)
                left = [Message(row[1], row[2].encode(), row[3], row[0]) for row in rows if row[0] not in self._waiting]
                if left:
                    await send(self._producer, left)
                    await connection.execute(_MARK, [message.row for message in left])


async def run(hop: Hop, place: Place, ready: Callable[[], object]) -> None:
    """Run one hop until it is cancelled; `ready` is called once it has its partitions."""
    pool = await place.pool(3)
    positions = _Positions(pool)
    consumer, producer = place.consumer(hop, positions), place.producer(idempotent=True)
    positions.consumer = consumer
    await consumer.start()
    await producer.start()
    publisher = _Publisher(pool, producer)
    tasks = [asyncio.create_task(publisher.publish()), asyncio.create_task(publisher.relay())]
    topic = place.topic(hop.says) if hop.says else None
    try:
        async with pool.acquire() as connection:
            work = await connection.prepare(statement(hop, len(hop.read(())[0])))
            ready()
            async for batch in batches(consumer, hop.linger):
                columns, said = hop.read(batch)
                befores, nexts = (
                    dict(positions.next),
                    {TopicPartition(record.topic, record.partition): record.offset + 1 for record in batch},
                )
                rows = await work.fetch(*_arguments(columns, befores, nexts, topic, said))
                positions.next.update(nexts)
                if topic is not None:
                    publisher.hand_over(
                        [
                            Message(topic, row["key"].encode(), row["value"] or said[row["key"]], row["id"])
                            for row in rows
                            if row["id"] is not None
                        ]
                    )
    finally:
        for task in tasks:
            task.cancel()
        await consumer.stop()
        await producer.stop()
        await pool.close()


def _arguments(
    columns: Columns,
    befores: dict[TopicPartition, int],
    nexts: dict[TopicPartition, int],
    topic: str | None,
    said: dict[str, bytes],
) -> tuple[object, ...]:
    partitions = sorted(nexts)
    return (
        *columns,
        [each.topic for each in partitions],
        [each.partition for each in partitions],
        [nexts[each] for each in partitions],
        [befores[each] for each in partitions],
        topic,
        list(said),
        list(said.values()),
    )
