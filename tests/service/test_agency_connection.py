"""The connection on which an agency publishes, when many messages are under way on it and it fails."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError

from deploy.network import EmbeddedNetwork
from tsunagu_agency import KafkaLogin, NotPublishedError, OutgoingMessage, Published, kafka
from tsunagu_contracts.ports import Uuid7Ids


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[AIOKafkaProducer]:
    """Every connection that is made to publish on."""
    connections: list[AIOKafkaProducer] = []
    start = kafka._start

    async def noted(producer: AIOKafkaProducer) -> None:
        await start(producer)
        connections.append(producer)

    monkeypatch.setattr(kafka, "_start", noted)
    return connections


@pytest.fixture
async def outbound(provisioned: EmbeddedNetwork, made: list[AIOKafkaProducer]) -> AsyncIterator[kafka.OutboundTopic]:
    """The outbound topic of an agency of which no other test expects anything."""
    agency = provisioned.agency(provisioned.agency_ids[-1])
    login = KafkaLogin(bootstrap=agency.kafka.bootstrap, username=agency.kafka.username, password=agency.kafka.password)
    topic = kafka.OutboundTopic(login, agency.agency_id)
    yield topic
    await topic.close()


async def publish(outbound: kafka.OutboundTopic) -> Published:
    """Publish some message."""
    ident = Uuid7Ids().new()
    return await outbound.publish(OutgoingMessage(ident, ident, b'{"manifest":""}'), None)


def senders_at_work() -> int:
    """How many of Kafka's producers send, or try to."""
    return sum("Sender._sender_routine" in repr(task.get_coro()) for task in asyncio.all_tasks())


async def test_a_message_that_fails_leaves_alone_the_connection_made_since(
    outbound: kafka.OutboundTopic, made: list[AIOKafkaProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages of one lost connection give up at different times; together they cost one new connection."""
    await publish(outbound)
    times_out = [asyncio.Event(), asyncio.Event()]
    turns = iter(times_out)

    async def unanswered(*_: object, **__: object) -> None:
        await next(turns).wait()
        raise KafkaTimeoutError

    monkeypatch.setattr(made[0], "send_and_wait", unanswered)
    early, late = (asyncio.create_task(publish(outbound)) for _ in times_out)
    times_out[0].set()
    with pytest.raises(NotPublishedError):
        await early
    await publish(outbound)
    times_out[1].set()
    with pytest.raises(NotPublishedError):
        await late
    await publish(outbound)
    assert len(made) == 2
    assert senders_at_work() == 1


async def test_a_connection_that_will_not_close_is_torn_down(
    outbound: kafka.OutboundTopic, made: list[AIOKafkaProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would go on sending beside its successor for as long as the program runs."""
    await publish(outbound)

    async def unanswered(*_: object, **__: object) -> None:
        raise KafkaTimeoutError

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(made[0], "send_and_wait", unanswered)
    monkeypatch.setattr(made[0], "stop", never)
    with monkeypatch.context() as soon:
        soon.setattr(kafka, "_LIMIT_SECONDS", 0.5)
        with pytest.raises(NotPublishedError):
            await publish(outbound)
    await publish(outbound)
    assert len(made) == 2
    assert senders_at_work() == 1
