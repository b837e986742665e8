"""Runs of the matrix: all cells of one service through its handler, and what could be seen afterwards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiokafka import TopicPartition

from services.eventing.positions import Positions
from services.eventing.processing import Processor
from tests.builders.referral_bench import CLINIC
from tests.service.bad_input.agency_kinds import LATER
from tests.service.bad_input.cells import Cell, Name, cell_names, written
from tests.service.bad_input.fates import Draft
from tests.service.bad_input.observing import Observed, Placed, observe
from tests.service.bad_input.stations import Station

_TOGETHER = 12


@dataclass(frozen=True)
class Row:
    """A cell with its messages at their places."""

    name: Name
    cell: Cell
    placed: Sequence[Placed]


@dataclass(frozen=True)
class Ran:
    """What became of the cells of one service: what could be seen, and what was raised instead."""

    rows: dict[Name, Row]
    raised: dict[Name, Exception]
    observed: Observed

    def check(self, name: Name) -> None:
        """Fail where something of this cell is not where it must be."""
        if name in self.raised:
            raise self.raised[name]
        row = self.rows[name]
        row.cell.check(row.placed, self.observed)


async def write(station: Station) -> list[Row]:
    """Write every cell of a service, one after the other in Kafka."""
    if station.messages is not None:
        clock = station.messages.clock
        clock.at += timedelta(days=10)
        await station.messages.appoint(LATER, CLINIC.coordinator, CLINIC)
        clock.at -= timedelta(days=10)
    ends = Counter[TopicPartition]()
    rows = []
    for name in cell_names():
        if name.service == station.service:
            cell = await written(station, name)
            rows.append(Row(name, cell, _place(cell.drafts, ends)))
    return rows


async def run_by_hand(station: Station) -> Ran:
    """Hand every cell to the service's processor, several in one batch; where that raises, each by itself."""
    rows = await write(station)
    processor = Processor(
        station.database, station.handler, frozenset(station.heeded), station.service, raw=station.raw
    )
    positions = Positions()
    raised: dict[Name, Exception] = {}
    for begin in range(0, len(rows), _TOGETHER):
        together = rows[begin : begin + _TOGETHER]
        try:
            await _process(station, processor, positions, together)
        except Exception:
            for row in together:
                try:
                    await _process(station, processor, positions, [row])
                except Exception as error:
                    raised[row.name] = error
    return Ran({row.name: row for row in rows}, raised, await observe(station))


def _place(drafts: Sequence[Draft], ends: Counter[TopicPartition]) -> list[Placed]:
    """Give messages the next offsets of their partitions."""
    placed = []
    for draft in drafts:
        partition = TopicPartition(draft.topic, draft.partition)
        placed.append(Placed(draft, ends[partition]))
        ends[partition] += 1
    return placed


async def _process(station: Station, processor: Processor, positions: Positions, rows: Sequence[Row]) -> None:
    """Hand over a batch as the consumer does."""
    placed = [each for row in rows for each in row.placed]
    nexts = {each.partition: each.offset + 1 for each in placed}
    async with station.database.engine.connect() as connection:
        await positions.load(connection, [partition for partition in nexts if not positions.knows(partition)])
    await processor.process([each.record() for each in placed], nexts, positions)
