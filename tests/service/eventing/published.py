"""What of an outbox has reached Kafka, and what has not."""

import asyncio

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.eventing.broker import KafkaAccess
from services.eventing.database import Database


def _consumer(kafka: KafkaAccess) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        auto_offset_reset="earliest",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=kafka.username,
        sasl_plain_password=kafka.password,
    )


async def read_records(kafka: KafkaAccess, topic: str, count: int) -> "list[ConsumerRecord[bytes, bytes]]":
    """The first so many records of a topic; waits for them."""
    consumer = _consumer(kafka)
    consumer.subscribe([topic])
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


async def read(kafka: KafkaAccess, topic: str, count: int) -> list[bytes]:
    """The values of the first so many records of a topic; waits for them."""
    return [record.value or b"" for record in await read_records(kafka, topic, count)]


async def read_all(kafka: KafkaAccess, topic: str) -> list[bytes]:
    """The values of all records that a topic has now, each partition in its order."""
    consumer = _consumer(kafka)
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            await consumer.end_offsets([TopicPartition(topic, 0)])
            partitions = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic) or ()]
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, 0)
            return [(await consumer.getone()).value or b"" for _ in range(sum(ends.values()))]
    finally:
        await consumer.stop()


async def unpublished(database: Database) -> int:
    """How many rows of the outbox have not been marked."""
    async with database.engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
        return int(rows.scalar_one())


async def nothing_unpublished(database: Database) -> bool:
    """Whether every row of the outbox has been marked."""
    return await unpublished(database) == 0


def forget_memory(database: Database) -> None:
    """Lose what dies with a process: rows that were handed over and have not been published."""
    database.publisher._queue.clear()
    database.publisher._waiting.clear()
