"""What goes wrong with consumers of Kafka: poison, rebalances, slow handlers, positions that run ahead, new topics."""

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from aiokafka import TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.access import PostgresAccess
from services.eventing import repeating
from services.eventing.broker import KafkaAccess
from services.eventing.consumer import Bounds
from services.eventing.database import Database
from services.eventing.parking import ParkedRow
from services.eventing.positions import Positions
from services.eventing.processing import Processor
from services.eventing.records import Item, Record
from services.eventing.work import Work
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tests.service.eventing.batches import parked, somebody_waits
from tests.service.eventing.conftest import IDS, MakeTopic, Stream, open_database
from tests.service.eventing.members import (
    Member,
    PlainStream,
    agency_topic,
    all_at,
    consuming,
    producing,
    say,
    took_effect,
)
from tests.service.eventing.published import read_records
from tsunagu_contracts.codes import RefusalCode


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed batches at once instead of after seconds."""
    monkeypatch.setattr(repeating, "_RETRY_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(repeating, "_RETRY_MOST_SECONDS", 0.05)


async def _one_parked(database: Database) -> Sequence[ParkedRow]:
    rows = await parked(database)
    return rows if len(rows) == 1 else ()


@pytest.mark.parametrize("failure", [ValueError(), TimeoutError()], ids=["at once", "as if it would pass"])
async def test_a_poison_message_is_delivered_a_bounded_number_of_times_and_starves_nobody(
    database: Database,
    effects_table: None,
    kafka: KafkaAccess,
    make_topic: MakeTopic,
    hurried: None,
    failure: Exception,
) -> None:
    """It is parked, whatever its failure looks like; those before and behind it in its partition take effect."""
    topic, poison, member = make_topic(1), Stream(), Member("only")
    member.failing[poison.aggregate] = failure
    before, behind, later = Stream(), Stream(), Stream()
    async with producing(kafka) as producer:
        await say(producer, topic, before, poison, behind)
        async with consuming(database, kafka, topic, member, IDS.new()):
            await eventually(lambda: all_at(database, [before, behind]))
            (row,) = await eventually(lambda: _one_parked(database))
            assert (row.offset, row.reason, row.detail) == (1, RefusalCode.HANDLER_FAILED, type(failure).__name__)
            deliveries = member.deliveries.count(poison.aggregate)
            assert deliveries <= repeating.TRIES_TOGETHER + 2
            await say(producer, topic, later, later)
            await eventually(lambda: all_at(database, [before, behind, later]))
            assert member.deliveries.count(poison.aggregate) == deliveries


async def test_a_lone_poison_message_is_known_by_what_comes_behind_it(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic, hurried: None
) -> None:
    """While nothing else is there it is tried again; as soon as another message would take effect it is parked."""
    topic, poison, other, member = make_topic(1), Stream(), Stream(), Member("only")
    member.failing[poison.aggregate] = ConnectionResetError()
    async with producing(kafka) as producer:
        await say(producer, topic, poison)
        async with consuming(database, kafka, topic, member, IDS.new()):
            await eventually(lambda: _delivered(member, poison, repeating.TRIES_TOGETHER + 3))
            assert await parked(database) == []
            await say(producer, topic, other)
            await eventually(lambda: all_at(database, [other]))
            await eventually(lambda: _one_parked(database))


async def _delivered(member: Member, stream: Stream, times: int) -> bool:
    return member.deliveries.count(stream.aggregate) >= times


async def test_while_nothing_can_take_effect_nothing_is_parked(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic, hurried: None
) -> None:
    """When what a handler depends on is away, all wait and all take effect in the end."""
    topic, streams, member = make_topic(1), [Stream() for _ in range(4)], Member("only")
    member.failing = {stream.aggregate: ConnectionResetError() for stream in streams}
    async with producing(kafka) as producer:
        await say(producer, topic, *streams)
        async with consuming(database, kafka, topic, member, IDS.new()):
            await eventually(lambda: _delivered(member, streams[0], repeating.TRIES_TOGETHER + 5))
            assert await parked(database) == []
            member.failing = {}
            await eventually(lambda: all_at(database, streams))
    assert await parked(database) == []


async def test_what_a_dying_member_had_in_hand_takes_effect_elsewhere(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A batch that was delivered and not finished is delivered again: at least once, and once in effect."""
    topic, group, stream, dying = make_topic(1), IDS.new(), Stream(), Member("dying")
    dying.gate.clear()
    async with producing(kafka) as producer:
        await say(producer, topic, stream)
        async with consuming(database, kafka, topic, dying, group) as consumer:
            await asyncio.wait_for(dying.waiting.wait(), 60)
            assert consumer._connection is not None
            for task in consumer._connection._subscriber.tasks:
                task.cancel()
        async with consuming(database, kafka, topic, Member("heir"), group):
            await eventually(lambda: all_at(database, [stream]))


async def test_a_batch_that_lost_one_partition_loses_nothing_of_the_others(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Positions of a batch move together or not at all: what another member took is left to it, the rest is done."""
    topic, member, other = make_topic(2, agency_topic()), Member("slow"), Member("other")
    busy, kept, taken = PlainStream(), PlainStream(), PlainStream()
    unwatched = Bounds(still_seconds=3_600)
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, topic, member, IDS.new(), bounds=unwatched) as consumer,
    ):
        await say(producer, topic, kept, partition=0)
        await say(producer, topic, busy, partition=1)
        await eventually(lambda: all_at(database, [kept, busy]))
        member.gate.clear()
        await say(producer, topic, busy, partition=0)
        await asyncio.wait_for(member.waiting.wait(), 60)
        await say(producer, topic, kept, partition=0)
        await _take(database, other, Record(topic, 1, 1, taken.key, taken.next(), (), 0))
        await producer.send_and_wait(topic, b"1", key=taken.key.encode(), partition=1)
        member.gate.set()
        await eventually(lambda: all_at(database, [busy, kept, taken]))
        await say(producer, topic, kept, partition=0)
        await say(producer, topic, taken, partition=1)
        await eventually(lambda: all_at(database, [busy, kept, taken]))
        assert consumer.assigned
    effects = await took_effect(database)
    assert len(effects) == len(set(effects))


async def _take(database: Database, member: Member, record: Record) -> None:
    """Let another member process the first record of a partition."""
    partition, positions = TopicPartition(record.topic, record.partition), Positions()
    async with database.engine.connect() as connection:
        await positions.load(connection, [partition])
    processor = Processor(database, member, frozenset({record.topic}), "other")
    await processor.process([record], {partition: record.offset + 1}, positions)


async def test_a_client_that_runs_ahead_is_called_back(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Positions never pass messages that have not taken effect, wherever the client reads."""
    topic, stream, member = make_topic(1), Stream(), Member("only")
    async with producing(kafka) as producer, consuming(database, kafka, topic, member, IDS.new()) as consumer:
        await say(producer, topic, stream)
        await eventually(lambda: all_at(database, [stream]))
        assert consumer._connection is not None
        assert consumer._connection.client is not None
        consumer._connection.client.seek(TopicPartition(topic, 0), 3)
        await say(producer, topic, *[stream] * 4)
        await eventually(lambda: all_at(database, [stream]))
    assert await took_effect(database) == [(stream.aggregate, version) for version in range(1, 6)]
    assert await parked(database) == []


async def test_a_handler_that_takes_longer_than_kafka_waits_has_its_effect_once(
    database: Database,
    effects_table: None,
    infra: Infrastructure,
    kafka: KafkaAccess,
    make_topic: MakeTopic,
    pipeline_database: PostgresAccess,
) -> None:
    """Its partitions go to another member, whoever moves the position first wins, and both go on."""
    topic, group, streams = make_topic(2, agency_topic()), IDS.new(), [PlainStream() for _ in range(4)]
    slow, quick = Member("slow"), Member("quick")
    slow.gate.clear()
    replica = open_database(pipeline_database, kafka)
    try:
        async with producing(kafka) as producer:
            await say(producer, topic, *streams)
            async with consuming(database, kafka, topic, slow, group, bounds=Bounds(max_poll_seconds=1)):
                await asyncio.wait_for(slow.waiting.wait(), 60)
                await eventually(lambda: _left(infra, group))
                async with consuming(replica, kafka, topic, quick, group):
                    await eventually(lambda: all_at(database, streams))
                    slow.gate.set()
                    await say(producer, topic, *streams)
                    await eventually(lambda: all_at(database, streams))
        effects = await took_effect(database)
        assert len(effects) == len(set(effects))
    finally:
        await replica.close()


async def _left(infra: Infrastructure, group: str) -> bool:
    """Whether Kafka counts nobody to the group any more."""
    admin = AdminClient(infra.kafka.librdkafka())
    return not admin.describe_consumer_groups([group])[group].result(30).members


async def test_a_lone_handler_that_takes_longer_than_kafka_waits_makes_progress(
    database: Database, effects_table: None, infra: Infrastructure, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Having been put out of its group, it still commits what it did, comes back and goes on."""
    topic, group, stream, slow = make_topic(1), IDS.new(), Stream(), Member("slow")
    slow.gate.clear()
    async with producing(kafka) as producer:
        await say(producer, topic, stream)
        async with consuming(database, kafka, topic, slow, group, bounds=Bounds(max_poll_seconds=1)):
            await asyncio.wait_for(slow.waiting.wait(), 60)
            await eventually(lambda: _left(infra, group))
            slow.gate.set()
            await say(producer, topic, stream)
            await eventually(lambda: all_at(database, [stream]))
    assert slow.deliveries == [stream.aggregate] * 2


@pytest.mark.parametrize("there", [1, 0], ids=["beside one", "as the first"])
async def test_a_new_topic_is_found_within_seconds(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic, there: int
) -> None:
    """A topic that fits the pattern is read from its beginning without anybody's help, as when an agency joins."""
    run, stream = IDS.new(), Stream()
    if there:
        make_topic(1, f"test.{run}.first")
    names = rf"test\.{run}\.[a-z]+"
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, f"test.{run}", Member("only"), run, pattern=names),
    ):
        topic = make_topic(1, f"test.{run}.second")
        await say(producer, topic, stream)
        await eventually(lambda: all_at(database, [stream]), seconds=30)


async def test_the_trace_reaches_what_a_handler_says(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """From a message's header through handler and outbox to the header of what the handler says about it."""
    topic, said, stream = make_topic(1), make_topic(1), Stream()
    trace = f"{0x0AF7651916CD43DD8448EB211C80319C:032x}"
    heard: list[str | None] = []

    async def handle(work: Work, items: Sequence[Item]) -> None:
        for item in items:
            heard.append(item.trace)
            await work.send(said, "k", b"answer", item.trace)

    async with producing(kafka) as producer:
        await producer.send_and_wait(
            topic,
            stream.next(),
            key=stream.key.encode(),
            headers=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01".encode())],
        )
    database.publisher.start()
    async with consuming(database, kafka, topic, handle, IDS.new()):
        (record,) = await read_records(kafka, said, 1)
    assert [(each or "").split("-")[1] for each in heard] == [trace]
    assert dict(record.headers)["traceparent"].decode().split("-")[1] == trace


async def test_a_position_that_is_read_anew_stays_known_meanwhile(database: Database) -> None:
    """Two may read the same positions at once, as a batch and a rebalance do; neither takes them from the other."""
    partition, positions = TopicPartition("t", 0), Positions()
    async with database.engine.connect() as connection:
        await positions.load(connection, [partition])
    async with database.engine.connect() as reading, database.engine.begin() as locking:
        await locking.execute(sa.text("LOCK TABLE consumed_positions IN ACCESS EXCLUSIVE MODE"))
        again = asyncio.create_task(positions.load(reading, [partition]))
        await eventually(lambda: somebody_waits(database))
        assert positions.knows(partition)
        assert positions.next_offset(partition) is None
        await locking.rollback()
        await again
