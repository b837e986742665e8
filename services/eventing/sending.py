"""Sending what goes: a message that Kafka does not take holds back its own lane, a missing topic only itself.

Without this one such row would keep everything behind it in the outbox. What is held back stays there, is tried
again from time to time, and shows in the age of the outbox.
"""

import logging
import time
from collections.abc import Sequence

from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from services.eventing.broker import Producer
from services.eventing.outbox import OutboxRow

_log = logging.getLogger("tsunagu.eventing.sending")

RETRY_SECONDS = 120.0
_OF_THE_MESSAGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_OF_THE_TOPIC = (UnknownTopicOrPartitionError, TopicAuthorizationFailedError, InvalidTopicError)

Lane = tuple[str, str]
"""A topic and a key: rows of one lane reach Kafka in id order."""


class Sending:
    """Sends rows of the outbox, and remembers for a while which lanes and topics Kafka does not take."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._lanes: dict[Lane, float] = {}
        self._topics: dict[str, float] = {}

    def holds_back(self, row: OutboxRow) -> bool:
        """Whether it is known that Kafka does not take this row, or one before it, for now."""
        now = time.monotonic()
        return self._topics.get(row.topic, now) > now or self._lanes.get((row.topic, row.key), now) > now

    async def send_what_goes(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """Send rows and return those that Kafka has acknowledged; raises what does not lie with a row or its topic."""
        trusted = [row for row in rows if not self._suspects(row)]
        doubted = [row for row in rows if self._suspects(row)]
        sent: list[OutboxRow] = []
        if trusted:
            try:
                await self._producer.send(trusted)
                sent += trusted
            except (*_OF_THE_MESSAGE, *_OF_THE_TOPIC):
                doubted = [*trusted, *doubted]
        return sent + await self._lane_by_lane(doubted)

    def _suspects(self, row: OutboxRow) -> bool:
        return row.topic in self._topics or (row.topic, row.key) in self._lanes

    async def _lane_by_lane(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        lanes: dict[Lane, list[OutboxRow]] = {}
        for row in rows:
            lanes.setdefault((row.topic, row.key), []).append(row)
        sent: list[OutboxRow] = []
        for (topic, key), messages in lanes.items():
            if self.holds_back(messages[0]):
                continue
            self._topics.pop(topic, None)
            self._lanes.pop((topic, key), None)
            try:
                await self._producer.send(messages)
                sent += messages
            except _OF_THE_TOPIC as error:
                self._topics[topic] = time.monotonic() + RETRY_SECONDS
                _log.error("topic held back topic=%s error=%s", topic, type(error).__name__)
            except _OF_THE_MESSAGE as error:
                self._lanes[topic, key] = time.monotonic() + RETRY_SECONDS
                _log.error("message held back outbox_id=%s error=%s", messages[0].id, type(error).__name__)
        return sent
