"""The one consumer of a service: raw batches from FastStream, processed until they have taken effect."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError
from faststream import AckPolicy
from faststream.kafka import KafkaMessage

from services.eventing import parking
from services.eventing.broker import KafkaAccess, consuming_broker
from services.eventing.database import Database, is_passing
from services.eventing.positions import PositionLost, Positions
from services.eventing.processing import Handler, Processor
from services.eventing.records import Record

_log = logging.getLogger("tsunagu.eventing.consumer")

MAX_BATCH = 500
_POLL_MILLISECONDS = 20
_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 5.0
_RELEASE_EVERY_SECONDS = 0.5
_POSITION_SECONDS = 1.0

Batch = Sequence["ConsumerRecord[bytes | None, bytes | None]"]


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
    ) -> None:
        names = tuple(topics)
        self._database = database
        self._positions = Positions()
        self._processor = Processor(database, handler, frozenset(names), service, raw=raw)
        self._stopping = False
        self._release = asyncio.Event()
        self._releasing: asyncio.Task[None] | None = None
        self._busy_since: float | None = None
        self._gaps: dict[TopicPartition, int] = {}
        self._ends_at_start: dict[TopicPartition, int] = {}
        self._caught_up = False
        self.broker = consuming_broker(access, f"tsunagu.{service}")
        expressions = [re.escape(name) for name in names] + ([pattern] if pattern else [])
        self._subscriber = self.broker.subscriber(
            pattern=f"^({'|'.join(expressions)})$",
            group_id=service,
            batch=True,
            batch_timeout_ms=_POLL_MILLISECONDS,
            max_records=MAX_BATCH,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=_Rebalance(self),
            parser=_parse,
            decoder=_decode,
        )
        self._subscriber(self._on_batch)

    async def start(self) -> None:
        """Join the group and begin to consume."""
        await self.broker.start()
        self._releasing = asyncio.create_task(self._release_loop())

    async def stop(self) -> None:
        """Finish the batch in hand, then leave the group."""
        self._stopping = True
        if self._releasing is not None:
            self._releasing.cancel()
            await asyncio.gather(self._releasing, return_exceptions=True)
        await self.broker.stop()

    @property
    def assigned(self) -> bool:
        """Whether the group has given this member its partitions, of which there may be none."""
        consumer = self._kafka
        return consumer is not None and bool(consumer.subscription() is not None and self._positions_loaded)

    @property
    def busy_seconds(self) -> float:
        """For how long the batch in hand has been worked on; 0 between batches."""
        return time.monotonic() - self._busy_since if self._busy_since is not None else 0.0

    def lag(self) -> int:
        """How many messages wait in the partitions of this member, as far as it has heard."""
        consumer = self._kafka
        if consumer is None:
            return 0
        waiting = 0
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            if end is not None and self._positions.knows(partition):
                waiting += max(0, end - (self._positions.next_offset(partition) or 0))
        return waiting

    async def caught_up(self) -> bool:
        """Whether what stood on Kafka when this member began has taken effect; once true it stays true."""
        if not self._caught_up and self.assigned and self._kafka is not None:
            partitions = self._kafka.assignment()
            self._caught_up = all([await self._passed_start(self._kafka, each) for each in partitions])
        return self._caught_up

    async def _passed_start(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
        # The client tells of assigned partitions only, and assignments change while others are waited for.
        known = consumer.highwater(partition) if partition in consumer.assignment() else None
        if known is None or not self._positions.knows(partition):
            return False
        end = self._ends_at_start.setdefault(partition, known)
        if (self._positions.next_offset(partition) or 0) >= end:
            return True
        # What retention has deleted never comes: then the client stands at the end with nothing in hand.
        try:
            position = await asyncio.wait_for(consumer.position(partition), _POSITION_SECONDS)
        except (TimeoutError, IllegalStateError):
            return False
        return position >= end and self._busy_since is None

    @property
    def _kafka(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    _positions_loaded = False

    async def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Take over partitions: read where they stand and go there."""
        wanted = list(partitions)
        while True:
            try:
                async with self._database.engine.connect() as connection:
                    await self._positions.load(connection, wanted)
                break
            except Exception as error:
                if not is_passing(error):
                    raise
                await asyncio.sleep(_RETRY_FIRST_SECONDS)
        for partition in wanted:
            self._seek(partition)
        self._positions_loaded = True

    def _seek(self, partition: TopicPartition) -> None:
        consumer = self._kafka
        if consumer is None or partition not in consumer.assignment():
            return
        # Never awaited: asking Kafka where a partition begins takes half a second each, and heartbeats wait so long.
        # Where offset 0 has been deleted, the client goes to the earliest that is left.
        consumer.seek(partition, self._positions.next_offset(partition) or 0)

    async def _on_batch(self, batch: Batch) -> None:
        self._busy_since = time.monotonic()
        try:
            await self._until_done(batch)
        finally:
            self._busy_since = None

    async def _until_done(self, batch: Batch) -> None:
        pause = _RETRY_FIRST_SECONDS
        while True:
            try:
                records, nexts = await self._ours(batch)
                if records:
                    parked = await self._processor.process(records, nexts, self._positions)
                    if parked:
                        self._release.set()
                return
            except PositionLost:
                _log.info("positions moved by another member; going to where they are now")
                await self.assign({TopicPartition(m.topic, m.partition) for m in batch})
                return
            except Exception as error:
                if self._stopping:
                    raise
                _log.warning("batch failed and is tried again error=%s", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _RETRY_MOST_SECONDS)

    async def _ours(self, batch: Batch) -> tuple[list[Record], dict[TopicPartition, int]]:
        """The part of a batch that follows on from our positions, and the positions after it."""
        partitions = {TopicPartition(message.topic, message.partition) for message in batch}
        unknown = [partition for partition in partitions if not self._positions.knows(partition)]
        if unknown:
            await self.assign(unknown)
        records: list[Record] = []
        nexts: dict[TopicPartition, int] = {}
        skipped: set[TopicPartition] = set()
        for message in batch:
            partition = TopicPartition(message.topic, message.partition)
            expected = nexts.get(partition, self._positions.next_offset(partition) or 0)
            if partition in skipped or message.offset < expected:
                continue
            if partition not in nexts and message.offset > expected and self._gaps.get(partition) != message.offset:
                # Fetched ahead of our position: go back once; if Kafka has nothing in between, go on.
                self._gaps[partition] = message.offset
                skipped.add(partition)
                self._seek(partition)
                continue
            nexts[partition] = message.offset + 1
            records.append(Record.of(message))
        return records, nexts

    async def _release_loop(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._release.wait(), _RELEASE_EVERY_SECONDS)
            self._release.clear()
            try:
                async with self._database.reading() as session:
                    lanes = await parking.releasable(session)
                for lane in lanes:
                    await self._processor.replay(lane)
            except Exception as error:
                _log.warning("replay failed and is tried again error=%s", type(error).__name__)


class _Rebalance(ConsumerRebalanceListener):
    """Positions are read anew whenever partitions are given to this member."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to hand over: what has not committed will be taken by the next owner."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Go to where the database says that these partitions stand."""
        await self._consumer.assign(assigned)


async def _parse(batch: Batch) -> KafkaMessage:
    """Hand the batch on as it is: FastStream's own parser fails on headers that are not text."""
    return KafkaMessage(body=b"", raw_message=tuple(batch), headers={}, consumer=_NoConsumer())


async def _decode(message: KafkaMessage) -> Batch:
    raw = message.raw_message
    return raw if isinstance(raw, tuple) else (raw,)


class _NoConsumer:
    """FastStream never acknowledges for us: positions are in the database."""

    async def commit(self) -> None:
        """Do nothing."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Do nothing."""
