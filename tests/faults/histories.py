"""What has been recorded, on Kafka and in the databases, as their administrators read it afterwards."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from deploy.access import KafkaAccess
from deploy.network import EmbeddedNetwork
from deploy.provisioning.databases import connect
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.topics import SERVICES, TOPICS, agency_outbound, consumed_by

CONSUMING = tuple(service for service in SERVICES if consumed_by(service))
STILL_SECONDS = 120.0
KAFKA_SECONDS = 60.0

Position = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record as it stands on Kafka."""

    position: Position
    key: str | None
    value: bytes


@dataclass(slots=True)
class Versions:
    """The versions of one aggregate in the order of their first appearance, and how often one came again."""

    values: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    repeated: int = 0
    misplaced: list[str] = field(default_factory=list)

    def take(self, event: Event, value: bytes) -> None:
        """Take the next record: the next version, or one that came before with the very same bytes."""
        if event.version == len(self.values) + 1:
            self.values.append(value)
            self.events.append(event)
        elif event.version <= len(self.values) and self.values[event.version - 1] == value:
            self.repeated += 1
        else:
            self.misplaced.append(f"{event.aggregate}@{event.version} after {len(self.values)}")


async def read_topics(network: EmbeddedNetwork, topics: Iterable[str]) -> list[Recorded]:
    """Every record of these topics, each partition in order."""
    return await asyncio.to_thread(_read, network.kafka_admin, list(topics))


def _read(kafka: KafkaAccess, topics: Sequence[str]) -> list[Recorded]:
    partitions = _partitions(kafka, topics)
    settings = {"group.id": "history", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer({**kafka.librdkafka(), **settings})
    try:
        consumer.assign([TopicPartition(topic, number, 0) for topic, number in partitions])
        unread, found = set(partitions), []
        deadline = time.monotonic() + KAFKA_SECONDS
        while unread:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not read to the end: {unread}")
            for message in consumer.consume(500, timeout=0.1):
                topic, number, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
                error, value, key = message.error(), message.value(), message.key()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    unread.discard((topic, number))
                elif error is not None:
                    raise KafkaException(error)
                else:
                    text = key.decode(errors="replace") if isinstance(key, bytes) else key
                    found.append(Recorded((topic, number, offset), text, value if isinstance(value, bytes) else b""))
        return found
    finally:
        consumer.close()


def _partitions(kafka: KafkaAccess, topics: Sequence[str]) -> list[tuple[str, int]]:
    there = AdminClient(kafka.librdkafka()).list_topics(timeout=KAFKA_SECONDS).topics
    return [(topic, number) for topic in topics for number in sorted(there[topic].partitions)]


def _ends(kafka: KafkaAccess, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int] | None:
    """Where each partition ends now; None while the broker, just started, cannot say."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, number): latest for topic, number in partitions}
    # Held until the end: a client that is let go of never answers.
    admin = AdminClient(kafka.librdkafka())
    answers = admin.list_offsets(asked, request_timeout=KAFKA_SECONDS)
    try:
        return {(where.topic, where.partition): answer.result().offset for where, answer in answers.items()}
    except KafkaException:
        return None


def versions(records: Iterable[Recorded], since: Mapping[tuple[str, int], int]) -> dict[str, Versions]:
    """The versions of every aggregate of which something stands at or behind these offsets of partitions.

    What is no event is another test's, and passed over.
    """
    by_aggregate: dict[str, Versions] = defaultdict(Versions)
    touched: set[str] = set()
    for record in records:
        try:
            event = decode_event(record.value)
        except Refusal:
            continue
        by_aggregate[event.aggregate].take(event, record.value)
        topic, partition, offset = record.position
        if offset >= since.get((topic, partition), 0):
            touched.add(event.aggregate)
    return {aggregate: by_aggregate[aggregate] for aggregate in touched}


def ends(records: Iterable[Recorded]) -> dict[tuple[str, int], int]:
    """The offset behind the last of these records, of each partition."""
    return {record.position[:2]: record.position[2] + 1 for record in records}


async def rows(network: EmbeddedNetwork, service: str, query: str, *arguments: object) -> list[tuple[object, ...]]:
    """Rows of a service's database."""
    async with connect(network.database(service)) as connection:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]


async def positions(network: EmbeddedNetwork, service: str) -> dict[tuple[str, int], int]:
    """How far a service has come on every partition that it has taken something of."""
    taken = await rows(network, service, "SELECT topic, partition, next_offset FROM consumed_positions")
    return {(str(topic), int(str(partition))): int(str(at)) for topic, partition, at in taken}


async def parked(network: EmbeddedNetwork) -> dict[str, set[tuple[object, ...]]]:
    """What each service has parked, and why."""
    query = 'SELECT topic, partition, "offset", reason, detail FROM parked'
    return {service: set(await rows(network, service, query)) for service in CONSUMING}


async def settled(
    network: EmbeddedNetwork,
    senders: Sequence[str],
    parked_before: Mapping[str, Collection[tuple[object, ...]]],
) -> None:
    """Return once everything said has reached Kafka and everything on Kafka has taken effect everywhere.

    However much there is, it fails only when no consumer has moved for a while.
    """
    outbound = [agency_outbound(sender) for sender in senders]
    partitions = _partitions(network.kafka_admin, [*(topic.name for topic in TOPICS), *outbound])

    moved, taken = time.monotonic(), -1

    async def waits_for() -> str:
        nonlocal moved, taken
        last = await asyncio.to_thread(_ends, network.kafka_admin, partitions)
        if last is None:
            return "Kafka to answer"
        stand = {service: await positions(network, service) for service in CONSUMING}
        if (now_taken := sum(sum(at.values()) for at in stand.values())) != taken:
            moved, taken = time.monotonic(), now_taken
        for service, at in stand.items():
            read = {topic.name for topic in consumed_by(service)} | (set(outbound) if service == "referral" else set())
            if any(at.get(where, 0) < end for where, end in last.items() if where[0] in read):
                return f"{service} to take what stands on Kafka"
        # In this order: whatever was said while looking is now in an outbox, or has moved an end.
        for service, now in (await parked(network)).items():
            if not now <= set(parked_before[service]):
                return f"{service} to release what it has parked"
        for service in SERVICES:
            if await rows(network, service, "SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"):
                return f"{service} to publish what it has said"
        if await asyncio.to_thread(_ends, network.kafka_admin, partitions) != last:
            return "Kafka to stand still"
        return ""

    while waiting := await waits_for():
        still = time.monotonic() - moved
        assert still < STILL_SECONDS, f"nothing moved for {still:.0f} s while waiting for {waiting}"
        await asyncio.sleep(0.05)
