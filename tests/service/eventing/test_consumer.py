"""The consumer on real Kafka: positions in the database, batches repeated until done, several members."""

import asyncio

from confluent_kafka import TopicPartition
from confluent_kafka import TopicPartition as ConfluentPartition
from confluent_kafka.admin import AdminClient

from deploy.access import PostgresAccess
from services.eventing import parking
from services.eventing.broker import KafkaAccess
from services.eventing.database import Database
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tests.service.eventing.conftest import IDS, MakeTopic, Stream, open_database
from tests.service.eventing.members import Member, PlainStream, agency_topic, all_at, consuming, producing, took_effect


async def test_everything_is_consumed_from_the_beginning_and_again_nothing(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A new group takes what was there before it; after a restart it goes on where the database says."""
    topic, group, streams = make_topic(3), IDS.new(), [Stream() for _ in range(5)]
    async with producing(kafka) as producer:
        for stream in streams:
            await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
        async with consuming(database, kafka, topic, Member("first"), group):
            await eventually(lambda: all_at(database, streams))
        for stream in streams:
            await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
        async with consuming(database, kafka, topic, Member("second"), group):
            await eventually(lambda: all_at(database, streams))
    assert len(await took_effect(database)) == 10


async def test_a_position_that_retention_has_deleted_goes_on_with_what_is_left(
    database: Database,
    effects_table: None,
    infra: Infrastructure,
    kafka: KafkaAccess,
    make_topic: MakeTopic,
) -> None:
    """A consumer that was away for longer than records are kept takes the first that is left, not the next to come."""
    topic, group, streams = make_topic(1), IDS.new(), [Stream() for _ in range(3)]
    async with producing(kafka) as producer:
        await producer.send_and_wait(topic, streams[0].next(), key=streams[0].key.encode())
        async with consuming(database, kafka, topic, Member("before"), group):
            await eventually(lambda: all_at(database, streams[:1]))
        for stream in streams[1:]:
            await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
        admin = AdminClient(infra.kafka.librdkafka())  # its answers come only while it lives
        for done in admin.delete_records([ConfluentPartition(topic, 0, 2)]).values():
            done.result(30)
        async with consuming(database, kafka, topic, Member("after"), group):
            await eventually(lambda: all_at(database, [streams[0], streams[2]]))


async def test_a_passing_failure_repeats_the_batch_and_loses_nothing(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """When the database goes away under a batch, the same batch is tried again and later ones do not pass it."""
    topic, stream, member = make_topic(1), Stream(), Member("only")
    member.failures = 3
    async with producing(kafka) as producer:
        await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
        async with consuming(database, kafka, topic, member, IDS.new()):
            await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
            await eventually(lambda: all_at(database, [stream]))
    assert await took_effect(database) == [(stream.aggregate, 1), (stream.aggregate, 2)]
    async with database.reading() as session:
        assert await parking.count_parked(session) == 0


async def test_headers_that_are_not_text_do_not_stop_a_consumer(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A record with binary headers, and one with none and no value, leave their neighbours untouched."""
    topic, stream = make_topic(1), Stream()
    async with producing(kafka) as producer:
        await producer.send_and_wait(
            topic, stream.next(), key=stream.key.encode(), headers=[("traceparent", b"\xff\xfe"), ("x", b"\x80")]
        )
        await producer.send_and_wait(topic, None, key=b"\xff")
        await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
        async with consuming(database, kafka, topic, Member("only"), IDS.new()):
            await eventually(lambda: all_at(database, [stream]))
    async with database.reading() as session:
        assert [row.offset for row in await parking.list_parked(session)] == [1]


async def test_a_second_member_takes_over_without_repeating(
    database: Database,
    effects_table: None,
    kafka: KafkaAccess,
    make_topic: MakeTopic,
    pipeline_database: PostgresAccess,
) -> None:
    """While one member hangs in a batch another joins; whoever commits first wins and nothing happens twice."""
    topic, group, streams = make_topic(4, agency_topic()), IDS.new(), [PlainStream() for _ in range(12)]
    slow, other = Member("slow"), Member("other")
    replica = open_database(pipeline_database, kafka)
    try:
        async with producing(kafka) as producer:
            slow.gate.clear()
            async with consuming(database, kafka, topic, slow, group):
                for stream in streams:
                    await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
                await asyncio.wait_for(slow.waiting.wait(), 60)
                async with consuming(replica, kafka, topic, other, group):
                    for stream in streams:
                        await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
                    slow.gate.set()
                    await eventually(lambda: all_at(database, streams))
        effects_seen = await took_effect(database)
        assert len(effects_seen) == len(set(effects_seen)) == 24
        for stream in streams:
            assert [v for a, v in effects_seen if a == stream.aggregate] == [1, 2]
    finally:
        await replica.close()


async def test_a_member_has_caught_up_when_what_was_there_has_taken_effect(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """While a batch from before its start is in hand it has not; an empty partition does not hold it up."""
    topic, stream, member = make_topic(2), Stream(), Member("only")
    member.gate.clear()
    async with producing(kafka) as producer:
        await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
    async with consuming(database, kafka, topic, member, IDS.new()) as consumer:
        await asyncio.wait_for(member.waiting.wait(), 60)
        assert not await consumer.caught_up()
        member.gate.set()
        await eventually(consumer.caught_up)
        assert await took_effect(database) == [(stream.aggregate, 1)]


async def test_a_member_catches_up_though_retention_has_deleted_everything(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic, infra: Infrastructure
) -> None:
    """Offsets that Kafka no longer has are not waited for."""
    topic, stream = make_topic(1), Stream()
    async with producing(kafka) as producer:
        sent = await producer.send_and_wait(topic, stream.next(), key=stream.key.encode())
    admin = AdminClient(infra.kafka.librdkafka())
    everything = TopicPartition(topic, 0, sent.offset + 1)
    for deleted in admin.delete_records([everything]).values():
        deleted.result(30)
    async with consuming(database, kafka, topic, Member("only"), IDS.new()) as consumer:
        await eventually(consumer.caught_up)
    assert await took_effect(database) == []
