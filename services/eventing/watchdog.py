"""Notices a consumer that stands still although Kafka has more: its client may hang after a broker was away.

aiokafka's consumers are known to stay silent after broker restarts (its issues 703, 1037, 1154); from inside
they look like consumers with nothing to do. So Kafka is asked over another connection, and the database is
asked where the group stands.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from services.eventing import metrics
from services.eventing.ends import Reach

_log = logging.getLogger("tsunagu.eventing.watchdog")

_OTHERS_FACTOR = 3
_LONGEST_FACTOR = 20


@dataclass(slots=True)
class _Waiting:
    position: int
    since: float
    tried: float  # when a new connection was made for it, or `since`
    reconnections: int = 0


class Stillness:
    """Since when which partitions have stood still with messages waiting in them; times are of one monotonic clock."""

    def __init__(self, bound_seconds: float) -> None:
        self._bound = bound_seconds
        self._waiting: dict[TopicPartition, _Waiting] = {}

    def look(self, at: float, positions: Mapping[TopicPartition, int], reaches: Mapping[TopicPartition, Reach]) -> None:
        """Take in where the group stands and how far Kafka reaches."""
        waiting = {}
        for partition, reach in reaches.items():
            position = positions.get(partition, 0)
            # What retention has deleted never comes and is not waited for.
            if reach.end > max(position, reach.begin):
                before = self._waiting.get(partition)
                waiting[partition] = before if before and before.position == position else _Waiting(position, at, at)
        self._waiting = waiting

    def seconds(self, at: float) -> float:
        """For how long the partition that has waited longest has not moved; 0 when none waits."""
        return max((at - each.since for each in self._waiting.values()), default=0.0)

    def overdue(self, at: float, mine: Collection[TopicPartition]) -> bool:
        """Whether a new connection may help: a partition of this member has waited too long, or anyone's by far.

        The bound doubles with each reconnection that did not make the partition move.
        """
        return any(
            at - waiting.tried >= self._patience(waiting) * (1 if partition in mine else _OTHERS_FACTOR)
            for partition, waiting in self._waiting.items()
        )

    def _patience(self, waiting: _Waiting) -> float:
        return self._bound * min(1 << waiting.reconnections, _LONGEST_FACTOR)

    def reconnected(self, at: float) -> None:
        """Give a new connection time to help."""
        for waiting in self._waiting.values():
            waiting.tried = at
            waiting.reconnections += 1


class Watchdog:
    """Looks from time to time whether the group moves, and says when to connect anew."""

    def __init__(
        self,
        positions: Callable[[], Awaitable[Mapping[TopicPartition, int]]],
        reaches: Callable[[], Awaitable[Mapping[TopicPartition, Reach]]],
        bound_seconds: float,
    ) -> None:
        self._positions = positions
        self._reaches = reaches
        self._stillness = Stillness(bound_seconds)
        self._bound = bound_seconds
        self.lag: dict[str, int] = {}

    @property
    def still_seconds(self) -> float:
        """For how long messages have waited without any movement, as of now."""
        return self._stillness.seconds(time.monotonic())

    @property
    def stands_still(self) -> bool:
        """Whether that is longer than it should be."""
        return self.still_seconds >= self._bound

    def forget(self) -> None:
        """Begin anew, because nothing was to move."""
        self._stillness.look(time.monotonic(), {}, {})

    async def look(self, mine: Collection[TopicPartition], *, busy: bool) -> bool:
        """Whether to connect anew; a handler that is busy is not Kafka's fault."""
        try:
            # In this order: the group may move in between, but never beyond what Kafka tells afterwards.
            positions, reaches = await self._positions(), await self._reaches()
        except Exception as error:
            _log.warning("cannot see whether the consumer moves error=%s", type(error).__name__)
            return False
        at = time.monotonic()
        self._stillness.look(at, positions, reaches)
        self._tell_lag(positions, {each: reach for each, reach in reaches.items() if each in mine})
        metrics.still.set(self._stillness.seconds(at))
        if busy or not self._stillness.overdue(at, mine):
            return False
        _log.error("messages wait and none takes effect, connecting anew seconds=%.0f", self._stillness.seconds(at))
        metrics.reconnections.add(1)
        self._stillness.reconnected(at)
        return True

    def _tell_lag(self, positions: Mapping[TopicPartition, int], mine: Mapping[TopicPartition, Reach]) -> None:
        waiting = dict.fromkeys(self.lag, 0)  # topics that have gone to another member are told once more, as 0
        for partition, reach in mine.items():
            behind = max(0, reach.end - max(positions.get(partition, 0), reach.begin))
            waiting[partition.topic] = waiting.get(partition.topic, 0) + behind
        for topic, messages in waiting.items():
            metrics.lag.set(messages, {"topic": topic})
        self.lag = waiting
