"""A batch given to a service's handler as the consumer gives it, without Kafka."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.exc import IntegrityError

from services.eventing.database import Database
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.eventing.statements import Conflict


@asynccontextmanager
async def statements_of(database: Database) -> AsyncIterator[list[str]]:
    """Every statement that reaches PostgreSQL meanwhile, whoever hands it to the driver."""
    seen: list[str] = []
    # Connections are made anew, so that each of them is listened to.
    await database.engine.dispose()

    def listen(connection: AsyncAdapt_asyncpg_connection, _record: object) -> None:
        connection.driver_connection.add_query_logger(lambda query: seen.append(query.query))

    sa.event.listen(database.engine.sync_engine, "connect", listen)
    try:
        async with database.engine.connect():
            seen.clear()
        yield seen
    finally:
        sa.event.remove(database.engine.sync_engine, "connect", listen)
        await database.engine.dispose()


async def as_the_consumer(database: Database, handler: Handler, items: Sequence[Item]) -> None:
    """Do a batch at once, or where that cannot be in a transaction; anew where somebody else was at work."""
    for opened in (database.batch, database.work, database.work):
        with suppress(Conflict, asyncpg.UniqueViolationError, IntegrityError):
            async with opened() as work:
                await handler(work, items)
            return
    raise AssertionError("nobody else was at work, and yet there was a conflict")
