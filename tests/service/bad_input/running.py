"""Runs of the matrix: one log with every cell in it, before every consumer of the catalogue."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from aiokafka import AIOKafkaProducer, TopicPartition

from deploy.access import KafkaAccess
from services.eventing import broker
from services.eventing.consumer import Consumer
from services.eventing.positions import Positions, all_positions
from services.eventing.processing import Processor
from tests.builders.referral_bench import CLINIC, Bench
from tests.builders.wire import BytesName, careless_producers
from tests.infra.eventually import eventually
from tests.service.bad_input.agency_kinds import AGENCY_KINDS, LATER
from tests.service.bad_input.cells import AGENCIES, AgencyCell, Cell, EventCell, Name
from tests.service.bad_input.event_kinds import kinds_on
from tests.service.bad_input.fates import Draft
from tests.service.bad_input.observing import Observed, Placed, observe
from tests.service.bad_input.stations import Station, begin_lane
from tsunagu_contracts.topics import TOPICS

_TOGETHER = 12
_LONGEST_RUN_SECONDS = 400.0


@dataclass(frozen=True)
class Row:
    """A cell with its messages at their places; `topic` is as in the names of cells."""

    topic: str
    kind: str
    cell: Cell
    placed: Sequence[Placed]


@dataclass
class Ran:
    """What became of all cells: what could be seen in each service, and what was raised instead."""

    rows: Sequence[Row]
    observed: dict[str, Observed] = field(default_factory=dict)
    raised: dict[Name, Exception] = field(default_factory=dict)

    def check(self, name: Name) -> None:
        """Fail where something of this cell is not where it must be."""
        if name in self.raised:
            raise self.raised[name]
        [row] = (each for each in self.rows if (each.topic, each.kind) == (name.topic, name.kind))
        row.cell.check(name.service, row.placed, self.observed[name.service])


async def run_by_hand(stations: Sequence[Station]) -> Ran:
    """Hand the log to each service's processor, several cells in one batch; where that raises, each by itself."""
    ran = Ran(await _write(stations))
    for station in stations:
        processor = Processor(
            station.database, station.handler, frozenset(station.heeded), station.service, raw=station.raw
        )
        positions = Positions()
        rows = _read_by(station, ran.rows)
        for begin in range(0, len(rows), _TOGETHER):
            together = rows[begin : begin + _TOGETHER]
            try:
                await _process(station, processor, positions, together)
            except Exception:
                for row in together:
                    try:
                        await _process(station, processor, positions, [row])
                    except Exception as error:
                        ran.raised[Name(station.service, row.topic, row.kind)] = error
        ran.observed[station.service] = await observe(station)
    return ran


async def run_on_kafka(stations: Sequence[Station], kafka: KafkaAccess) -> Ran:
    """Put the log into Kafka and let each service's consumer through to its end."""
    ran = Ran(await _write(stations))
    await _publish(kafka, ran.rows)
    async with AsyncExitStack() as stack:
        for station in stations:
            await stack.enter_async_context(_consuming(station, kafka))
        for station in stations:
            ends = _ends(_read_by(station, ran.rows))

            async def arrived(station: Station = station, ends: Counter[TopicPartition] = ends) -> bool:
                async with station.database.engine.connect() as connection:
                    return await all_positions(connection) == ends

            await eventually(arrived, seconds=_LONGEST_RUN_SECONDS)
            ran.observed[station.service] = await observe(station)
    return ran


async def _write(stations: Sequence[Station]) -> list[Row]:
    """Write every cell, one after the other."""
    ends = Counter[TopicPartition]()
    rows = []
    for topic in TOPICS:
        for kind in kinds_on(topic.name):
            lanes = [await begin_lane(stations, topic) for _ in range(2)]
            cell = EventCell.of(kind, *lanes)
            rows.append(Row(topic.name, kind.name, cell, _place(cell.drafts, ends)))
    for bench in (station.messages for station in stations if station.messages is not None):
        await _appoint_later(bench)
        for agency_kind in AGENCY_KINDS:
            of_agencies = AgencyCell.of(bench, agency_kind)
            rows.append(Row(AGENCIES, agency_kind.name, of_agencies, _place(of_agencies.drafts, ends)))
    return rows


async def _appoint_later(bench: Bench) -> None:
    bench.clock.at += timedelta(days=10)
    await bench.appoint(LATER, CLINIC.coordinator, CLINIC)
    bench.clock.at -= timedelta(days=10)


def _place(drafts: Iterable[Draft], ends: Counter[TopicPartition]) -> list[Placed]:
    """Give messages the next offsets of their partitions."""
    placed = []
    for draft in drafts:
        partition = TopicPartition(draft.topic, draft.partition)
        placed.append(Placed(draft, ends[partition]))
        ends[partition] += 1
    return placed


def _read_by(station: Station, rows: Iterable[Row]) -> list[Row]:
    """The cells that a service reads."""
    topics = {*station.heeded, *([AGENCIES] if station.pattern else [])}
    return [row for row in rows if row.topic in topics]


def _ends(rows: Iterable[Row]) -> Counter[TopicPartition]:
    return Counter(each.partition for row in rows for each in row.placed)


async def _process(station: Station, processor: Processor, positions: Positions, rows: Sequence[Row]) -> None:
    """Hand over a batch as the consumer does."""
    placed = [each for row in rows for each in row.placed]
    nexts = {each.partition: each.offset + 1 for each in placed}
    async with station.database.engine.connect() as connection:
        await positions.load(connection, [partition for partition in nexts if not positions.knows(partition)])
    await processor.process([each.record() for each in placed], nexts, positions)


async def _publish(kafka: KafkaAccess, rows: Sequence[Row]) -> None:
    """Put every message at its place in Kafka."""
    with careless_producers():
        producer = AIOKafkaProducer(**kafka.aiokafka(), enable_idempotence=True, linger_ms=5)
        await producer.start()
        try:
            placed = [each for row in rows for each in row.placed]
            sendings = [
                await producer.send(
                    each.draft.topic,
                    each.draft.value,
                    key=each.draft.key,
                    partition=each.draft.partition,
                    headers=[(BytesName(name), value) for name, value in each.draft.headers],
                )
                for each in placed
            ]
            for each, sending in zip(placed, sendings, strict=True):
                assert (await sending).offset == each.offset
        finally:
            await producer.stop()


@asynccontextmanager
async def _consuming(station: Station, kafka: KafkaAccess) -> AsyncIterator[None]:
    """Run a service's consumer as its process would."""
    consumer = Consumer(
        service=station.service,
        access=broker.KafkaAccess(kafka.bootstrap, kafka.username, kafka.password),
        database=station.database,
        handler=station.handler,
        topics=station.heeded,
        pattern=station.pattern,
        raw=station.raw,
    )
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()
