"""Load on a fixed schedule, and what came of it: every referral's time from its due moment to its last notification.

Referrals are published when they are due, whether or not earlier ones have arrived, and their time counts from
that moment even where the publisher itself was late (no coordinated omission).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from deploy.access import KafkaAccess

OFTEN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One sealed referral ready to be published by an agency, and how many notifications it is to bring about."""

    login: KafkaAccess
    topic: str
    referral_id: str
    value: bytes
    traceparent: str | None
    notifications: int


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of the referrals of one step; times in seconds.

    `latencies` has one for every referral in the order of publication, `lateness` how far the publisher fell
    behind its own schedule at worst, `duration` runs from the first publication to the last notification.
    """

    latencies: Sequence[float]
    lateness: float
    duration: float


class Publisher:
    """Publishes for several agencies, each under its own login, idempotent and with acks=all."""

    def __init__(self) -> None:
        self._producers: dict[KafkaAccess, Producer] = {}
        self._failures: list[str] = []

    def connect(self, messages: Sequence[Outgoing]) -> None:
        """Log in for whoever will publish these, so that it costs no time later."""
        for login in {message.login for message in messages}:
            if login not in self._producers:
                settings = {"enable.idempotence": True, "linger.ms": 1, "queue.buffering.max.messages": 200_000}
                self._producers[login] = Producer({**login.librdkafka(), **settings})
                self._producers[login].list_topics(timeout=20)

    def publish(self, messages: Sequence[Outgoing], rate: float | None) -> tuple[dict[str, float], float]:
        """Publish at `rate` per second, or as fast as Kafka accepts.

        Returns the moment at which each referral was due, by its id, and how late the latest one went out.
        """
        due_at: dict[str, float] = {}
        late = 0.0
        start = time.monotonic()
        for number, message in enumerate(messages):
            due = start + number / rate if rate else time.monotonic()
            while (wait := due - time.monotonic()) > 0:
                self._poll(min(wait, OFTEN_SECONDS))
            late = max(late, time.monotonic() - due)
            due_at[message.referral_id] = due
            self._produce(message)
        for producer in self._producers.values():
            producer.flush(60)
        if self._failures:
            raise RuntimeError(f"{len(self._failures)} referrals were not accepted: {self._failures[0]}")
        return due_at, late

    def _produce(self, message: Outgoing) -> None:
        producer = self._producers[message.login]
        headers: dict[str, str | bytes | None] = {"traceparent": message.traceparent} if message.traceparent else {}
        while True:
            try:
                producer.produce(
                    message.topic, message.value, message.referral_id.encode(), headers=headers, on_delivery=self._said
                )
                producer.poll(0)
                return
            except BufferError:
                producer.poll(0.01)

    def _poll(self, seconds: float) -> None:
        for producer in self._producers.values():
            producer.poll(0)
        time.sleep(seconds)

    def _said(self, error: object, _message: Message) -> None:
        if error is not None:
            self._failures.append(str(error))


class Watcher:
    """Notes, in a thread of its own, when each referral was last spoken of on a topic, and how often."""

    def __init__(self, access: KafkaAccess, topic: str, referral_of: Callable[[bytes], str | None]) -> None:
        """Watch from now on; `referral_of` reads a message, None for one that does not count."""
        settings = {"group.id": "bench.watcher", "enable.auto.commit": False, "fetch.wait.max.ms": 100}
        self._consumer = Consumer({**access.librdkafka(), **settings})
        self._referral_of = referral_of
        self._seen: dict[str, tuple[int, float]] = {}
        self._changed = threading.Condition()
        self._ending = False
        partitions = self._consumer.list_topics(topic, timeout=20).topics[topic].partitions
        here = [TopicPartition(topic, partition) for partition in partitions]
        ends = [self._consumer.get_watermark_offsets(each, timeout=20)[1] for each in here]
        self._consumer.assign(
            [TopicPartition(topic, each.partition, end) for each, end in zip(here, ends, strict=True)]
        )
        self._thread = threading.Thread(target=self._watch, name=f"watching {topic}", daemon=True)
        self._thread.start()

    def wait_for(self, expected: dict[str, int], *, seconds: float) -> dict[str, float]:
        """Wait until each referral was spoken of as often as expected; returns when it last was, by its id.

        TimeoutError when that has not happened after so many seconds without anything coming.
        """
        missing = dict(expected)
        while True:
            with self._changed:
                missing = {each: count for each, count in missing.items() if self._count(each) < count}
                if not missing:
                    return {each: self._seen[each][1] for each in expected}
                if not self._changed.wait(seconds):
                    raise TimeoutError(f"{len(missing)} of {len(expected)} referrals were not notified")

    def forget(self) -> None:
        """Let go of what has been seen so far."""
        with self._changed:
            self._seen.clear()

    def close(self) -> None:
        """End the thread and the connection."""
        self._ending = True
        self._thread.join(10)
        self._consumer.close()

    def _count(self, referral_id: str) -> int:
        return self._seen.get(referral_id, (0, 0.0))[0]

    def _watch(self) -> None:
        while not self._ending:
            # Asked for several, it would wait for all of them or for the whole time.
            message = self._consumer.poll(OFTEN_SECONDS)
            now = time.monotonic()
            if message is None:
                continue
            messages = [message, *self._consumer.consume(num_messages=500, timeout=0)]
            with self._changed:
                for message in messages:
                    self._note(message, now)
                self._changed.notify_all()

    def _note(self, message: Message, now: float) -> None:
        error, value = message.error(), message.value()
        if error is not None:
            raise KafkaException(error)
        referral_id = self._referral_of(value) if isinstance(value, bytes) else None
        if referral_id is not None:
            self._seen[referral_id] = (self._count(referral_id) + 1, now)


def pass_through(
    publisher: Publisher, watcher: Watcher, messages: Sequence[Outgoing], rate: float | None, *, seconds: float
) -> Passage:
    """Publish these referrals and wait for all of their notifications."""
    watcher.forget()
    due_at, late = publisher.publish(messages, rate)
    told_at = watcher.wait_for({each.referral_id: each.notifications for each in messages}, seconds=seconds)
    return Passage(
        latencies=[told_at[each] - due for each, due in due_at.items()],
        lateness=late,
        duration=max(told_at.values()) - min(due_at.values()),
    )
