"""What an agency can put on the wire of its own topic does not stop `referral` for the others."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Message
from confluent_kafka import Producer as KafkaProducer

from deploy.access import KafkaAccess
from deploy.network import EmbeddedNetwork
from tests.builders.wire import BytesName, careless_producers
from tsunagu_agency.client import AgencyClient
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.events.referral import MessageRefused
from tsunagu_contracts.topics import agency_outbound

CLINIC = "chiyoda-clinic-a"
GARBAGE = b"{" * 2000
Send = Callable[[KafkaAccess, str], Awaitable[int]]


def compressed(codec: str) -> Send:
    """Send garbage compressed with a codec; returns its offset."""

    async def send(access: KafkaAccess, topic: str) -> int:
        placed: list[int | None] = []

        def note(_error: object, message: Message) -> None:
            placed.append(message.offset())

        producer = KafkaProducer({**access.librdkafka(), "compression.type": codec})
        producer.produce(topic, GARBAGE, "r-garbage", on_delivery=note)
        assert await asyncio.to_thread(producer.flush, 30) == 0
        [offset] = placed
        assert offset is not None
        return offset

    return send


async def with_odd_header(access: KafkaAccess, topic: str) -> int:
    """Send garbage with a header whose name is no UTF-8; returns its offset."""
    with careless_producers():
        producer = AIOKafkaProducer(**access.aiokafka())
        await producer.start()
        try:
            headers = [(BytesName(b"\xff\xfe"), b"1")]
            return int((await producer.send_and_wait(topic, GARBAGE, key=b"r-garbage", headers=headers)).offset)
        finally:
            await producer.stop()


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(compressed("gzip"), id="gzip"),
        pytest.param(compressed("snappy"), id="snappy"),
        pytest.param(compressed("lz4"), id="lz4"),
        pytest.param(compressed("zstd"), id="zstd"),
        pytest.param(with_odd_header, id="header name"),
    ],
)
async def test_an_agency_cannot_stop_the_others_by_what_it_puts_on_the_wire(
    network: EmbeddedNetwork, send: Send
) -> None:
    """Every codec and any header is read, and answered like other garbage: with a code, and its place."""
    agency = network.agency(CLINIC)
    offset = await send(agency.kafka, agency_outbound(CLINIC))
    async with (
        asyncio.timeout(60),
        AgencyClient.from_folder(agency.keys_file.parent, reader="test-wire") as clinic,
    ):
        async for item in clinic.inbox():
            data = item.event.data if item.event else None
            if isinstance(data, MessageRefused) and data.offset == offset:
                assert data.code is RefusalCode.MALFORMED_JSON
                return
