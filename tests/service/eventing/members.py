"""Members of a consumer group whose effects can be seen, and a producer that says what they are to consume."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from services.eventing.broker import KafkaAccess
from services.eventing.consumer import Bounds, Consumer
from services.eventing.database import Database
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.eventing.statements import Statement
from services.eventing.work import Work
from services.runtime import health
from services.runtime.health import Condition
from tests.service.eventing.conftest import IDS, Stream

BOUNDS = Bounds()
_KEEP = Statement("""
    INSERT INTO effects (aggregate, version, member)
    SELECT *, CAST(:member AS text) FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]))
""")


class PlainStream(Stream):
    """Messages as of an agency: nothing in them tells the pipeline whether it has seen them before."""

    def next(self, *, cause: str | None = None) -> bytes:
        """The next number."""
        self.version += 1
        return b"%d" % self.version


def agency_topic() -> str:
    """The name of a topic whose messages the pipeline hands on as they are."""
    return f"agency.t-{IDS.new()}.outbound"


def _told(item: Item) -> tuple[str, int]:
    if item.event is None:
        return f"notification:{item.record.key}", int(item.record.value)
    return item.event.aggregate, item.event.version


class Member:
    """One member of a group whose handler keeps what took effect, and can be told to fail or to wait."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()
        self.failing: dict[str, Exception] = {}
        self.deliveries: list[str] = []

    async def __call__(self, work: Work, items: Sequence[Item]) -> None:
        """Keep the items, then fail or wait as told."""
        for item in items:
            aggregate, _ = _told(item)
            self.deliveries.append(aggregate)
            if aggregate in self.failing:
                raise self.failing[aggregate]
        if self.failures:
            self.failures -= 1
            raise ConnectionResetError
        if not self.gate.is_set():
            self.waiting.set()
            await self.gate.wait()
        aggregates, versions = zip(*map(_told, items), strict=True)
        work.later(_KEEP, {"aggregates": aggregates, "versions": versions, "member": self.name})


async def took_effect(database: Database) -> list[tuple[str, int]]:
    """What took effect, in order, whichever member did it."""
    async with database.engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT aggregate, version FROM effects ORDER BY id"))
        return [(row.aggregate, row.version) for row in rows]


@asynccontextmanager
async def consuming(
    database: Database,
    kafka: KafkaAccess,
    topic: str,
    member: Handler,
    group: str,
    *,
    pattern: str | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Consumer]:
    """A consumer of the topic that runs while this is open."""
    consumer = Consumer(
        service=group,
        access=kafka,
        database=database,
        handler=member,
        topics=[topic],
        pattern=pattern,
        bounds=bounds,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        if isinstance(member, Member):
            member.gate.set()
        await consumer.stop()


@asynccontextmanager
async def producing(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaProducer]:
    """Kafka's own producer."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=kafka.username,
        sasl_plain_password=kafka.password,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def all_at(database: Database, streams: Sequence[Stream]) -> bool:
    """Whether every event that the streams have said has taken effect, and nothing else."""
    effects = await took_effect(database)
    return set(effects) == {(s.aggregate, version) for s in streams for version in range(1, s.version + 1)}


async def say(producer: AIOKafkaProducer, topic: str, *streams: Stream, partition: int | None = None) -> None:
    """Publish the next event of each stream."""
    for stream in streams:
        await producer.send_and_wait(topic, stream.next(), key=stream.key.encode(), partition=partition)


async def readiness(database: Database, consumer: Consumer) -> dict[str, object]:
    """What readiness answers over HTTP for a process with this consumer; its status code under `status`."""
    app = FastAPI()
    app.include_router(health.router(database, consumer, Condition(asyncio.Event())))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        answer = await client.get("/health/ready")
    return {**answer.json(), "status": answer.status_code}
