"""Audit on real Kafka: what no service can read reaches the log as it was sent, and stops nobody."""

import json
from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa
from confluent_kafka import Producer as KafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic

from services.audit.storage.tables import findings, log_entries
from services.audit.subscribers import handle
from services.eventing.broker import KafkaAccess
from services.eventing.consumer import Consumer
from tests.builders.agency_messages import IDS
from tests.builders.said import Course, Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure

HEADERS: list[tuple[str, str | bytes | None]] = [
    ("traceparent", b"\xff\x00"),
    ("twice", b"1"),
    ("twice", b"2"),
    ("null", None),
    ("名前", b""),
]
ENCODED = [["traceparent", "/wA="], ["twice", "MQ=="], ["twice", "Mg=="], ["null", None], ["名前", ""]]


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[ServiceBench]:
    """Audit on a fresh database."""
    async with service_bench("audit", make_database("audit").url, handle) as opened:
        yield opened


@pytest.fixture
def topic(infra: Infrastructure) -> str:
    """A topic of its own."""
    name = f"test.{IDS.new()}"
    admin = AdminClient(infra.kafka.librdkafka())
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
    return name


async def test_bytes_that_nobody_can_read_reach_the_log_with_key_and_headers(
    infra: Infrastructure, topic: str, bench: ServiceBench
) -> None:
    """Invalid UTF-8, empty and null values, odd keys and binary headers are kept; the event behind them is read."""
    event = Course(Saying()).submitted().record
    sent = [(b"\xff\xfe", b"\xc3\x28\x00"), (None, b""), (b"", None), (event.raw_key, event.value)]
    producer = KafkaProducer(infra.kafka.librdkafka())
    for key, value in sent:
        producer.produce(topic, key=key, value=value, headers=HEADERS)
    assert producer.flush(30) == 0
    consumer = Consumer(
        service=f"audit-{topic}",
        access=KafkaAccess(infra.kafka.bootstrap, infra.kafka.username, infra.kafka.password),
        database=bench.database,
        handler=handle,
        topics=[topic],
        raw=True,
    )

    async def whole_log() -> Sequence[sa.RowMapping]:
        rows = await bench.rows(log_entries)
        return rows if len(rows) == len(sent) else ()

    await consumer.start()
    try:
        rows = await eventually(whole_log)
    finally:
        await consumer.stop()
    assert [(row["key"], row["value"]) for row in rows] == sent
    assert [json.loads(row["headers"]) for row in rows] == [ENCODED] * len(sent)
    assert [row["kind"] for row in await bench.rows(findings)] == ["undecodable"] * 3
