"""What one Kafka user may do, tried for real: write, read, and the refusals in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from deploy.access import KafkaAccess

REFUSALS = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
PASSING = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})
"""What a broker says of a partition while it starts."""


class Refused(Exception):
    """The broker refused for want of permission."""


def write(access: KafkaAccess, topic: str, value: bytes, *, key: bytes = b"key", seconds: float = 20) -> None:
    """Write one record and wait for its acknowledgement; `Refused` without permission."""
    outcome: list[KafkaError | None] = []
    settings = {**access.librdkafka(), "acks": "all", "message.timeout.ms": int(seconds * 1000)}
    producer = Producer(settings)
    producer.produce(topic, value, key, on_delivery=lambda error, _: outcome.append(error))
    producer.flush(seconds + 5)
    _raise(outcome[0] if outcome else KafkaError(KafkaError._TIMED_OUT))


def read_last(access: KafkaAccess, topic: str, *, group: str, partition: int = 0, seconds: float = 20) -> bytes:
    """The value of a partition's last record; `Refused` without permission, TimeoutError where there is none."""
    with _consumer(access, topic, group) as consumer:
        where = TopicPartition(topic, partition)
        end = _end(consumer, where, seconds)
        consumer.assign([TopicPartition(topic, partition, max(end - 1, 0))])
        message = _next(consumer, seconds)
    value = message.value() if message is not None else None
    if not isinstance(value, bytes):
        raise TimeoutError(f"{topic} has no record")
    return value


def fetch(access: KafkaAccess, topic: str, *, group: str, seconds: float = 20) -> None:
    """Fetch from a topic's first partition without joining the group; `Refused` without permission."""
    with _consumer(access, topic, group) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        _next(consumer, seconds)


def consume(access: KafkaAccess, topic: str, *, group: str, seconds: float = 20) -> None:
    """Join a group, be assigned the topic and fetch from it; `Refused` where any of that is not permitted."""
    with _consumer(access, topic, group) as consumer:
        consumer.subscribe([topic])
        _next(consumer, seconds)


def _end(consumer: Consumer, where: TopicPartition, seconds: float) -> int:
    """Where a partition ends; asked again while its broker, just restarted, does not yet lead it."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            _, end = consumer.get_watermark_offsets(where, timeout=seconds)
        except KafkaException as error:
            if error.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise
        else:
            return int(end)


@contextmanager
def _consumer(access: KafkaAccess, topic: str, group: str) -> Iterator[Consumer]:
    # The end of a partition is reported, so that an empty topic tells "may read" from "got nothing".
    extra = {"group.id": group, "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer({**access.librdkafka(), **extra})
    try:
        _raise(consumer.list_topics(topic, timeout=20).topics[topic].error)
        yield consumer
    finally:
        consumer.close()


def _next(consumer: Consumer, seconds: float) -> Message | None:
    """The next record, or None at the end of a partition."""
    message = consumer.poll(seconds)
    if message is None:
        raise TimeoutError("neither a record nor a refusal came")
    error = message.error()
    if error is not None and error.code() == KafkaError._PARTITION_EOF:
        return None
    _raise(error)
    return message


def _raise(error: KafkaError | None) -> None:
    if error is None:
        return
    if error.code() in REFUSALS:
        raise Refused(error.str())
    raise KafkaException(error)
