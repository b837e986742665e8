"""An inbox as it grows: server-sent events, resumable by the number of the last item seen."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from services.eventing.database import Database, is_passing
from services.notify import storage, use_cases
from services.notify.storage import InboxItem
from services.notify.wakeups import Wakeups
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.ports import Clock

_log = logging.getLogger("tsunagu.notify.stream")
_BATCH = 100


class InboxStream:
    """Follows inboxes; `look_every` seconds without news a stream looks by itself and says that it lives."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        wakeups: Wakeups,
        *,
        stopping: asyncio.Event,
        look_every: float,
        ends_after: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._wakeups = wakeups
        self._stopping = stopping
        self._look_every = look_every
        self._ends_after = ends_after

    async def follow(
        self, coordinator_id: str, agency_id: str | None, number: int, render: Callable[[InboxItem], str]
    ) -> AsyncIterator[bytes]:
        """Send every item after `number`, in order, as it comes.

        Ends after a set time, so that the token is shown anew, when the reader is no longer on duty, the
        database is away or the process stops: the client comes back with the number of the last item it saw.
        """
        ends = asyncio.get_running_loop().time() + self._ends_after
        with self._wakeups.sleeper(coordinator_id) as woken:
            yield b"retry: 1000\n\n"
            while (left := ends - asyncio.get_running_loop().time()) > 0 and not self._stopping.is_set():
                woken.clear()
                news = await self._news(coordinator_id, agency_id, number)
                if news is None:
                    return
                for item in news:
                    number = item.number
                    yield f"id: {number}\nevent: notification\ndata: {render(item)}\n\n".encode()
                if len(news) < _BATCH and not await _within(min(self._look_every, left), woken):
                    yield b": nothing new\n\n"

    async def end_when_stopping(self) -> None:
        """Bring every stream to its end once the process is to stop."""
        await self._stopping.wait()
        self._wakeups.wake_everyone()

    async def _news(self, coordinator_id: str, agency_id: str | None, number: int) -> Sequence[InboxItem] | None:
        try:
            async with self._database.reading() as session:
                who = await use_cases.reader(session, coordinator_id, agency_id, self._clock.now())
                return await storage.after(session, who.coordinator_id, who.agencies, number, _BATCH)
        except Refusal:
            return None
        except Exception as error:
            if not is_passing(error):
                raise
            _log.warning("stream ends early error=%s", type(error).__name__)
            return None


async def _within(seconds: float, woken: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
