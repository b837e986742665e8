"""One connection of a consumer to Kafka: its place in the group, where its partitions stand, what comes next."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaMessage

from services.eventing.broker import KafkaAccess, consuming_broker
from services.eventing.database import Database, is_passing
from services.eventing.positions import Positions
from services.eventing.records import Record

_log = logging.getLogger("tsunagu.eventing.connection")

MAX_BATCH = 500
_POLL_MILLISECONDS = 1_000
_RETRY_SECONDS = 0.1
START_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 45.0  # FastStream waits up to 30 s of these for the batch in hand
_TEAR_DOWN_SECONDS = 5.0

Batch = Sequence["ConsumerRecord[bytes | None, bytes | None]"]


class Connection:
    """One life as a member of a service's group; a stuck one is closed and a new one made in its place.

    `take` is called with each raw batch, one after the other; the next is fetched when it has returned.
    """

    def __init__(
        self,
        access: KafkaAccess,
        database: Database,
        take: Callable[["Connection", Batch], Awaitable[None]],
        *,
        group: str,
        pattern: str,
        max_poll_seconds: float,
        linger_seconds: float,
    ) -> None:
        self.positions = Positions()
        self._linger_seconds = linger_seconds
        self._database = database
        self._take = take
        self._loaded = False
        self._gaps: dict[TopicPartition, int] = {}
        self._broker = consuming_broker(access, f"tsunagu.{group}")
        self._subscriber = self._broker.subscriber(
            pattern=pattern,
            group_id=group,
            batch=True,
            batch_timeout_ms=_POLL_MILLISECONDS,
            max_records=MAX_BATCH,
            max_poll_interval_ms=int(max_poll_seconds * 1000),
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=_Rebalance(self),
            parser=_parse,
            decoder=_decode,
        )
        # FastStream's own sleeps after each poll that brought nothing, deaf to what comes meanwhile.
        self._subscriber.get_msg = _next_batch  # type: ignore[method-assign, assignment]  # of this one alone
        self._subscriber(self._on_batch)

    async def start(self) -> None:
        """Join the group and begin to consume; TimeoutError when Kafka does not let us in in time."""
        try:
            await asyncio.wait_for(self._broker.start(), START_LIMIT_SECONDS)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finish the batch in hand and leave the group; a client that hangs even then is torn down."""
        client = self.client
        try:
            await asyncio.wait_for(self._broker.stop(), STOP_LIMIT_SECONDS)
        except Exception as error:
            _log.warning("connection did not close in order error=%s", type(error).__name__)
            if client is not None:
                await _tear_down(client)

    @property
    def client(self) -> AIOKafkaConsumer | None:
        """Kafka's own client; None before the start and after the end."""
        return self._subscriber.consumer

    @property
    def assigned(self) -> bool:
        """Whether the group has given this member its partitions, of which there may be none."""
        return self.client is not None and self._loaded

    def partitions(self) -> frozenset[TopicPartition]:
        """The partitions that the group has given to this member."""
        return self.client.assignment() if self.client is not None else frozenset()

    def lag(self) -> dict[str, int]:
        """How many messages wait in each topic of this member, as far as it has heard."""
        waiting: dict[str, int] = {}
        for partition in self.partitions():
            end = self.client.highwater(partition) if self.client is not None else None
            if end is not None and self.positions.knows(partition):
                behind = max(0, end - (self.positions.next_offset(partition) or 0))
                waiting[partition.topic] = waiting.get(partition.topic, 0) + behind
        return waiting

    async def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Take over partitions: read where they stand and go there."""
        wanted = list(partitions)
        while True:
            try:
                async with self._database.engine.connect() as connection:
                    await self.positions.load(connection, wanted)
                break
            except Exception as error:
                if not is_passing(error):
                    raise
                await asyncio.sleep(_RETRY_SECONDS)
        for partition in wanted:
            self._seek(partition)
        self._loaded = True

    async def next_records(self, batch: Batch) -> tuple[list[Record], dict[TopicPartition, int]]:
        """The part of a batch that follows on from our positions, and the positions after it."""
        partitions = {TopicPartition(message.topic, message.partition) for message in batch}
        unknown = [partition for partition in partitions if not self.positions.knows(partition)]
        if unknown:
            await self.assign(unknown)
        records: list[Record] = []
        nexts: dict[TopicPartition, int] = {}
        skipped: set[TopicPartition] = set()
        for message in batch:
            partition = TopicPartition(message.topic, message.partition)
            expected = nexts.get(partition, self.positions.next_offset(partition) or 0)
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

    async def peek(self, milliseconds: int) -> list[Record]:
        """What Kafka has behind the batch in hand, as far as it comes in time; all of it will come again."""
        if self.client is None:
            return []
        ahead = await self.client.getmany(timeout_ms=milliseconds, max_records=MAX_BATCH)
        for partition in ahead:
            self._seek(partition)
        return [Record.of(message) for messages in ahead.values() for message in messages]

    def _seek(self, partition: TopicPartition) -> None:
        if partition not in self.partitions() or self.client is None:
            return
        # Never awaited: asking Kafka where a partition begins takes half a second each, and heartbeats wait so long.
        # Where offset 0 has been deleted, the client goes to the earliest that is left.
        self.client.seek(partition, self.positions.next_offset(partition) or 0)

    async def _on_batch(self, batch: Batch) -> None:
        await self._take(self, batch)
        if len(batch) > 1:
            # Costs go by the batch: under load, a pause lets the next one grow; a lone message is not held up.
            await asyncio.sleep(self._linger_seconds)


class _Rebalance(ConsumerRebalanceListener):
    """Positions are read anew whenever partitions are given to this member."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to hand over: what has not committed will be taken by the next owner."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Go to where the database says that these partitions stand."""
        await self._connection.assign(assigned)


async def _tear_down(client: AIOKafkaConsumer) -> None:
    """End what a client that would not close has left running; else its heartbeats would keep our partitions."""
    for part, closing in (("_coordinator", "_stop_heartbeat_task"), ("_fetcher", "close"), ("_client", "close")):
        owner = getattr(client, part, None)
        if owner is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(getattr(owner, closing)(), _TEAR_DOWN_SECONDS)


async def _next_batch(client: AIOKafkaConsumer) -> "tuple[ConsumerRecord[bytes | None, bytes | None], ...]":
    fetched = await client.getmany(timeout_ms=_POLL_MILLISECONDS, max_records=MAX_BATCH)
    return tuple(chain.from_iterable(fetched.values()))


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
