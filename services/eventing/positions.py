"""Consumed positions: kept in the service's database and moved in the transaction of the effect."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.eventing.statements import Statement
from services.eventing.work import Work

_NONE = -1

_LOAD = sa.text("""
    SELECT topic, partition, next_offset FROM consumed_positions
    WHERE (topic, partition) IN (SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[])))
""")
_ALL = sa.text("SELECT topic, partition, next_offset FROM consumed_positions")
# A row moves only from where this consumer believes it to be; `previous_offset` carries that belief.
MOVE = """
    INSERT INTO consumed_positions (topic, partition, next_offset, previous_offset)
    SELECT * FROM unnest(
        CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:nexts AS bigint[]), CAST(:befores AS bigint[])
    ) AS moved (topic, partition, next_offset, previous_offset) ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO UPDATE
        SET next_offset = excluded.next_offset, previous_offset = excluded.previous_offset
        WHERE consumed_positions.next_offset = excluded.previous_offset
    RETURNING 1
"""
"""A statement that moves positions and returns a row for each that has moved; `Positions.parameters` fill it in."""

_MOVE = Statement(MOVE)


class PositionLost(Exception):
    """Another consumer has moved a position of this batch: the partition is no longer ours."""


class Positions:
    """Where this consumer believes each of its partitions to stand."""

    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}

    async def load(self, connection: AsyncConnection, partitions: Collection[TopicPartition]) -> None:
        """Read the positions of these partitions anew; until they are there, what was believed stands."""
        rows = await connection.execute(
            _LOAD, {"topics": [p.topic for p in partitions], "partitions": [p.partition for p in partitions]}
        )
        found = {TopicPartition(row.topic, row.partition): row.next_offset for row in rows}
        self._next.update({partition: found.get(partition, _NONE) for partition in partitions})

    def knows(self, partition: TopicPartition) -> bool:
        """Whether the position of this partition has been loaded."""
        return partition in self._next

    def next_offset(self, partition: TopicPartition) -> int | None:
        """The next offset to take; None when nothing of this partition was ever taken."""
        position = self._next[partition]
        return None if position == _NONE else position

    async def move(self, session: AsyncSession, nexts: Mapping[TopicPartition, int]) -> None:
        """Move positions in the transaction of the effect; raises `PositionLost` and then nothing may commit."""
        moved = await session.execute(_MOVE.clause, self.parameters(nexts))
        if len(moved.all()) != len(nexts):
            raise PositionLost

    def move_later(self, work: Work, nexts: Mapping[TopicPartition, int]) -> None:
        """Move positions together with the effect; where another member has moved one, nothing is kept."""
        work.later(_MOVE, self.parameters(nexts), touches=len(nexts))

    def parameters(self, nexts: Mapping[TopicPartition, int]) -> dict[str, object]:
        """What `MOVE` needs to move positions from where they are believed to be."""
        return {
            "topics": [partition.topic for partition in nexts],
            "partitions": [partition.partition for partition in nexts],
            "nexts": list(nexts.values()),
            "befores": [self._next[partition] for partition in nexts],
        }

    def moved(self, nexts: Mapping[TopicPartition, int]) -> None:
        """The transaction has committed: believe the new positions."""
        self._next.update(nexts)


async def all_positions(connection: AsyncConnection) -> dict[TopicPartition, int]:
    """Where the whole group stands, whichever member holds a partition."""
    rows = await connection.execute(_ALL)
    return {TopicPartition(row.topic, row.partition): row.next_offset for row in rows}
