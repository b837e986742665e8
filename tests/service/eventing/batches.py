"""A handler that keeps what took effect, and one batch at a time put before it as the consumer does."""

from collections.abc import Sequence

import sqlalchemy as sa
from aiokafka import TopicPartition

from services.eventing import parking
from services.eventing.database import Database
from services.eventing.parking import ParkedRow
from services.eventing.positions import Positions
from services.eventing.processing import Processor
from services.eventing.records import Item, Record
from services.eventing.statements import Statement
from services.eventing.work import Work
from tests.service.eventing.conftest import TOPIC

_KEEP = Statement("""
    INSERT INTO effects (aggregate, version)
    SELECT * FROM unnest(CAST(:aggregates AS text[]), CAST(:versions AS int[]))
""")
HEEDED = frozenset({TOPIC, "directory.events"})


class Effects:
    """A handler that keeps what took effect in a table of the same transaction, and fails where told to."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}

    async def __call__(self, work: Work, items: Sequence[Item]) -> None:
        """Keep the items, and fail at those told to."""
        for item in items:
            assert item.event is not None
            if item.event.aggregate in self.failing:
                raise self.failing[item.event.aggregate]
        keep(work, items)


def keep(work: Work, items: Sequence[Item]) -> None:
    """Note in the table of effects that these items have taken effect."""
    events = [item.event for item in items if item.event is not None]
    work.later(
        _KEEP,
        {"aggregates": [event.aggregate for event in events], "versions": [event.version for event in events]},
    )


async def effects_in(database: Database) -> Effects:
    """The handler, with its table."""
    async with database.engine.begin() as connection:
        await connection.execute(
            sa.text("CREATE TABLE effects (id serial, aggregate text, version int, UNIQUE (aggregate, version))")
        )
    return Effects()


async def process(
    database: Database, effects: Effects, records: Sequence[Record], positions: Positions | None = None
) -> None:
    """Put a batch before the handler; positions are read anew unless given."""
    if positions is None:
        positions = Positions()
        async with database.engine.connect() as connection:
            await positions.load(connection, {TopicPartition(record.topic, 0) for record in records})
    nexts = {TopicPartition(record.topic, 0): record.offset + 1 for record in records}
    await Processor(database, effects, HEEDED, "notify").process(records, nexts, positions)


async def took_effect(database: Database) -> list[tuple[str, int]]:
    """What took effect, in order."""
    async with database.engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT aggregate, version FROM effects ORDER BY id"))
        return [(row.aggregate, row.version) for row in rows]


async def parked(database: Database) -> list[ParkedRow]:
    """What is parked, oldest first."""
    async with database.reading() as session:
        return await parking.list_parked(session)


async def replay_all(database: Database, effects: Effects) -> None:
    """Try everything again that may be."""
    processor = Processor(database, effects, HEEDED, "notify")
    async with database.reading() as session:
        lanes = await parking.releasable(session)
    for lane in lanes:
        await processor.replay(lane)


async def somebody_waits(database: Database) -> bool:
    """Whether a transaction in this database waits for a lock that another holds."""
    async with database.engine.connect() as connection:
        query = """
            SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
        return bool((await connection.execute(sa.text(query))).scalar_one())
