"""An agency's two topics: what it says goes out on one, what concerns it comes in on the other."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from tsunagu_agency.configuration import KafkaLogin
from tsunagu_agency.errors import NotPublishedError, UnreachableError
from tsunagu_agency.inbound import Inbound
from tsunagu_agency.outgoing import OutgoingMessage
from tsunagu_contracts.topics import agency_inbound, agency_outbound

_LIMIT_SECONDS = 30.0
"""How long a connection may take to come up, and an acknowledgement to arrive."""

_QUIET_MS = 15_000
"""After how long without a record the consumer is asked whether it has stopped by itself."""

_TRACEPARENT = "traceparent"
_log = logging.getLogger("tsunagu.agency.kafka")


@dataclass(frozen=True, slots=True)
class Published:
    """Where Kafka keeps a message that it has acknowledged."""

    topic: str
    partition: int
    offset: int


class OutboundTopic:
    """Publishes an agency's messages; Kafka has each on every in-sync replica before `publish` returns."""

    def __init__(self, login: KafkaLogin, agency_id: str) -> None:
        self._login = login
        self._topic = agency_outbound(agency_id)
        self._client_id = f"agency.{agency_id}"
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, message: OutgoingMessage, traceparent: str | None) -> Published:
        """Send a message's bytes and return when they are acknowledged; raises `NotPublishedError`."""
        headers = [] if traceparent is None else [(_TRACEPARENT, traceparent.encode("ascii"))]
        producer: AIOKafkaProducer | None = None
        try:
            producer = await self._started()
            sent = producer.send_and_wait(
                self._topic, message.raw, key=message.referral_id.encode("ascii"), headers=headers
            )
            where = await asyncio.wait_for(sent, _LIMIT_SECONDS)
        except (KafkaError, TimeoutError, OSError) as error:
            # An idempotent producer that has lost its place stays lost (aiokafka 1017): make it anew.
            await self._discard(producer)
            raise NotPublishedError(message.message_id, type(error).__name__) from None
        return Published(where.topic, where.partition, where.offset)

    async def close(self) -> None:
        """Close the connection; the next `publish` opens a new one."""
        await self._discard(self._producer)

    async def _discard(self, producer: AIOKafkaProducer | None) -> None:
        """Close this connection unless that has been done; one that others have made since is theirs."""
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        if not await _stopped(producer.stop()):
            # What would not stop would try for ever, and beside its successor.
            for owner in (producer._sender, producer.client):
                await _stopped(owner.close())  # type: ignore[no-untyped-call]

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **_connection(self._login),
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=1_048_576,
                )
                await _start(producer)
                self._producer = producer
            return self._producer


class InboundTopic:
    """Reads what is said to an agency, each item at least once, from where it last stopped."""

    def __init__(self, login: KafkaLogin, agency_id: str, reader: str) -> None:
        """Readers of one name share the items among them; readers of different names each get all."""
        self._login = login
        self._topic = agency_inbound(agency_id)
        self._client_id = f"agency.{agency_id}"
        self._group = f"agency.{agency_id}.{reader}"
        self._consumer: AIOKafkaConsumer | None = None
        self._handled: dict[TopicPartition, int] = {}

    async def items(self) -> AsyncIterator[Inbound]:
        """Yield items as they come, for ever; an item counts as handled once the next one is asked for.

        Raises `UnreachableError` when Kafka cannot be reached at first or refuses the login; a broker that
        goes away later is waited for.
        """
        while True:
            await self._keep_position()
            consumer = await self._started()
            polled = await consumer.getmany(timeout_ms=_QUIET_MS, max_records=1)
            records = [record for partition in polled.values() for record in partition]
            if not records and await _is_stuck(consumer):
                _log.warning("the inbox had stopped although more was there; connecting anew")
                await self.close()
            for record in records:
                # Noted before it is handed out: whoever asks for more, even in another loop, has handled it.
                self._handled = {TopicPartition(record.topic, record.partition): record.offset + 1}
                headers = dict(record.headers)
                traceparent = headers.get(_TRACEPARENT, b"").decode("ascii", "replace") or None
                yield Inbound.read(record.value or b"", traceparent)

    async def close(self) -> None:
        """Close the connection; an item that was handed out last and not followed by another comes again."""
        self._handled = {}
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stopped(consumer.stop())

    async def _keep_position(self) -> None:
        handled, self._handled = self._handled, {}
        if handled and self._consumer is not None:
            # A position that cannot be noted now means that the item comes again, which is allowed for.
            with suppress(KafkaError):
                await self._consumer.commit(handled)

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                self._topic,
                **_connection(self._login),
                client_id=self._client_id,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            try:
                await _start(consumer)
            except (KafkaError, TimeoutError, OSError) as error:
                raise UnreachableError("Kafka", type(error).__name__) from None
            self._consumer = consumer
        return self._consumer


class _Connection(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def _connection(login: KafkaLogin) -> dict[str, Any]:
    tls = {"security_protocol": "SASL_SSL", "ssl_context": ssl.create_default_context()}
    return {
        "bootstrap_servers": login.bootstrap,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": login.username,
        "sasl_plain_password": login.password,
        **(tls if login.tls else {"security_protocol": "SASL_PLAINTEXT"}),
    }


async def _is_stuck(consumer: AIOKafkaConsumer) -> bool:
    """Whether there is more than the consumer fetches: after a broker restarts it may never resume (aiokafka 1154)."""
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            ends = await consumer.end_offsets(consumer.assignment())
            return any([await consumer.position(partition) < end for partition, end in ends.items()])
    except (KafkaError, TimeoutError):
        # No answer says nothing: the broker may be away, and then waiting is right.
        return False


async def _start(client: _Connection) -> None:
    try:
        await asyncio.wait_for(client.start(), _LIMIT_SECONDS)
    except BaseException:
        await _stopped(client.stop())
        raise


async def _stopped(stopping: Awaitable[None]) -> bool:
    """Wait for a client to stop, within bounds: one that failed to start can hang (aiokafka). Says whether it did."""
    try:
        await asyncio.wait_for(stopping, _LIMIT_SECONDS)
    except (KafkaError, TimeoutError, OSError):
        return False
    return True
