"""The reference without guarantees: effect, then what is said, then the position, each at its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.benchmarks.reference.connections import Message, Place, batches, send
from tests.benchmarks.reference.hops import Hop

TABLES = ""
_COMMIT_EVERY_SECONDS = 0.1


async def run(hop: Hop, place: Place, ready: Callable[[], object]) -> None:
    """Run one hop until it is cancelled; `ready` is called once it has its partitions."""
    consumer, producer = place.consumer(hop), place.producer(idempotent=False)
    pool = await place.pool(1)
    done: dict[TopicPartition, int] = {}
    await consumer.start()
    await producer.start()
    committing = asyncio.create_task(_commit(consumer, done))
    saying: asyncio.Task[None] | None = None
    try:
        async with pool.acquire() as connection:
            effect = await connection.prepare(hop.effect)
            ready()
            async for batch in batches(consumer, hop.linger):
                columns, said = hop.read(batch)
                if columns[0]:
                    rows = await effect.fetch(*columns)
                    if saying is not None:
                        await saying
                    if hop.says is not None:
                        topic = place.topic(hop.says)
                        messages = [Message(topic, row[0].encode(), row[1] or said[row[0]]) for row in rows]
                        saying = asyncio.create_task(send(producer, messages))
                for record in batch:
                    done[TopicPartition(record.topic, record.partition)] = record.offset + 1
    finally:
        committing.cancel()
        await consumer.stop()
        await producer.stop()
        await pool.close()


async def _commit(consumer: AIOKafkaConsumer, done: dict[TopicPartition, int]) -> None:
    """Tell Kafka now and then how far we are; a batch that was in hand at a crash comes again or is lost."""
    while True:
        await asyncio.sleep(_COMMIT_EVERY_SECONDS)
        if done:
            positions = dict(done)
            done.clear()
            await consumer.commit(positions)
