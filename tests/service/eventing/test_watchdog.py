"""A consumer that hangs finds back by itself; one that is slow or has nothing to do is left alone."""

import asyncio
from collections.abc import Sequence
from unittest.mock import ANY

import pytest
from aiokafka import AIOKafkaProducer

from services.eventing import connection as connections
from services.eventing.broker import KafkaAccess
from services.eventing.connection import Connection
from services.eventing.consumer import Bounds, Consumer
from services.eventing.database import Database
from services.eventing.ends import KafkaEnds, Reach
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tests.infra.servers import Server
from tests.service.eventing.conftest import IDS, MakeTopic, Stream
from tests.service.eventing.members import Member, all_at, consuming, producing, readiness, say

SOON = Bounds(still_seconds=2.0, look_seconds=0.5)


def _connection(consumer: Consumer) -> Connection:
    assert consumer._connection is not None
    return consumer._connection


async def _hang(consumer: Consumer) -> Connection:
    """Leave the consumer as aiokafka's issues describe it: a member of its group that fetches no more."""
    connection = _connection(consumer)
    assert connection.client is not None
    fetcher = connection.client._fetcher
    assert fetcher is not None
    for task in (fetcher._fetch_task, *fetcher._pending_tasks):
        task.cancel()
    return connection


async def test_a_consumer_that_hangs_connects_anew(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """When Kafka has messages and none takes effect, the connection is given up and another does the work."""
    topic, stream = make_topic(2), Stream()
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, topic, Member("only"), IDS.new(), bounds=SOON) as consumer,
    ):
        await say(producer, topic, stream)
        await eventually(lambda: all_at(database, [stream]))
        stuck = await _hang(consumer)
        await say(producer, topic, stream, stream)
        await eventually(lambda: all_at(database, [stream]))
        assert _connection(consumer) is not stuck


async def test_a_connection_that_does_not_even_close_is_torn_down(
    database: Database,
    effects_table: None,
    kafka: KafkaAccess,
    make_topic: MakeTopic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its place in the group expires, because nothing of it is left that would say that it lives."""
    monkeypatch.setattr(connections, "STOP_LIMIT_SECONDS", 0.5)
    streams = [Stream() for _ in range(6)]
    topic = make_topic(len(streams))
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, topic, Member("only"), IDS.new(), bounds=SOON) as consumer,
    ):
        await _say_everywhere(producer, topic, streams)
        await eventually(lambda: all_at(database, streams))
        client = (await _hang(consumer)).client
        assert client is not None
        monkeypatch.setattr(client, "stop", asyncio.Event().wait)
        await _say_everywhere(producer, topic, streams)
        await eventually(lambda: all_at(database, streams))
        assert [record.msg for record in caplog.records if "connecting anew" in record.msg] == [ANY]
        monkeypatch.undo()
        client._closed = True


async def _say_everywhere(producer: AIOKafkaProducer, topic: str, streams: Sequence[Stream]) -> None:
    """One event of each stream, each on a partition of its own."""
    for partition, stream in enumerate(streams):
        await say(producer, topic, stream, partition=partition)


async def test_readiness_sees_that_it_stands_still(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Until the new connection has helped, whoever asks is told."""
    topic, stream = make_topic(1), Stream()
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, topic, Member("only"), IDS.new(), bounds=SOON) as consumer,
    ):
        await eventually(consumer.caught_up)
        assert not consumer.stands_still
        await _hang(consumer)
        await say(producer, topic, stream)
        await eventually(lambda: _now(consumer.stands_still))
        told = await readiness(database, consumer)
        assert (told["status"], told["ready"]) == (503, False)
        await eventually(lambda: all_at(database, [stream]))
        await eventually(lambda: _ready(database, consumer))


async def test_a_slow_handler_is_not_taken_for_a_hanging_connection(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """While a batch is in hand the connection stays, however long the messages behind it wait."""
    topic, stream, member = make_topic(1), Stream(), Member("slow")
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, topic, member, IDS.new(), bounds=SOON) as consumer,
    ):
        connection = _connection(consumer)
        member.gate.clear()
        await say(producer, topic, stream)
        await asyncio.wait_for(member.waiting.wait(), 60)
        await say(producer, topic, stream)
        several_looks = SOON.still_seconds + 4 * SOON.look_seconds
        await eventually(lambda: _now(consumer.still_seconds > several_looks))
        member.gate.set()
        await eventually(lambda: all_at(database, [stream]))
        await eventually(lambda: _now(not consumer.stands_still))
        assert _connection(consumer) is connection


async def _ready(database: Database, consumer: Consumer) -> bool:
    return (await readiness(database, consumer))["ready"] is True


async def _now(condition: bool) -> bool:
    return condition


async def test_how_far_topics_reach_is_told_for_every_partition_of_the_pattern(
    kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Partitions without messages are told as well, and topics that do not match are not."""
    topic, other, stream = make_topic(3), make_topic(1), Stream()
    async with producing(kafka) as producer:
        await say(producer, topic, stream, stream, partition=1)
        await say(producer, other, stream)
    reaches = await KafkaEnds(kafka, "tests.ends", f"^{topic}$").ask()
    assert {(each.topic, each.partition): reach for each, reach in reaches.items()} == {
        (topic, 0): Reach(0, 0),
        (topic, 1): Reach(0, 2),
        (topic, 2): Reach(0, 0),
    }


@pytest.fixture
def broker(infra: Infrastructure) -> Server:
    """The run's own Kafka; skipped where it belongs to somebody else."""
    if infra.servers is None:
        pytest.skip(f"the infrastructure is not ours to stop: {infra.origin}")
    return infra.servers.broker


@pytest.mark.faults
async def test_consumer_and_outbox_find_back_to_a_broker_that_was_killed(
    database: Database,
    effects_table: None,
    kafka: KafkaAccess,
    make_topic: MakeTopic,
    broker: Server,
) -> None:
    """What was said while the broker was away takes effect after it has come back, without anybody's help."""
    topic, stream = make_topic(3), Stream()
    database.publisher.start()
    async with consuming(database, kafka, topic, Member("only"), IDS.new(), bounds=SOON):
        await _send(database, topic, stream)
        await eventually(lambda: all_at(database, [stream]))
        await asyncio.to_thread(broker.kill)
        await _send(database, topic, stream)
        await asyncio.to_thread(broker.start)
        await _send(database, topic, stream)
        await eventually(lambda: all_at(database, [stream]), seconds=120)


async def _send(database: Database, topic: str, stream: Stream) -> None:
    async with database.work() as work:
        await work.send(topic, stream.key, stream.next())
