"""Publishing the outbox: from memory right after the commit, and by a relay for whatever that left behind.

Rows of one topic and key reach Kafka first in id order. The memory path takes a row only when every earlier
unpublished row of its key went down the same path before it; everything else waits for the relay.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.eventing import outbox
from services.eventing.broker import Producer
from services.eventing.outbox import DueRow, OutboxRow
from services.eventing.sending import Sending

_log = logging.getLogger("tsunagu.eventing.publishing")

BATCH = 500
GRACE = timedelta(seconds=1)
RELAY_EVERY_SECONDS = 0.5
MARK_AFTER_SECONDS = 0.1
KEEP_PUBLISHED = timedelta(days=1)
PRUNE_EVERY_SECONDS = 60
PRUNE_BATCH = 5_000
_REMEMBERED = 20_000
_RELAY_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('tsunagu.relay'))")


class Publisher:
    """Moves committed outbox rows to Kafka and marks them when Kafka has acknowledged."""

    def __init__(self, engine: AsyncEngine, producer: Producer) -> None:
        self._engine = engine
        # Marking is one statement: a transaction around it would cost two round trips more.
        self._marking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._unmarked: list[int] = []
        self._acknowledged = asyncio.Event()
        self._producer = producer
        self._sending = Sending(producer)
        self._queue: deque[OutboxRow] = deque()
        self._waiting: set[int] = set()  # handed over and not yet marked
        self._passed: deque[int] = deque(maxlen=_REMEMBERED)  # marked lately, perhaps unseen by a snapshot
        self._passed_set: set[int] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._wake_relay = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to publish."""
        loops = (self._publish_loop(), self._mark_loop(), self._relay_loop(), self._prune_loop())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Publish what is in memory, then end; what could not be published stays in the outbox."""
        if self._tasks:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), 10)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._mark()  # else they would be published once more
        await self._producer.stop()

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """Take rows right after their transaction has committed."""
        taken = False
        for row in rows:
            if self._sending.holds_back(row):
                continue  # the relay will try it when it is time
            if all(earlier in self._waiting or earlier in self._passed_set for earlier in row.waits_for):
                self._queue.append(row)
                self._waiting.add(row.id)
                taken = True
            else:
                self._wake_relay.set()
        if taken:
            self._idle.clear()
            self._wake.set()

    async def _publish_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                rows = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                try:
                    await self._publish(rows)
                except Exception:
                    # Unknown how far it came: everything in memory is left to the relay, in id order.
                    _log.warning("publishing failed; left to the relay", exc_info=True)
                    self._queue.clear()
                    self._waiting = set(self._unmarked)
                    self._wake_relay.set()
            self._idle.set()

    async def _publish(self, rows: Sequence[OutboxRow]) -> None:
        await self._producer.send(rows)
        self._unmarked += [row.id for row in rows]
        self._acknowledged.set()

    async def _mark_loop(self) -> None:
        """Mark what Kafka has acknowledged, a little later: one statement then serves several batches."""
        while True:
            await self._acknowledged.wait()
            await asyncio.sleep(MARK_AFTER_SECONDS)
            self._acknowledged.clear()
            try:
                await self._mark()
            except Exception:
                _log.warning("marking failed; it will be tried again", exc_info=True)
                self._acknowledged.set()

    async def _mark(self) -> None:
        ids, self._unmarked = self._unmarked, []
        if not ids:
            return
        try:
            async with self._marking.connect() as connection:
                await outbox.mark_published(connection, ids)
        except BaseException:
            self._unmarked = ids + self._unmarked
            raise
        self._remember(ids)

    def _remember(self, ids: Iterable[int]) -> None:
        for row_id in ids:
            self._waiting.discard(row_id)
            if len(self._passed) == self._passed.maxlen:
                self._passed_set.discard(self._passed[0])
            self._passed.append(row_id)
            self._passed_set.add(row_id)

    async def _relay_loop(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake_relay.wait(), RELAY_EVERY_SECONDS)
            self._wake_relay.clear()
            try:
                while await self.relay() == BATCH:
                    pass
            except Exception:
                _log.warning("relay failed; it will try again", exc_info=True)

    async def relay(self) -> int:
        """Publish rows that are left over, in id order; one relay at a time per database. Returns how many it saw."""
        async with self._engine.begin() as connection:
            if not (await connection.execute(_RELAY_LOCK)).scalar_one():
                return 0
            seen = await outbox.due(connection, grace=GRACE, limit=BATCH)
            left = self._left_over(seen)
            sent = await self._sending.send_what_goes(await outbox.load(connection, left)) if left else []
            if sent:
                await outbox.mark_published(connection, [row.id for row in sent])
        return len(seen) if sent else 0

    def _left_over(self, seen: Sequence[DueRow]) -> list[int]:
        """Those that are not on their way from memory, nor behind one of their lane that is."""
        held: set[tuple[str, str]] = set()
        left: list[int] = []
        for row in seen:
            lane = (row.topic, row.key)
            if lane in held or row.id in self._waiting:
                held.add(lane)
            else:
                left.append(row.id)
        return left

    async def _prune_loop(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_SECONDS)
            try:
                while await self._prune() == PRUNE_BATCH:
                    pass
            except Exception:
                _log.warning("pruning failed; it will be tried again", exc_info=True)

    async def _prune(self) -> int:
        async with self._engine.begin() as connection:
            return await outbox.prune(connection, keep=KEEP_PUBLISHED, limit=PRUNE_BATCH)
