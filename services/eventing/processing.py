"""One batch, one transaction: positions, admission, effects, parking and sayings commit together or not at all."""

import logging
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from aiokafka import TopicPartition
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, set_span_in_context

from services.eventing import admission, parking
from services.eventing.admission import Admission
from services.eventing.database import Database, is_passing
from services.eventing.parking import Parking, Releasable
from services.eventing.positions import PositionLost, Positions
from services.eventing.records import Item, Record, decode
from services.eventing.statements import Conflict
from services.eventing.tracing import context_of, span_context_of, traceparent_of, tracer
from services.eventing.work import Work
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

Handler = Callable[[Work, Sequence[Item]], Coroutine[None, None, None]]
"""What a service does with a batch: all of it in the given transaction; raising undoes its effects."""

_log = logging.getLogger("tsunagu.eventing.processing")


class Processor:
    """Lets records take effect through a service's handler, each once and in order."""

    def __init__(
        self, database: Database, handler: Handler, heeded: frozenset[str], service: str, *, raw: bool = False
    ) -> None:
        """With `raw` every record is handed on as it came, its event None where it is none, and nothing is parked."""
        self._raw = raw
        self._database = database
        self._handler = handler
        self._heeded = heeded
        self._service = service

    async def process(
        self, records: Sequence[Record], nexts: Mapping[TopicPartition, int], positions: Positions
    ) -> bool:
        """Process a batch and move the positions with it; returns whether something was newly parked.

        Raises `PositionLost` when the partitions are no longer ours, or a passing failure; nothing is kept then.
        """
        decoded = [decode(record) for record in records]
        items, alone = admission.split(decoded)
        if self._raw:
            items, alone = [one if isinstance(one, Item) else Item(one.record, None) for one in decoded], []
        with self._spans(items) as traced:
            parked = await self._process(traced, alone, nexts, positions)
        positions.moved(nexts)
        return parked

    async def _process(
        self,
        items: Sequence[Item],
        alone: Sequence[Parking],
        nexts: Mapping[TopicPartition, int],
        positions: Positions,
    ) -> bool:
        try:
            if not alone and await self._at_once(items, nexts, positions):
                return False
            return await self._attempt(items, alone, nexts, positions, isolating=False)
        except PositionLost:
            raise
        except Exception as error:
            if is_passing(error) or not items:
                raise
            return await self._attempt(items, alone, nexts, positions, isolating=True)

    async def _at_once(self, items: Sequence[Item], nexts: Mapping[TopicPartition, int], positions: Positions) -> bool:
        """Do a batch without a transaction, all writing in one statement, as nearly every batch can be done.

        Returns False, with nothing kept, where something is or must be parked, or has changed meanwhile.
        """
        try:
            async with self._database.batch() as work:
                admitted = items if self._raw else await self._admitted_at_once(work, items)
                if admitted is None:
                    return False
                if admitted:
                    await self._handler(work, admitted)
                positions.move_later(work, nexts)
        except Conflict:
            return False
        return True

    async def _admitted_at_once(self, work: Work, items: Sequence[Item]) -> list[Item] | None:
        judge = await admission.look(work, items, self._heeded)
        if judge is None:
            return None
        admitted: list[Item] = []
        for item in items:
            verdict = judge.judge(item)
            if isinstance(verdict, Parking):
                return None
            if verdict:
                judge.took_effect(item)
                admitted.append(item)
        admission.keep_later(work, judge)
        return admitted

    async def _attempt(
        self,
        items: Sequence[Item],
        alone: Sequence[Parking],
        nexts: Mapping[TopicPartition, int],
        positions: Positions,
        *,
        isolating: bool,
    ) -> bool:
        async with self._database.work() as work:
            if self._raw:
                await positions.move(work.session, nexts)
                await self._handler(work, items)
                return False
            judge = await admission.admit(work.session, positions, nexts, items, self._heeded)
            parkings = list(alone)
            if isolating:
                for item in items:
                    await self._one(work, judge, item, parkings)
            else:
                admitted: list[Item] = []
                for item in items:
                    verdict = judge.judge(item)
                    if verdict is True:
                        judge.took_effect(item)
                        admitted.append(item)
                    elif isinstance(verdict, Parking):
                        parkings.append(verdict)
                if admitted:
                    await self._handler(work, admitted)
            await parking.park(work.session, parkings)
            await admission.save_seen(work.session, judge.seen, judge.changed)
        for parked in parkings:
            _log.warning(
                "parked topic=%s partition=%s offset=%s reason=%s",
                parked.record.topic,
                parked.record.partition,
                parked.record.offset,
                parked.reason.value,
            )
        return bool(parkings)

    async def _one(self, work: Work, judge: Admission, item: Item, parkings: list[Parking]) -> None:
        verdict = judge.judge(item)
        failure = await self._try(work, item) if verdict is True else verdict
        if isinstance(failure, Parking):
            judge.block(item)
            parkings.append(failure)
        elif verdict is True:
            judge.took_effect(item)

    async def _try(self, work: Work, item: Item) -> Parking | None:
        try:
            async with work.savepoint():
                await self._handler(work, [item])
        except Refusal as refusal:
            return Parking(item.record, refusal.code)
        except Exception as error:
            if is_passing(error):
                raise
            # Only the type: the text of an error may repeat what it was given.
            _log.error(
                "handler failed topic=%s offset=%s error=%s at=%s",
                item.record.topic,
                item.record.offset,
                type(error).__name__,
                _where(error),
            )
            return Parking(item.record, RefusalCode.HANDLER_FAILED, type(error).__name__)
        return None

    async def replay(self, lane: Releasable) -> bool:
        """Try a parked lane again in order, up to the first that still fails; returns whether any took effect."""
        async with self._database.work() as work:
            rows = await parking.take_lane(work.session, lane)
            done: list[int] = []
            judge: Admission | None = None
            for parked_id, record in rows:
                one = decode(record)
                if not isinstance(one, Item):
                    await parking.remain(work.session, parked_id, Parking(record, one.code, one.detail, blocks=False))
                    break
                if judge is None:
                    judge = Admission({}, set(), self._heeded)
                judge.seen.update(
                    await admission.load_seen(work.session, admission.aggregates_of([one]) - judge.changed)
                )
                parkings: list[Parking] = []
                await self._one(work, judge, one, parkings)
                if parkings:
                    await parking.remain(work.session, parked_id, parkings[0])
                    break
                done.append(parked_id)
            await parking.remove(work.session, done)
            if judge is not None:
                await admission.save_seen(work.session, judge.seen, judge.changed)
        return bool(done)

    @contextmanager
    def _spans(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """A span for each item where all are of one trace; else one for the batch, linked to each of its traces."""
        parents = {item.trace: span_context_of(item.trace) for item in items if item.trace is not None}
        known = [parent for parent in parents.values() if parent is not None]
        if len(known) == len(parents) == 1:
            with ExitStack() as stack:
                yield [self._in_span(stack, item, known[0]) for item in items]
        elif known:
            name, links = f"{self._service} batch", [Link(parent) for parent in known]
            with tracer.start_as_current_span(name, Context(), kind=SpanKind.CONSUMER, links=links):
                yield items
        else:
            yield items

    def _in_span(self, stack: ExitStack, item: Item, parent: SpanContext) -> Item:
        if item.trace is None:
            return item
        name = item.event.type if item.event else "agency.message"
        span = tracer.start_span(f"{self._service} {name}", context_of(parent), kind=SpanKind.CONSUMER)
        stack.callback(span.end)
        return replace(item, trace=traceparent_of(set_span_in_context(span)))


def _where(error: BaseException) -> str:
    """File and line in which an error arose; its text stays out of logs, for it may repeat what it was given."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-4:]))
