"""How a reference reaches Kafka and PostgreSQL, and how it gathers batches; the same for both references."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.eventing.database import SERVER_SETTINGS
from tests.benchmarks.reference.hops import Hop

MAX_BATCH = 500
LINGER_SECONDS = 0.008
_POLL_MS = 200


class Place(BaseSettings):
    """What a reference process is told, in variables behind `BENCH_`."""

    model_config = SettingsConfigDict(env_prefix="BENCH_")

    kind: str
    bootstrap: str
    username: str
    password: SecretStr
    postgres_host: str
    postgres_port: int
    database: str
    database_password: SecretStr

    def topic(self, name: str) -> str:
        """A topic's full name."""
        return f"bench.{self.kind}.{name}"

    def kafka(self) -> dict[str, str]:
        """How aiokafka's clients log in."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password.get_secret_value(),
        }

    def consumer(self, hop: Hop, listener: ConsumerRebalanceListener | None = None) -> AIOKafkaConsumer:
        """A consumer of what the hop reads, not yet started."""
        consumer = AIOKafkaConsumer(
            **self.kafka(),
            group_id=f"bench.{self.kind}.{hop.name}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        consumer.subscribe([self.topic(name) for name in hop.reads], listener=listener)
        return consumer

    def producer(self, *, idempotent: bool) -> AIOKafkaProducer:
        """A producer with acks=all, not yet started."""
        return AIOKafkaProducer(
            **self.kafka(), acks="all", enable_idempotence=idempotent, max_batch_size=262_144, linger_ms=0
        )

    async def pool(self, size: int) -> asyncpg.Pool[asyncpg.Record]:
        """Connections to the hop's database."""
        return await asyncpg.create_pool(
            host=self.postgres_host,
            port=self.postgres_port,
            user=self.database,
            password=self.database_password.get_secret_value(),
            database=self.database,
            min_size=size,
            max_size=size,
            server_settings=SERVER_SETTINGS,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One message to be said; `row` is its place in an outbox, where there is one."""

    topic: str
    key: bytes
    value: bytes
    row: int = 0


async def batches(
    consumer: AIOKafkaConsumer, linger: float | None
) -> AsyncIterator[list[ConsumerRecord[bytes, bytes]]]:
    """Yield batches for ever; waits a little for more where the batch before had more than one message."""
    last = 0
    while True:
        pause = linger if linger is not None else LINGER_SECONDS
        if linger is not None or last > 1:
            await asyncio.sleep(pause)
        fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=MAX_BATCH)
        batch = [record for records in fetched.values() for record in records]
        last = len(batch)
        if batch:
            yield batch


async def send(producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
    """Send all and wait until Kafka has acknowledged every one."""
    waits = [await producer.send(message.topic, message.value, key=message.key) for message in messages]
    if waits:
        await asyncio.wait(waits)
        for wait in waits:
            wait.result()
