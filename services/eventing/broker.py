"""Connections to Kafka: FastStream for what is consumed, one producer for what the outbox publishes.

FastStream's own defaults lose messages; everything that keeps them is set here, once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512

from services.eventing.wire import forgive_header_names

_log = logging.getLogger("tsunagu.eventing.broker")

SEND_LIMIT_SECONDS = 30.0
_STOP_LIMIT_SECONDS = 5.0


class Sendable(Protocol):
    """What the producer needs of a message."""

    @property
    def topic(self) -> str:
        """The topic to write."""
        ...

    @property
    def key(self) -> str:
        """The key; messages of one key keep their order."""
        ...

    @property
    def value(self) -> bytes:
        """The exact bytes."""
        ...

    @property
    def traceparent(self) -> str | None:
        """The trace that the message belongs to."""
        ...


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Where Kafka is and as whom to sign in (SASL/SCRAM-SHA-512)."""

    bootstrap: str
    username: str
    password: str


def consuming_broker(access: KafkaAccess, client_id: str) -> KafkaBroker:
    """A FastStream broker that only consumes; it never creates topics and waits for running handlers on stop."""
    forgive_header_names()
    return KafkaBroker(
        access.bootstrap,
        client_id=client_id,
        security=SASLScram512(username=access.username, password=access.password, use_ssl=False),
        consumer_only=True,
        allow_auto_create_topics=False,
        apply_types=False,
        graceful_timeout=30,
        metadata_max_age_ms=3_000,
        logger=logging.getLogger("tsunagu.eventing.kafka"),
    )


class Producer:
    """An idempotent producer with acks=all, made anew after a failure because a stuck one stays stuck."""

    def __init__(self, access: KafkaAccess, client_id: str) -> None:
        self._access = access
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._sending = asyncio.Lock()

    async def send(self, messages: Sequence[Sendable], *, seconds: float = SEND_LIMIT_SECONDS) -> None:
        """Send the messages in order and return when Kafka has acknowledged every one.

        Raises whatever Kafka's client raises, TimeoutError after so many seconds, for an idempotent producer
        tries for ever by itself; which of the messages arrived is then unknown.
        """
        async with self._sending:
            try:
                async with asyncio.timeout(seconds):
                    producer = self._producer or await self._start()
                    waits = [
                        await producer.send(
                            message.topic,
                            message.value,
                            key=message.key.encode(),
                            headers=[("traceparent", message.traceparent.encode())] if message.traceparent else [],
                        )
                        for message in messages
                    ]
                    await asyncio.gather(*waits)
            except BaseException:
                await self._discard()
                raise

    async def stop(self) -> None:
        """Close the connection."""
        async with self._sending:
            await self._discard()

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._access.bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=self._access.username,
            sasl_plain_password=self._access.password,
            max_batch_size=262_144,
            max_request_size=1_048_576,
            linger_ms=0,
            # How long a message waits for a topic that is not there; far less than a whole send may take.
            request_timeout_ms=10_000,
        )
        self._producer = producer
        await producer.start()
        return producer

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.stop(), _STOP_LIMIT_SECONDS)
        except Exception as error:
            _log.warning("producer did not stop in order error=%s", type(error).__name__)
            await _tear_down(producer)


async def _tear_down(producer: AIOKafkaProducer) -> None:
    """End what a producer that would not stop has left running, else it would try for ever."""
    for owner in (producer._sender, producer.client):
        with contextlib.suppress(Exception):
            await asyncio.wait_for(owner.close(), _STOP_LIMIT_SECONDS)  # type: ignore[no-untyped-call]
