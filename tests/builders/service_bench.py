"""One service on a real database without Kafka: batches go in by hand, what it says is read back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import sqlalchemy as sa
import uvicorn
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi import APIRouter, FastAPI

from services import membership
from services.eventing import schema
from services.eventing.broker import KafkaAccess, Producer
from services.eventing.database import Database
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.runtime import errors
from services.runtime.identity import Caller, caller
from tests.builders.agency_messages import IDS, NOW
from tests.builders.batches import as_the_consumer
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.envelope import Event, decode_event


@dataclass
class SetClock:
    """A clock that stands until it is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Tell the time it was set to."""
        return self.at


@dataclass
class ServiceBench:
    """A service's handler and database; `calling` is who its routes believe to be called by."""

    database: Database
    handler: Handler
    clock: SetClock = field(default_factory=SetClock)
    calling: Caller = field(default_factory=lambda: Caller(Actor.system("nobody"), None))
    _heard: int = 0

    async def handle(self, *items: Item) -> None:
        """Hand a batch to the service, as the consumer does."""
        await as_the_consumer(self.database, self.handler, items)

    async def heard(self) -> list[Event]:
        """Return what the service has said since this was last asked."""
        query = sa.text("SELECT id, value FROM outbox WHERE id > :heard ORDER BY id")
        async with self.database.reading() as session:
            rows = (await session.execute(query, {"heard": self._heard})).all()
        if rows:
            self._heard = rows[-1].id
        return [decode_event(row.value) for row in rows]

    async def rows(self, table: sa.Table) -> Sequence[sa.RowMapping]:
        """Return everything in a table, in the order of its key."""
        async with self.database.reading() as session:
            return (await session.execute(sa.select(table).order_by(*table.primary_key))).mappings().all()

    async def plan(self, query: sa.Select[tuple[object, ...]]) -> str:
        """Return how PostgreSQL answers a query by an index, if it can; tables of a test are too small to need one."""
        explained = str(query.compile(self.database.engine, compile_kwargs={"literal_binds": True}))
        async with self.database.engine.connect() as connection:
            await connection.execute(sa.text("ANALYZE"))
            await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            rows = await connection.exec_driver_sql(f"EXPLAIN {explained}")
            return "\n".join(row[0] for row in rows)

    async def differences(self, *own: sa.MetaData) -> list[object]:
        """Return what the migrated database has otherwise than the tables of the service and its shared parts."""
        whole = sa.MetaData()
        for part in (*own, schema.metadata, membership.metadata):
            for table in part.tables.values():
                table.to_metadata(whole)

        def compare(connection: sa.Connection) -> list[object]:
            compared = MigrationContext.configure(connection, opts={"include_name": _is_ours})
            return list(compare_metadata(compared, whole))

        async with self.database.engine.connect() as connection:
            return await connection.run_sync(compare)

    def call_as(self, actor: str, agency_id: str | None = None) -> None:
        """Let the following requests come from this actor."""
        self.calling = Caller(Actor.parse(actor), agency_id)

    def app(self, router: APIRouter) -> FastAPI:
        """Return an application with these routes, as the runtime makes it but for the token."""
        app = FastAPI()
        errors.install(app)
        app.include_router(router)
        app.dependency_overrides[caller] = lambda: self.calling
        return app

    def http(self, router: APIRouter) -> httpx.AsyncClient:
        """Return a client of these routes."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app(router)), base_url="http://service")

    @asynccontextmanager
    async def served(self, router: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
        """Serve these routes on a port, for what must be read while it is being sent."""
        server = uvicorn.Server(uvicorn.Config(self.app(router), port=0, log_config=None, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve())
        try:
            async with asyncio.timeout(10):
                while not server.started:  # noqa: ASYNC110 - uvicorn sets a flag, not an event
                    await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                yield client
        finally:
            server.should_exit = True
            await serving


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name == "alembic_version")


@asynccontextmanager
async def service_bench(service: str, url: str, handler: Handler) -> AsyncIterator[ServiceBench]:
    """Open a bench on a service's database; what it says stays in the outbox."""
    clock = SetClock()
    producer = Producer(KafkaAccess("127.0.0.1:1", "nobody", "nothing"), "bench")
    database = Database(url, source=service, clock=clock, ids=IDS, producer=producer)
    try:
        yield ServiceBench(database, handler, clock)
    finally:
        # Not `close`: it would wait for Kafka, of which there is none here.
        await database.engine.dispose()
