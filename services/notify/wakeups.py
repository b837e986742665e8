"""Waking open streams: PostgreSQL tells every replica, at commit, whose inbox has something new."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg import Connection
from asyncpg.pool import PoolConnectionProxy

from services.eventing.database import Database
from services.notify.storage import WAKE_CHANNEL


class Wakeups:
    """Keeps one connection that listens, and wakes the streams of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sleepers: dict[str, set[asyncio.Event]] = {}
        self.listening = asyncio.Event()

    async def listen(self) -> None:
        """Listen until the connection is lost; whoever runs this runs it again."""
        lost = asyncio.Event()

        def hear(_connection: object, _pid: int, _channel: str, coordinator_id: object) -> None:
            self._wake(str(coordinator_id))

        async with self._database.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            if not isinstance(driver, Connection | PoolConnectionProxy):
                raise TypeError("listening needs a connection of asyncpg")
            driver.add_termination_listener(lambda _connection: lost.set())
            await driver.add_listener(WAKE_CHANNEL, hear)
            # What came while nobody listened is found by looking once.
            self.wake_everyone()
            self.listening.set()
            try:
                await lost.wait()
            finally:
                self.listening.clear()
                if not driver.is_closed():
                    await driver.remove_listener(WAKE_CHANNEL, hear)

    @contextmanager
    def sleeper(self, coordinator_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever this coordinator's inbox may have something new."""
        woken = asyncio.Event()
        self._sleepers.setdefault(coordinator_id, set()).add(woken)
        try:
            yield woken
        finally:
            sleepers = self._sleepers[coordinator_id]
            sleepers.discard(woken)
            if not sleepers:
                del self._sleepers[coordinator_id]

    def wake_everyone(self) -> None:
        """Let every stream look."""
        for coordinator_id in list(self._sleepers):
            self._wake(coordinator_id)

    def _wake(self, coordinator_id: str) -> None:
        for woken in self._sleepers.get(coordinator_id, ()):
            woken.set()
