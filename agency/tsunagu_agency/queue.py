"""An agency's offline queue: sealed and signed at any time, kept on disk, published in order once it is online.

`put` returns when the message is on the disk. `drain` publishes the messages one after the other, each until Kafka
has acknowledged it, so that they stand in Kafka in the order in which they were put. After a crash the first one may
go out a second time; the network knows it by its id and acts on it once.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from tsunagu_agency.client import AgencyClient
from tsunagu_agency.errors import NotPublishedError
from tsunagu_agency.inbound import Inbound
from tsunagu_agency.outgoing import OutgoingMessage
from tsunagu_agency.queue_file import Backlog, MessageStatus, QueueFile, QueueLimits
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import ByMessage, MessageRefused
from tsunagu_contracts.manifests import ForAudit, ForReferral
from tsunagu_contracts.ports import Clock, RandomBytes, SystemClock

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
"""Between attempts while offline: doubled each time between these, less up to half of it by chance."""

_ANOTHER_SENDS_SECONDS = 0.2
"""How long to leave it to another program that is sending from the same queue before looking again."""

_DEFAULT_LIMITS = QueueLimits()

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a drain has come: `sent` of `total` messages, the total being those it sent and those that wait.

    `waiting_since` is when the first that waits was put. `offline_since` is when Kafka first failed to acknowledge
    since it last did, and `trouble` how it failed most recently; both None while all is well.
    """

    sent: int
    total: int
    waiting_since: datetime | None = None
    offline_since: datetime | None = None
    trouble: str | None = None

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return self.total - self.sent

    def __str__(self) -> str:
        text = f"送信 / sent {self.sent} of {self.total}"
        if self.waiting_since is not None:
            text += f", 待機 / waiting since {self.waiting_since.isoformat(timespec='seconds')}"
        return text if self.trouble is None else f"{text}, オフライン / offline ({self.trouble})"


Report = Callable[[Progress], None]
"""Called with how far a drain has come."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Attempts that failed since Kafka last acknowledged a message."""

    since: datetime
    failures: int
    reason: str


class AsyncOfflineQueue:
    """The queue in an agency's folder, for programs with an event loop; the client remains the caller's to close.

    Several programs may use one folder: all may put at any time, and one of them sends at a time.
    Everything raises `QueueFileError` when the disk or the file fails.
    """

    def __init__(
        self,
        client: AgencyClient,
        *,
        limits: QueueLimits = _DEFAULT_LIMITS,
        clock: Clock | None = None,
        random: RandomBytes = secrets.token_bytes,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take the client whose messages are queued; `wait` waits for so many seconds, as `asyncio.sleep` does."""
        self.client = client
        self._file = QueueFile(client.keystore.folder, limits)
        # One thread does everything to the file, in the order in which it was asked for.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tsunagu-queue")
        self._sending = asyncio.Lock()
        self._clock = clock or SystemClock()
        self._random = random
        self._wait = wait

    async def __aenter__(self) -> Self:
        """Return the queue; its file is opened when it is first needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the file."""
        await self.close()

    async def close(self) -> None:
        """Close the file; what waits in it waits for whoever opens it next."""
        await self._in_thread(self._file.close)

    async def put(self, message: OutgoingMessage) -> MessageStatus:
        """Queue a message of this agency behind all others; once this returns it outlives any crash.

        Putting a message again changes nothing. Raises `QueueFullError`; refuses, as `AgencyMessage.verify`, what
        the agency has not signed, with `duplicate_id` other bytes under an id that was put, and with `unknown_type`
        what is not for `referral`: the person's word counts from its recording and goes to `consent`.
        """
        manifest = self.client.verify_own(message)
        if isinstance(manifest, ForAudit):
            raise Refusal(RefusalCode.UNKNOWN_TYPE, belongs_to="audit")
        if not isinstance(manifest, ForReferral):
            raise Refusal(RefusalCode.UNKNOWN_TYPE, belongs_to="consent")
        if (manifest.id, manifest.data.referral_id) != (message.message_id, message.referral_id):
            raise Refusal(RefusalCode.INVALID_CONTENT, where="id")
        return await self._in_thread(self._file.put, message, self._clock.now())

    async def drain(self, report: Report | None = None, *, seconds: float | None = None) -> Progress:
        """Publish what waits, first put first sent, through any time offline; returns when nothing waits any more.

        With `seconds` it also returns then, and what was not sent waits on. `report` is called after every step.
        """
        # Asked before the time begins: where it is too short for anything, the answer must not be that nothing waits.
        progress = _progress(0, await self.backlog(), None)
        limit = asyncio.timeout(seconds)
        try:
            async with limit, aclosing(self.draining()) as steps:
                async for progress in steps:
                    if report is not None:
                        report(progress)
        except TimeoutError:
            if not limit.expired():
                raise
        return progress

    async def draining(self) -> AsyncGenerator[Progress, None]:
        """Do as `drain` does, saying before each attempt how far it has come; the last item says that nothing waits.

        Whoever stops asking stops the sending. Wrap it in `contextlib.aclosing` to leave it early.
        """
        sent, trouble = 0, None
        while True:
            backlog = await self.backlog()
            yield _progress(sent, backlog, trouble)
            if not backlog.messages:
                return
            if trouble is not None:
                await self._wait(self._pause(trouble.failures))
            try:
                if await self._send_first():
                    sent, trouble = sent + 1, None
            except NotPublishedError as error:
                since, failures = (trouble.since, trouble.failures) if trouble else (self._clock.now(), 0)
                trouble = _Trouble(since, failures + 1, error.reason)

    async def backlog(self) -> Backlog:
        """Return how much waits."""
        return await self._in_thread(self._file.backlog)

    async def settle(self, item: Inbound) -> MessageStatus | None:
        """Note what an item of the inbox says of a message that was put here; returns where that one stands now.

        None where the item decides on no message of this queue. An item may be fed any number of times.
        """
        data = None if item.event is None else item.event.data
        # By digest and not by id: an id is whatever its writer made it, and another agency writes its own.
        if isinstance(data, ByMessage):
            return await self._in_thread(self._file.note_accepted, digest(data.manifest))
        if isinstance(data, MessageRefused):
            return await self._in_thread(self._file.note_refused, data.digest, data.code)
        return None

    async def status(self, message_id: str) -> MessageStatus | None:
        """Return where a message stands; None where it was never put or is no longer remembered."""
        return await self._in_thread(self._file.status, message_id)

    async def statuses(self) -> list[MessageStatus]:
        """Return where every message stands that waits or is remembered, in the order in which they were put."""
        return await self._in_thread(self._file.statuses)

    async def _send_first(self) -> bool:
        """Publish the message that waits first; False where none waits or another program is sending just now."""
        async with self._sending:
            try:
                if not await self._in_thread(self._file.claim):
                    await self._wait(_ANOTHER_SENDS_SECONDS)
                    return False
                message = await self._in_thread(self._file.first)
                if message is None:
                    return False
                await self.client.publish(message)
                # A crash before the next line sends the message again; a crash never skips one.
                await self._in_thread(self._file.note_published, message.message_id)
                return True
            finally:
                # Not awaited, so that it also happens when this task is being cancelled.
                self._thread.submit(self._file.release)

    def _pause(self, failures: int) -> float:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16))
        chance = int.from_bytes(self._random(4), "big") / 2**32
        return longest * (1 - chance / 2)

    async def _in_thread(
        self, work: Callable[_Parameters, _Result], *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> _Result:
        return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))


class OfflineQueue:
    """The same queue for programs without an event loop; every call returns when it is done.

    To be used by one thread at a time; another thread opens the same folder anew.
    """

    def __init__(self, client: AgencyClient, *, limits: QueueLimits = _DEFAULT_LIMITS) -> None:
        """Take over a client: its connections live in this queue's event loop, and end with it."""
        self.client = client
        self._queue = AsyncOfflineQueue(client, limits=limits)
        self._loop = asyncio.Runner()

    @classmethod
    def open(cls, folder: str | Path, *, limits: QueueLimits = _DEFAULT_LIMITS) -> Self:
        """Open the queue of an agency's folder; raises as `AgencyClient.from_folder`."""
        return cls(AgencyClient.from_folder(folder), limits=limits)

    def __enter__(self) -> Self:
        """Return the queue."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the file and the connections."""
        self.close()

    def close(self) -> None:
        """Close the file and the connections."""
        with self._loop:
            self.run(self._queue.close())
            self.run(self.client.close())

    def run(self, asked: Coroutine[object, object, _Result]) -> _Result:
        """Do what is asked of the client and return its result: `queue.run(queue.client.take_handles(20))`."""
        return self._loop.run(asked)

    def put(self, message: OutgoingMessage) -> MessageStatus:
        """Queue a message; see `AsyncOfflineQueue.put`."""
        return self.run(self._queue.put(message))

    def drain(self, report: Report | None = None, *, seconds: float | None = None) -> Progress:
        """Publish what waits; see `AsyncOfflineQueue.drain`."""
        return self.run(self._queue.drain(report, seconds=seconds))

    def backlog(self) -> Backlog:
        """Return how much waits."""
        return self.run(self._queue.backlog())

    def settle(self, item: Inbound) -> MessageStatus | None:
        """Note what an item of the inbox says; see `AsyncOfflineQueue.settle`."""
        return self.run(self._queue.settle(item))

    def status(self, message_id: str) -> MessageStatus | None:
        """Return where a message stands; None where it was never put or is no longer remembered."""
        return self.run(self._queue.status(message_id))

    def statuses(self) -> list[MessageStatus]:
        """Return where every message stands that waits or is remembered, in the order in which they were put."""
        return self.run(self._queue.statuses())


def _progress(sent: int, backlog: Backlog, trouble: _Trouble | None) -> Progress:
    since, reason = (trouble.since, trouble.reason) if trouble else (None, None)
    return Progress(sent, sent + backlog.messages, backlog.since, since, reason)
