"""The one consumer of a service: connected to Kafka as long as it can do its work, and anew when it hangs."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.eventing import parking, positions
from services.eventing.broker import KafkaAccess
from services.eventing.catching_up import CatchingUp
from services.eventing.connection import Connection
from services.eventing.database import Database
from services.eventing.ends import KafkaEnds
from services.eventing.parked_watch import ParkedCount, ParkedWatch
from services.eventing.processing import Handler, Processor
from services.eventing.repeating import Repeater
from services.eventing.watchdog import Watchdog

_log = logging.getLogger("tsunagu.eventing.consumer")

LINGER_SECONDS = 0.008
_RELEASE_EVERY_SECONDS = 0.5
_COUNT_EVERY_SECONDS = 2.0
_CONNECT_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a consumer bears before it acts.

    `most_parked`: messages that need an operator, from which on it stops. `still_seconds`: how long messages may
    wait in Kafka without one taking effect, before it connects anew; it looks every `look_seconds`.
    `max_poll_seconds`: how long a handler may take before Kafka gives the partitions to another member.
    """

    most_parked: int = 1_000
    still_seconds: float = 30.0
    look_seconds: float = 10.0
    max_poll_seconds: float = 300.0


_BOUNDS = Bounds()


class Consumer:
    """Consumes topics as one member of the service's group.

    Positions live in the service's database, not in Kafka. A batch is repeated until it has taken effect, or
    dropped when its partitions have gone to another member; an exception never lets the next batch pass.
    """

    def __init__(
        self,
        *,
        service: str,
        access: KafkaAccess,
        database: Database,
        handler: Handler,
        topics: Iterable[str],
        pattern: str | None = None,
        raw: bool = False,
        linger_seconds: float = LINGER_SECONDS,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        names = tuple(topics)
        expressions = [re.escape(name) for name in names] + ([pattern] if pattern else [])
        self._pattern = f"^({'|'.join(expressions)})$"
        self._service = service
        self._access = access
        self._database = database
        self._bounds = bounds
        self._linger_seconds = linger_seconds
        self._processor = Processor(database, handler, frozenset(names), service, raw=raw)
        self._parked = ParkedWatch(database, bounds.most_parked)
        self._repeater = Repeater(database, handler, self._processor, self._parked, raw=raw)
        self._ends = KafkaEnds(access, f"tsunagu.{service}.watchdog", self._pattern)
        self._watchdog = Watchdog(self._positions, self._ends.ask, bounds.still_seconds)
        self._connection: Connection | None = None
        self._catching_up = CatchingUp()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join the group and begin to consume.

        With too much parked it waits until that is less, and where Kafka is away it goes on trying.
        """
        await self._parked.look()
        if not self._parked.full:
            try:
                await self._connect()
            except (KafkaError, TimeoutError, OSError) as error:
                _log.warning("no connection to Kafka, tried again error=%s", type(error).__name__)
        self._tasks = [asyncio.create_task(self._release_loop()), asyncio.create_task(self._connect_loop())]

    async def stop(self) -> None:
        """Finish the batch in hand, then leave the group."""
        self._repeater.stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._disconnect()

    @property
    def assigned(self) -> bool:
        """Whether the group has given this member its partitions, of which there may be none."""
        return self._connection is not None and self._connection.assigned

    @property
    def busy_seconds(self) -> float:
        """For how long the batch in hand has been worked on; 0 between batches."""
        return self._repeater.busy_seconds

    @property
    def stands_still(self) -> bool:
        """Whether messages wait in Kafka and none has taken effect for longer than it should take."""
        return self._watchdog.stands_still and not self.parked_full

    @property
    def still_seconds(self) -> float:
        """For how long messages have waited in Kafka without one taking effect, when last looked."""
        return self._watchdog.still_seconds

    @property
    def parked(self) -> ParkedCount:
        """How much was parked when last counted."""
        return self._parked.now

    @property
    def parked_full(self) -> bool:
        """Whether so much is parked that the consumer has stopped; it goes on by itself."""
        return self._parked.full

    def lag(self) -> int:
        """How many messages wait in the partitions of this member, as far as it has heard."""
        return sum(self._connection.lag().values()) if self._connection is not None else 0

    async def caught_up(self) -> bool:
        """Whether what stood on Kafka when this member began has taken effect; once true it stays true."""
        return await self._catching_up.done(self._connection, idle=self._repeater.idle)

    async def _connect(self) -> None:
        connection = Connection(
            self._access,
            self._database,
            self._repeater.take,
            group=self._service,
            pattern=self._pattern,
            max_poll_seconds=self._bounds.max_poll_seconds,
            linger_seconds=self._linger_seconds,
        )
        await connection.start()
        self._connection = connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.stop()
            self._connection = None

    async def _connect_loop(self) -> None:
        """Be connected while there is room for what may have to be parked, and anew when nothing moves."""
        looked = time.monotonic()
        while True:
            await asyncio.sleep(_CONNECT_EVERY_SECONDS)
            try:
                if self._parked.full:
                    await self._disconnect()
                    self._watchdog.forget()
                elif self._connection is None:
                    await self._connect()
                elif time.monotonic() - looked >= self._bounds.look_seconds:
                    looked = time.monotonic()
                    if await self._watchdog.look(self._connection.partitions(), busy=not self._repeater.idle):
                        await self._disconnect()
            except Exception as error:
                _log.warning("no connection to Kafka, tried again error=%s", type(error).__name__)

    async def _positions(self) -> Mapping[TopicPartition, int]:
        async with self._database.engine.connect() as connection:
            return await positions.all_positions(connection)

    async def _release_loop(self) -> None:
        """Let parked messages take effect that can now, and count what remains."""
        counted = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._repeater.has_parked.wait(), _RELEASE_EVERY_SECONDS)
            self._repeater.has_parked.clear()
            try:
                async with self._database.reading() as session:
                    lanes = await parking.releasable(session)
                for lane in lanes:
                    await self._processor.replay(lane)
                if lanes or time.monotonic() - counted >= _COUNT_EVERY_SECONDS:
                    counted = time.monotonic()
                    await self._parked.look()
            except Exception as error:
                _log.warning("replay failed and is tried again error=%s", type(error).__name__)
