"""A service's transactions for tests that need its database and no Kafka: what is said stays in the outbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from services.eventing.schema import outbox
from services.eventing.work import Work
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.ports import Uuid7Ids


class ServiceDatabase:
    """One service's database."""

    def __init__(self, url: str, source: str) -> None:
        self._url = url
        self._source = source

    @asynccontextmanager
    async def work(self, now: datetime) -> AsyncIterator[Work]:
        """Open a transaction at a stated time; it commits at the end of the block or undoes everything."""
        async with self.reading() as session, session.begin():
            work = Work(session, source=self._source, now=now, ids=Uuid7Ids())
            yield work
            await work.save()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session of its own connection."""
        engine = create_async_engine(self._url, poolclass=NullPool)
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                yield session
        finally:
            await engine.dispose()

    async def said(self) -> list[Event]:
        """Read every event that committed transactions have said, in order."""
        async with self.reading() as session:
            rows = await session.execute(sa.select(outbox.c.value).order_by(outbox.c.id))
            return [decode_event(row.value) for row in rows]
