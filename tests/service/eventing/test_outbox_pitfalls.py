"""What goes wrong with outboxes: acknowledged too early, overtaken, skipped, stuck, told apart from its trace."""

import asyncio
import random
from collections import defaultdict

import pytest
import sqlalchemy as sa
from aiokafka.errors import MessageSizeTooLargeError
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from deploy.access import PostgresAccess
from services.eventing import sending
from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.eventing.outbox import OutboxRow
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tests.service.eventing.conftest import IDS, MakeTopic, open_database
from tests.service.eventing.published import (
    forget_memory,
    nothing_unpublished,
    read,
    read_all,
    read_records,
    unpublished,
)

TRACE = 0x0AF7651916CD43DD8448EB211C80319C


def _take_only_small(infra: Infrastructure, topic: str) -> None:
    """Let Kafka refuse larger messages than 1 kB on a topic."""
    entry = ConfigEntry("max.message.bytes", "1000", incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient(infra.kafka.librdkafka())  # its answers come only while it lives
    for done in admin.incremental_alter_configs([change]).values():
        done.result(30)


async def test_nothing_counts_as_sent_that_kafka_has_not_acknowledged(
    database: Database, kafka: KafkaAccess, infra: Infrastructure, make_topic: MakeTopic
) -> None:
    """What Kafka refuses stays in the outbox; without acknowledgements it would be marked, and lost."""
    topic = make_topic(1)
    _take_only_small(infra, topic)
    database.publisher.start()
    async with database.work() as work:
        await work.send(topic, "k", random.Random(1).randbytes(5_000))
    producer = Producer(kafka, "tests.unacknowledged")
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send([OutboxRow(topic, "k", random.Random(2).randbytes(5_000), None)])
        await producer.send([OutboxRow(topic, "k", b"small", None)])
    finally:
        await producer.stop()
    assert await read_all(kafka, topic) == [b"small"]
    assert await unpublished(database) == 1


async def test_a_producer_that_is_not_answered_gives_up_and_another_sends(
    kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A client may wait for very long by itself; after a bound it is replaced."""
    topic, producer = f"test.{IDS.new()}", Producer(kafka, "tests.patient")
    try:
        with pytest.raises(TimeoutError):
            await producer.send([OutboxRow(topic, "k", b"nowhere to go", None)], seconds=1)
        make_topic(1, topic)
        await producer.send([OutboxRow(topic, "k", b"arrived", None)])
        assert await read_all(kafka, topic) == [b"arrived"]
    finally:
        await producer.stop()


async def test_what_kafka_does_not_take_holds_back_nothing_else(
    database: Database, kafka: KafkaAccess, infra: Infrastructure, make_topic: MakeTopic
) -> None:
    """A message that is too large keeps those of its own key behind it; all others go, from memory and by the relay."""
    topic = make_topic(1)
    _take_only_small(infra, topic)
    for key, value in (("large", random.Random(1).randbytes(5_000)), ("large", b"behind"), ("small", b"left over")):
        async with database.work() as work:
            await work.send(topic, key, value)
    forget_memory(database)
    database.publisher.start()
    await eventually(lambda: _unpublished_are(database, 2))
    async with database.work() as work:
        await work.send(topic, "other", b"fresh")
        await work.send(topic, "large", b"behind as well")
    await eventually(lambda: _unpublished_are(database, 3))
    assert await read_all(kafka, topic) == [b"left over", b"fresh"]


async def test_a_topic_that_is_not_there_holds_back_only_itself(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is meant for it waits until it has been made; all other topics go on."""
    monkeypatch.setattr(sending, "RETRY_SECONDS", 2.0)
    missing, topic = f"test.{IDS.new()}", make_topic(1)
    for where in (missing, topic):
        async with database.work() as work:
            await work.send(where, "k", b"first")
    database.publisher.start()
    await eventually(lambda: _unpublished_are(database, 1))
    assert await read_all(kafka, topic) == [b"first"]
    make_topic(1, missing)
    async with database.work() as work:
        await work.send(missing, "k", b"second")
    await eventually(lambda: nothing_unpublished(database))
    assert await read_all(kafka, missing) == [b"first", b"second"]


async def _unpublished_are(database: Database, count: int) -> bool:
    return await unpublished(database) == count


async def test_a_producer_that_is_out_of_sequence_is_made_anew(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """One whose sequence Kafka does not accept would be refused for ever; the outbox goes on with a new one."""
    topic = make_topic(1)
    database.publisher.start()
    async with database.work() as work:
        await work.send(topic, "k", b"first")
    await eventually(lambda: nothing_unpublished(database))
    stuck = database.publisher._producer._producer
    assert stuck is not None
    assert stuck._txn_manager is not None
    numbers = stuck._txn_manager._sequence_numbers
    for partition in list(numbers):
        numbers[partition] += 7
    for value in (b"second", b"third"):
        async with database.work() as work:
            await work.send(topic, "k", value)
    await eventually(lambda: nothing_unpublished(database))
    assert await read(kafka, topic, 3) == [b"first", b"second", b"third"]


async def test_a_row_that_commits_late_is_not_skipped(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A lower id that commits after a higher one has been published is published all the same."""
    topic = make_topic(1)
    database.publisher.start()
    async with database.work() as late:
        await late.send(topic, "late", b"late")
        await late.save()  # it has its id now; what `work` hands over when it commits is nothing, as after a crash
        async with database.work() as work:
            await work.send(topic, "early", b"early")
        assert await read(kafka, topic, 1) == [b"early"]
        await eventually(lambda: nothing_unpublished(database))
    assert await unpublished(database) == 1
    await eventually(lambda: nothing_unpublished(database))
    assert await read(kafka, topic, 2) == [b"early", b"late"]


async def test_the_relay_does_not_overtake_a_row_that_memory_still_holds(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic, pipeline_database: PostgresAccess
) -> None:
    """A row left to the relay waits for an older one of its key that is on its way from memory; other keys do not."""
    topic, replica = make_topic(1), open_database(pipeline_database, kafka)
    try:
        async with database.work() as work:
            await work.send(topic, "k", b"in memory")
        async with replica.work() as work:
            await work.send(topic, "k", b"left to the relay")
            await work.send(topic, "other", b"other")
        forget_memory(replica)
        async with database.engine.begin() as connection:
            await connection.execute(sa.text("UPDATE outbox SET created_at = created_at - interval '1 minute'"))
        await database.publisher.relay()
        assert await read_all(kafka, topic) == [b"other"]
        database.publisher.start()
        assert await read(kafka, topic, 3) == [b"other", b"in memory", b"left to the relay"]
    finally:
        await replica.close()


@pytest.mark.parametrize("crashed", [False, True], ids=["from memory", "by the relay"])
async def test_the_trace_goes_with_the_message(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic, crashed: bool
) -> None:
    """What a transaction says belongs to the trace in which it was said, also when another process publishes it."""
    topic = make_topic(1)
    context = SpanContext(TRACE, 0x00F067AA0BA902B7, is_remote=True, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(context)):
        async with database.work() as work:
            await work.send(topic, "k", b"traced")
    if crashed:
        forget_memory(database)
    database.publisher.start()
    (record,) = await read_records(kafka, topic, 1)
    assert dict(record.headers)["traceparent"].decode().split("-")[1] == f"{TRACE:032x}"


async def test_two_replicas_publish_side_by_side_in_order_and_lose_nothing(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic, pipeline_database: PostgresAccess
) -> None:
    """Whoever commits and whoever dies in between: of each key Kafka first has the messages in their order."""
    topic, replica = make_topic(3), open_database(pipeline_database, kafka)
    numbers: defaultdict[str, int] = defaultdict(int)

    async def say(by: Database, key: str) -> None:
        async with by.work() as work:
            # As with the stream of an aggregate: one at a time until the commit.
            await work.session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": key})
            numbers[key] += 1
            await work.send(topic, key, f"{key} {numbers[key]}".encode())

    async def say_many(by: Database, seed: int) -> None:
        for number in range(60):
            await say(by, f"key-{(number * seed) % 7}")
            if number % 20 == 19:
                forget_memory(by)

    try:
        for each in (database, replica):
            each.publisher.start()
        await asyncio.gather(*(say_many(by, seed) for by in (database, replica) for seed in (1, 3, 5)))
        await eventually(lambda: nothing_unpublished(database))
        values = await read_all(kafka, topic)
    finally:
        await replica.close()
    firsts: defaultdict[str, list[int]] = defaultdict(list)
    for value in dict.fromkeys(values):
        key, number = value.decode().split()
        firsts[key].append(int(number))
    assert sum(numbers.values()) == 360
    assert firsts == {key: list(range(1, last + 1)) for key, last in numbers.items()}
