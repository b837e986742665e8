"""How much is parked: counted, told when it grows, and a limit beyond which the consumer had better stop."""

import logging
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing import metrics
from services.eventing.database import Database
from tsunagu_contracts.topics import TOPICS

_log = logging.getLogger("tsunagu.eventing.parked")

# A lane is stuck when something in it failed, or when what it waits for stands in a stuck lane. All others wait for
# a cause that Kafka still has to deliver: to stop for those would be to wait for ourselves. Lanes are looked up with
# IN, which is done by hashing; to compare each message with each stuck lane would take seconds where many wait.
_COUNT = sa.text("""
    WITH RECURSIVE kinds AS (
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:topics AS text[])) AS kind (aggregate, topic)
    ), stuck AS (
        SELECT topic, key FROM parked WHERE blocks AND reason NOT IN ('cause_not_seen', 'behind_parked')
        UNION
        SELECT waiting.topic, waiting.key
        FROM stuck JOIN kinds ON kinds.topic = stuck.topic
        JOIN parked AS waiting ON waiting.cause_aggregate = kinds.aggregate || ':' || stuck.key
    )
    SELECT count(*) AS everything, count(*) FILTER (
        WHERE NOT blocks
            OR (topic, key) IN (SELECT topic, key FROM stuck)
            OR (key IS NULL AND topic IN (SELECT topic FROM stuck WHERE key IS NULL))
    ) AS stuck
    FROM parked
""")
_KINDS = [(aggregate, topic.name) for topic in TOPICS for aggregate in topic.aggregates]


@dataclass(frozen=True, slots=True)
class ParkedCount:
    """`stuck` messages need an operator; `waiting` ones go on by themselves once their cause has come."""

    stuck: int
    waiting: int


async def count(session: AsyncSession) -> ParkedCount:
    """Count what is parked."""
    kinds, topics = zip(*_KINDS, strict=True)
    row = (await session.execute(_COUNT, {"kinds": list(kinds), "topics": list(topics)})).one()
    return ParkedCount(row.stuck, row.everything - row.stuck)


class ParkedWatch:
    """The number of parked messages when last looked at, against a limit.

    One batch may go beyond the limit, for it is known to do so only when it has been parked.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self.limit = limit
        self.now = ParkedCount(0, 0)
        self._database = database

    @property
    def full(self) -> bool:
        """Whether so much is stuck that nothing more may be parked."""
        return self.now.stuck >= self.limit

    async def look(self) -> None:
        """Count anew; growth is logged, and so are reaching the limit and falling below it."""
        async with self._database.reading() as session:
            before, self.now = self.now, await count(session)
        metrics.parked.set(self.now.stuck, {"waits_for": "operator"})
        metrics.parked.set(self.now.waiting, {"waits_for": "cause"})
        if self.now.stuck > before.stuck:
            _log.warning("parked messages grew from=%s to=%s limit=%s", before.stuck, self.now.stuck, self.limit)
        was_full = before.stuck >= self.limit
        if self.full and not was_full:
            _log.error("limit of parked messages reached, consumer stops parked=%s", self.now.stuck)
        elif was_full and not self.full:
            _log.warning("parked messages below the limit, consumer goes on parked=%s", self.now.stuck)
