"""Audit on a real database without Kafka: batches go in with their positions, as its consumer does them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition

from services.audit.subscribers import handle
from services.eventing.positions import Positions
from services.eventing.processing import Processor
from services.eventing.records import Item
from tests.builders.service_bench import ServiceBench, service_bench


@dataclass
class AuditBench(ServiceBench):
    """With `at_once` batches are first tried in one statement, else all are done in a transaction."""

    at_once: bool = True

    async def handle(self, *items: Item) -> None:
        """Hand a batch to audit."""
        if self.at_once:
            await self.take(await self.positions(*items), *items)
        else:
            await self.handle_in_transaction(*items)

    async def handle_in_transaction(self, *items: Item) -> None:
        """Hand a batch to audit, done in the way that isolates what fails."""
        async with self.database.work() as work:
            await self.handler(work, items)

    async def positions(self, *items: Item) -> Positions:
        """Where the consumer stands in the partitions of these items."""
        positions = Positions()
        async with self.database.engine.connect() as connection:
            await positions.load(
                connection, {TopicPartition(item.record.topic, item.record.partition) for item in items}
            )
        return positions

    async def take(self, positions: Positions, *items: Item) -> None:
        """Hand a batch to audit from where this consumer believes to stand; raises `PositionLost` if it does not."""
        records = [item.record for item in items]
        nexts = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        await Processor(self.database, self.handler, frozenset(), "audit", raw=True).process(records, nexts, positions)


@asynccontextmanager
async def audit_bench(url: str, *, at_once: bool = True) -> AsyncIterator[AuditBench]:
    """Open audit on a database."""
    async with service_bench("audit", url, handle) as bench:
        yield AuditBench(bench.database, bench.handler, bench.clock, at_once=at_once)
