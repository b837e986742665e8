"""A service's own database: the engine, and transactions whose sayings are published right after the commit."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from services.eventing.broker import Producer
from services.eventing.publishing import Publisher
from services.eventing.statements import Conflict, Parameters, Row, Statement, is_conflict
from services.eventing.work import Work
from tsunagu_contracts.ports import Clock, Ids

SERVER_SETTINGS = {
    # A batch's statement of ten parts takes longer to plan than to run, and its plan does not depend on its values.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # Plans are kept, and most are made while tables are small: they must be right when these have grown.
    "enable_seqscan": "off",
    "random_page_cost": "1.1",
    # A batch's values pass through unnest in memory, not by way of a file.
    "work_mem": "32MB",
}
"""What the services' connections ask of PostgreSQL."""

_Result = TypeVar("_Result")
_TRIES = 3
_PASSING_STATES = ("08", "40", "53", "57", "58")
"""SQLSTATE classes that say nothing about the statement: connection, rollback, resources, shutdown, system."""


class Database:
    """The one database that a service owns."""

    def __init__(self, url: str, *, source: str, clock: Clock, ids: Ids, producer: Producer) -> None:
        self.engine: AsyncEngine = create_async_engine(
            # An error must not repeat what was to be stored.
            url,
            pool_size=8,
            # The connection used last has its statements prepared.
            pool_use_lifo=True,
            max_overflow=8,
            hide_parameters=True,
            connect_args={"server_settings": SERVER_SETTINGS},
        )
        self.publisher = Publisher(self.engine, producer)
        self._source = source
        self._clock = clock
        self._ids = ids

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """Open a transaction; it commits at the end of the block and then publishes, or undoes everything."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            work = Work(session, source=self._source, now=self._clock.now(), ids=self._ids)
            yield work
            rows = await work.save()
        self.publisher.hand_over(rows)

    async def until_settled(self, use_case: Callable[[Work], Awaitable[_Result]]) -> _Result:
        """Do this in a transaction, and anew where somebody else has just taken or changed what it rests on."""
        for _ in range(_TRIES - 1):
            try:
                async with self.work() as work:
                    return await use_case(work)
            except (Conflict, DBAPIError) as error:
                if not _by_others(error):
                    raise
        async with self.work() as work:
            return await use_case(work)

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Work]:
        """Open a work without a transaction: it reads unlocked, and what it writes is one statement at the end.

        Raises `Conflict` where what it relies on has changed meanwhile, and keeps nothing then.
        """
        async with self.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            if not isinstance(driver, asyncpg.Connection):
                raise TypeError("the address of the database names another driver than asyncpg")
            work = Work(_Direct(driver), source=self._source, now=self._clock.now(), ids=self._ids)
            try:
                yield work
                rows = await work.save()
            except BaseException:
                if driver.is_closed():
                    await connection.invalidate()
                raise
        self.publisher.hand_over(rows)

    async def at_once(self, use_case: Callable[[Work], Awaitable[_Result]]) -> _Result:
        """Do this without a transaction, and in one where what it relies on has just been changed by somebody else."""
        try:
            async with self.batch() as work:
                return await use_case(work)
        except (Conflict, asyncpg.IntegrityConstraintViolationError):
            return await self.until_settled(use_case)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session that only reads; nothing is said and nothing is kept."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    async def close(self) -> None:
        """Publish what is in memory and close every connection."""
        await self.publisher.stop()
        await self.engine.dispose()


class _Direct:
    """Statements by the driver itself, each its own transaction: what SQLAlchemy adds costs more than the rest."""

    def __init__(self, driver: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._driver = driver

    async def fetch(self, statement: Statement, parameters: Parameters) -> Sequence[Row]:
        """Run a statement; it is committed when this returns."""
        try:
            return await self._driver.fetch(statement.numbered, *(parameters[name] for name in statement.parameters))
        except asyncpg.PostgresError as error:
            if is_conflict(error):
                raise Conflict from error
            raise


def _by_others(error: Conflict | DBAPIError) -> bool:
    """Whether it failed because of what somebody else was doing to the same rows."""
    if isinstance(error, Conflict | IntegrityError):
        return True
    return error.orig is not None and is_conflict(error.orig)


def is_passing(error: BaseException) -> bool:
    """Whether this failure says nothing about the work itself, so that the same work may succeed later."""
    if isinstance(error, PoolTimeout | InterfaceError | asyncpg.InterfaceError | ConnectionError | TimeoutError):
        return True
    if isinstance(error, Conflict):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(_PASSING_STATES)
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if isinstance(state, str):
            return state.startswith(_PASSING_STATES)
        return isinstance(error, OperationalError) or error.connection_invalidated
    return isinstance(error, OSError)
