"""A batch is repeated until it has taken effect; an exception never lets the next one pass.

A failure that says nothing about the messages (`is_passing`) is waited out. But one message may cause such a
failure by itself, for ever, as with a query that always runs into its time limit: it would stop all behind it.
So after some tries the messages of the batch go one by one, and the one that still fails is parked, provided that
the database answers and that the handler can do something else. Where it can do nothing, we wait.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from aiokafka import TopicPartition

from services.eventing import metrics, parking
from services.eventing.connection import Batch, Connection
from services.eventing.database import Database, is_passing
from services.eventing.parked_watch import ParkedWatch
from services.eventing.parking import Parking, lane_of
from services.eventing.positions import PositionLost, Positions
from services.eventing.processing import Handler, Processor
from services.eventing.records import Item, Record, decode
from tsunagu_contracts.codes import RefusalCode

_log = logging.getLogger("tsunagu.eventing.repeating")

_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
TRIES_TOGETHER = 6
_REHEARSED_LANES = 3
_PEEK_MILLISECONDS = 200


class Repeater:
    """Works on one batch at a time until it has taken effect, or has gone to another member, or we are to stop."""

    def __init__(
        self, database: Database, handler: Handler, processor: Processor, parked: ParkedWatch, *, raw: bool
    ) -> None:
        self.stopping = False
        self._database = database
        self._handler = handler
        self._processor = processor
        self._parked = parked
        self._raw = raw
        self._busy_since: float | None = None
        self.has_parked = asyncio.Event()

    @property
    def busy_seconds(self) -> float:
        """For how long the batch in hand has been worked on; 0 between batches."""
        return time.monotonic() - self._busy_since if self._busy_since is not None else 0.0

    @property
    def idle(self) -> bool:
        """Whether no batch is in hand."""
        return self._busy_since is None

    async def take(self, connection: Connection, batch: Batch) -> None:
        """Let a batch take effect; returns early, with nothing moved, when the consumer is to stop."""
        self._busy_since = time.monotonic()
        try:
            await self._until_done(connection, batch)
        finally:
            self._busy_since = None

    async def _until_done(self, connection: Connection, batch: Batch) -> None:
        pause, tries = _RETRY_FIRST_SECONDS, 0
        while not (self.stopping or self._parked.full):
            try:
                records, nexts = await connection.next_records(batch)
                if tries < TRIES_TOGETHER or self._raw:
                    await self._process(records, nexts, connection.positions)
                else:
                    await self._one_by_one(connection, records)
                return
            except PositionLost:
                _log.info("positions moved by another member; going to where they are now")
                await connection.assign({TopicPartition(m.topic, m.partition) for m in batch})
                return
            except Exception as error:
                _log.warning("batch failed and is tried again error=%s", type(error).__name__)
                metrics.repetitions.add(1)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _RETRY_MOST_SECONDS)
                if is_passing(error) and await self._database_answers():
                    tries += 1

    async def _process(
        self, records: Sequence[Record], nexts: Mapping[TopicPartition, int], positions: Positions
    ) -> None:
        if not records:
            return
        newly_parked = await self._processor.process(records, nexts, positions)
        metrics.batch_size.record(len(records))
        if newly_parked:
            await self._look_at_parked()

    async def _look_at_parked(self) -> None:
        self.has_parked.set()
        await self._parked.look()

    async def _one_by_one(self, connection: Connection, records: Sequence[Record]) -> None:
        for number, record in enumerate(records):
            nexts = {TopicPartition(record.topic, record.partition): record.offset + 1}
            try:
                await self._process([record], nexts, connection.positions)
            except PositionLost:
                raise
            except Exception as error:
                if not is_passing(error) or not await self._another_would_succeed(connection, record, records[number:]):
                    raise
                await self._set_aside(record, error, nexts, connection.positions)

    async def _another_would_succeed(self, connection: Connection, record: Record, rest: Sequence[Record]) -> bool:
        """Whether the handler, given the next messages of other lanes and then undone, does not fail likewise."""
        if not await self._database_answers():
            return False
        behind = [*rest, *await connection.peek(_PEEK_MILLISECONDS)]
        firsts = {lane_of(each): each for each in reversed(behind) if lane_of(each) != lane_of(record)}
        for other in list(reversed(firsts.values()))[:_REHEARSED_LANES]:
            if await self._rehearse(other):
                return True
        return False

    async def _rehearse(self, record: Record) -> bool:
        item = decode(record)
        if not isinstance(item, Item):
            return False
        try:
            async with self._database.work() as work:
                await self._handler(work, [item])
                raise _RehearsedError  # noqa: TRY301 - this is what undoes it
        except _RehearsedError:
            return True
        except Exception:
            return False

    async def _set_aside(
        self, record: Record, error: Exception, nexts: Mapping[TopicPartition, int], positions: Positions
    ) -> None:
        async with self._database.work() as work:
            await positions.move(work.session, nexts)
            await parking.park(work.session, [Parking(record, RefusalCode.HANDLER_FAILED, type(error).__name__)])
        positions.moved(nexts)
        _log.error(
            "parked alone after repeated failures topic=%s partition=%s offset=%s error=%s",
            record.topic,
            record.partition,
            record.offset,
            type(error).__name__,
        )
        await self._look_at_parked()

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._database.engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except Exception:
            return False
        return True


class _RehearsedError(Exception):
    """Undoes a rehearsal that went well."""
