"""What a transaction says reaches Kafka: after the commit, in order, also when the process died in between."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.eventing import outbox
from services.eventing.broker import KafkaAccess
from services.eventing.database import Database
from services.eventing.work import Emission
from tests.infra.eventually import eventually
from tests.service.eventing.conftest import IDS, MakeTopic
from tests.service.eventing.published import forget_memory, nothing_unpublished, read, unpublished
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import encode_event
from tsunagu_contracts.events.notify import NotificationAcknowledged


class _UndoneError(Exception):
    """What makes a transaction fail in these tests."""


async def test_what_commits_is_published_in_order_and_marked(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Messages of committed transactions arrive in the order of the commits and are marked afterwards."""
    topic = make_topic(1)
    database.publisher.start()
    for number in range(20):
        async with database.work() as work:
            await work.send(topic, "k", f"{number}".encode())
    assert await read(kafka, topic, 20) == [f"{number}".encode() for number in range(20)]
    await eventually(lambda: nothing_unpublished(database))


async def test_what_rolls_back_is_never_said(database: Database, kafka: KafkaAccess, make_topic: MakeTopic) -> None:
    """A transaction that fails says nothing, and a savepoint that fails takes its sayings with it."""
    topic = make_topic(1)
    database.publisher.start()
    with suppress(_UndoneError):
        async with database.work() as work:
            await work.send(topic, "k", b"undone")
            raise _UndoneError
    async with database.work() as work:
        with suppress(_UndoneError):
            async with work.savepoint():
                await work.send(topic, "k", b"undone part")
                raise _UndoneError
        await work.send(topic, "k", b"kept")
    assert await read(kafka, topic, 1) == [b"kept"]


async def test_the_relay_publishes_what_a_crash_left_behind(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """Rows that were committed but never published, as after a crash, are published by the relay in order."""
    topic = make_topic(1)
    for number in range(5):
        async with database.work() as work:
            await work.send(topic, "k", f"{number}".encode())
    assert await unpublished(database) == 5
    forget_memory(database)
    database.publisher.start()
    assert await read(kafka, topic, 5) == [f"{number}".encode() for number in range(5)]
    await eventually(lambda: nothing_unpublished(database))


async def test_memory_never_overtakes_an_unpublished_row_of_the_same_key(
    database: Database, kafka: KafkaAccess, make_topic: MakeTopic
) -> None:
    """A fresh row of a key waits for the older row that a crash left unpublished; other keys do not wait."""
    topic = make_topic(1)
    async with database.work() as work:
        await work.send(topic, "k", b"left behind")
    forget_memory(database)
    database.publisher.start()
    async with database.work() as work:
        await work.send(topic, "k", b"later")
        await work.send(topic, "other", b"other")
    messages = await read(kafka, topic, 3)
    assert messages.index(b"left behind") < messages.index(b"later")
    assert messages[0] == b"other"


async def test_a_row_is_marked_only_after_kafka_has_acknowledged(
    database: Database, kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch, make_topic: MakeTopic
) -> None:
    """While Kafka refuses, rows stay unmarked; once it takes them they arrive and are marked."""
    topic = make_topic(1)
    sending = database.publisher._producer.send
    refusing = asyncio.Event()

    async def refuse(messages: object) -> None:
        refusing.set()
        raise ConnectionError

    monkeypatch.setattr(database.publisher._producer, "send", refuse)
    database.publisher.start()
    async with database.work() as work:
        await work.send(topic, "k", b"patient")
    await asyncio.wait_for(refusing.wait(), 60)
    refusing.clear()
    await asyncio.wait_for(refusing.wait(), 60)  # the relay has tried as well
    assert await unpublished(database) == 1
    monkeypatch.setattr(database.publisher._producer, "send", sending)
    assert await read(kafka, topic, 1) == [b"patient"]
    await eventually(lambda: nothing_unpublished(database))


async def test_events_of_an_aggregate_carry_version_and_previous(database: Database) -> None:
    """Each event names the digest of the exact bytes before it, across transactions and inside one."""
    aggregate = f"notification:{IDS.new()}"

    def said() -> Emission:
        data = NotificationAcknowledged(notification_id=IDS.new(), coordinator_id="c-0001")
        return Emission(aggregate, data, Actor.coordinator("c-0001"))

    async with database.work() as work:
        one, two = await work.emit(said(), said())
    async with database.work() as work:
        (three,) = await work.emit(said())
    assert [event.version for event in (one, two, three)] == [1, 2, 3]
    assert one.previous is None
    assert two.previous == digest(encode_event(one))
    assert three.previous == digest(encode_event(two))


async def test_two_transactions_on_one_aggregate_never_share_a_version(database: Database) -> None:
    """Concurrent sayings of one aggregate wait for each other and number without gap or repetition."""
    aggregate = f"notification:{IDS.new()}"

    async def say() -> int:
        async with database.work() as work:
            data = NotificationAcknowledged(notification_id=IDS.new(), coordinator_id="c-0001")
            (event,) = await work.emit(Emission(aggregate, data, Actor.coordinator("c-0001")))
            return event.version

    assert sorted(await asyncio.gather(*(say() for _ in range(12)))) == list(range(1, 13))


async def test_old_published_rows_are_pruned_and_others_kept(database: Database) -> None:
    """Only rows that were published longer ago than they are kept for are deleted."""
    async with database.work() as work:
        await work.send("nowhere", "k", b"old")
        await work.send("nowhere", "k", b"waiting")
    async with database.engine.begin() as connection:
        await connection.execute(
            sa.text("UPDATE outbox SET published_at = now() - interval '2 days' WHERE value = 'old'")
        )
        await outbox.prune(connection, keep=timedelta(days=1), limit=10)
        rows = await connection.execute(sa.text("SELECT value FROM outbox"))
        assert [row.value for row in rows] == [b"waiting"]
