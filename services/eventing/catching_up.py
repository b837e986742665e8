"""Whether a consumer has caught up with what stood on Kafka when it began."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from services.eventing.connection import Connection

_POSITION_SECONDS = 1.0


class CatchingUp:
    """Remembers how far Kafka reached at the beginning, and when that has taken effect."""

    def __init__(self) -> None:
        self._ends_at_start: dict[TopicPartition, int] = {}
        self._done = False

    async def done(self, connection: Connection | None, *, idle: bool) -> bool:
        """Whether all of it has taken effect; once true it stays true. `idle` says that no batch is in hand."""
        client = connection.client if connection is not None else None
        if not self._done and connection is not None and client is not None and connection.assigned:
            passed = [await self._passed(connection, client, each, idle=idle) for each in connection.partitions()]
            self._done = all(passed)
        return self._done

    async def _passed(
        self, connection: Connection, client: AIOKafkaConsumer, partition: TopicPartition, *, idle: bool
    ) -> bool:
        # The client tells of assigned partitions only, and assignments change while others are waited for.
        known = client.highwater(partition) if partition in client.assignment() else None
        if known is None or not connection.positions.knows(partition):
            return False
        end = self._ends_at_start.setdefault(partition, known)
        if (connection.positions.next_offset(partition) or 0) >= end:
            return True
        # What retention has deleted never comes: then the client stands at the end with nothing in hand.
        try:
            position = await asyncio.wait_for(client.position(partition), _POSITION_SECONDS)
        except (TimeoutError, IllegalStateError):
            return False
        return position >= end and idle
