"""How much may be parked: growth is told, at the limit the consumer stops, and it goes on by itself."""

import logging

import pytest

from services.eventing import parked_acts, parked_watch
from services.eventing.broker import KafkaAccess
from services.eventing.consumer import Bounds, Consumer
from services.eventing.database import Database
from services.eventing.parked_acts import DiscardReason
from services.eventing.parked_watch import ParkedCount, ParkedWatch
from tests.infra.eventually import eventually
from tests.service.eventing.batches import Effects, effects_in, parked, process
from tests.service.eventing.conftest import IDS, MakeTopic, Partition, Stream
from tests.service.eventing.members import Member, all_at, consuming, producing, readiness, say
from tsunagu_contracts.actors import Actor


async def _count(database: Database) -> ParkedCount:
    async with database.reading() as session:
        return await parked_watch.count(session)


async def _discard_first(database: Database) -> None:
    (first, *_) = await parked(database)
    async with database.work() as work:
        await parked_acts.discard(
            work.session, [first.id], Actor.parse("operator:o-0001"), DiscardReason.NO_LONGER_NEEDED
        )


async def _stopped(consumer: Consumer) -> bool:
    return consumer.parked_full and not consumer.assigned


async def test_at_the_limit_the_consumer_stops_and_below_it_goes_on_by_itself(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Beyond the limit nothing more is parked; when an operator has made room, what waited takes effect."""
    topic, member, good = make_topic(1), Member("only"), Stream()
    bad = [Stream() for _ in range(4)]
    member.failing = {stream.aggregate: ValueError() for stream in bad[:3]}
    async with (
        producing(kafka) as producer,
        consuming(database, kafka, topic, member, IDS.new(), bounds=Bounds(most_parked=3)) as consumer,
    ):
        for number, stream in enumerate(bad[:3], 1):
            await say(producer, topic, stream)
            await eventually(lambda number=number: _parked_are(database, number))  # type: ignore[misc]
        await eventually(lambda: _stopped(consumer))
        await say(producer, topic, bad[3], good)
        assert await _count(database) == ParkedCount(stuck=3, waiting=0)
        assert await all_at(database, [])
        told = await readiness(database, consumer)
        assert (told["status"], told["ready"], told["parked_limit"], told["parked"]) == (503, False, True, 3)
        await _discard_first(database)
        await eventually(lambda: all_at(database, [bad[3], good]))
        await eventually(lambda: _ready(database, consumer))


async def _ready(database: Database, consumer: Consumer) -> bool:
    return (await readiness(database, consumer))["ready"] is True


async def _parked_are(database: Database, number: int) -> bool:
    return (await _count(database)).stuck == number


async def test_a_consumer_that_finds_too_much_parked_waits_for_room(
    database: Database, effects_table: None, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A restart does not make room; it starts all the same, and joins when there is."""
    topic, member, bad, good = make_topic(1), Member("only"), Stream(), Stream()
    member.failing = {bad.aggregate: ValueError()}
    group, bounds = IDS.new(), Bounds(most_parked=1)
    async with producing(kafka) as producer:
        await say(producer, topic, bad)
        async with consuming(database, kafka, topic, member, group, bounds=bounds) as consumer:
            await eventually(lambda: _stopped(consumer))
        await say(producer, topic, good)
        async with consuming(database, kafka, topic, member, group, bounds=bounds) as consumer:
            assert await _stopped(consumer)
            await _discard_first(database)
            await eventually(lambda: all_at(database, [good]))


@pytest.fixture
async def effects(database: Database) -> Effects:
    """The handler, with its table."""
    return await effects_in(database)


async def test_what_waits_for_a_cause_that_may_still_come_does_not_count(database: Database, effects: Effects) -> None:
    """To stop for it would be to wait for ourselves: the cause stands behind it in Kafka."""
    partition, cause, stream = Partition(), Stream(), Stream()
    early = [partition.record(stream.key, stream.next(cause=f"{cause.aggregate}@1")) for _ in range(2)]
    await process(database, effects, early)
    assert await _count(database) == ParkedCount(stuck=0, waiting=2)


async def test_what_waits_for_something_stuck_is_stuck_as_well(database: Database, effects: Effects) -> None:
    """However long the chain of causes: nothing in it will come by itself."""
    partition, first, second, third, free = Partition(), Stream(), Stream(), Stream(), Stream()
    effects.failing[first.aggregate] = ValueError()
    records = [
        partition.record(first.key, first.next()),
        partition.record(first.key, first.next()),
        partition.record(second.key, second.next(cause=f"{first.aggregate}@2")),
        partition.record(third.key, third.next(cause=f"{second.aggregate}@1")),
        partition.record(free.key, free.next(cause=f"{Stream().aggregate}@1")),
        partition.record(free.key, b"{"),
    ]
    await process(database, effects, records)
    assert await _count(database) == ParkedCount(stuck=5, waiting=1)


async def test_growth_is_told_once_and_so_is_the_limit(
    database: Database, effects: Effects, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning when the number grows, an error at the limit, nothing while it stays, a word when there is room."""
    partition, watch = Partition(), ParkedWatch(database, limit=2)
    caplog.set_level(logging.INFO, "tsunagu.eventing.parked")

    async def told() -> list[str]:
        caplog.clear()
        await watch.look()
        return [f"{record.levelname} {record.getMessage().partition(',')[0]}" for record in caplog.records]

    assert await told() == []
    await process(database, effects, [partition.record("a", b"{")])
    assert await told() == ["WARNING parked messages grew from=0 to=1 limit=2"]
    assert await told() == []
    await process(database, effects, [partition.record("b", b"{")])
    assert await told() == [
        "WARNING parked messages grew from=1 to=2 limit=2",
        "ERROR limit of parked messages reached",
    ]
    assert watch.full
    await _discard_first(database)
    assert await told() == ["WARNING parked messages below the limit"]
    assert not watch.full
