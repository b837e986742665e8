"""One unit of work on a service's database: what use cases read, write and say, kept together or not at all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing import outbox
from services.eventing.outbox import Head, OutboxRow
from services.eventing.statements import Conflict, Parameters, Part, Row, Statement, is_conflict, together
from services.eventing.tracing import traceparent_of
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause, Event, encode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.ports import Ids
from tsunagu_contracts.topics import topic_of


class Running(Protocol):
    """How statements get to the database: within a transaction, or each by itself."""

    async def fetch(self, statement: Statement, parameters: Parameters) -> Sequence[Row]:
        """Run a statement and return its rows; raises `Conflict` where a part did not touch what it had to."""


@dataclass(frozen=True, slots=True)
class Emission:
    """What a use case wants to say of an aggregate; version and digest of the past are added by `Work.emit`.

    `begins` says that nothing has been said of the aggregate before, so that nobody need look; if something has,
    nothing of the work is kept. `trace` is the `traceparent` of the item that brought it about (`Item.trace`);
    without it the current span's is taken.
    """

    aggregate: str
    data: EventData
    actor: Actor
    appointment: str | None = None
    cause: Cause | None = None
    trace: str | None = None
    begins: bool = False


class Work:
    """Reads go through `fetch`, writes through `later`, events through `emit`; whoever opened it calls `save`.

    What is given to `later` and `emit` is written by one statement at the end. A work is a transaction where it
    was given a session; use cases of HTTP may use that. A batch's work has none: what it reads it reads unlocked,
    and its one statement checks that this still holds.
    """

    def __init__(self, running: Running | AsyncSession, *, source: str, now: datetime, ids: Ids) -> None:
        self._session = running if isinstance(running, AsyncSession) else None
        self._running: Running = _InSession(running) if isinstance(running, AsyncSession) else running
        self.now = now
        self.ids = ids
        self._source = source
        self._before: dict[str, Head] = {}
        self._heads: dict[str, Head] = {}
        self._unsaved: list[OutboxRow] = []
        self._parts: list[Part] = []

    @property
    def session(self) -> AsyncSession:
        """The transaction's session; RuntimeError in a batch that is done without one."""
        if self._session is None:
            raise RuntimeError("a batch reads with fetch and writes with later")
        return self._session

    @property
    def locks(self) -> bool:
        """Whether this is a transaction, in which what is read can be kept from changing."""
        return self._session is not None

    async def fetch(self, statement: Statement, parameters: Parameters) -> Sequence[Row]:
        """Run a statement now; it does not see what is only to be written later."""
        return await self._running.fetch(statement, parameters)

    def later(self, statement: Statement, parameters: Parameters, *, touches: int | None = None) -> None:
        """Write this at the end, together with everything else; no row may be written by two statements of a work.

        With `touches` the statement must return so many rows, else `Conflict` is raised and nothing is kept.
        """
        self._parts.append(Part(statement, parameters, touches))

    def rely_on(self, heads: Mapping[str, Head]) -> None:
        """Note where streams were seen to stand, so that `emit` need not look; checked when all is saved."""
        for aggregate, head in heads.items():
            self._heads.setdefault(aggregate, head)
            self._before.setdefault(aggregate, head)

    async def emit(self, *emissions: Emission) -> list[Event]:
        """Say events, in this order."""
        self.rely_on({emission.aggregate: outbox.NO_HEAD for emission in emissions if emission.begins})
        wanted = {emission.aggregate for emission in emissions} - self._heads.keys()
        if wanted:
            find = outbox.LOCK_HEADS if self.locks else outbox.HEADS
            rows = await self.fetch(find, {"aggregates": sorted(wanted)})
            found = {aggregate: Head(version, digest_) for aggregate, version, digest_ in rows}
            self.rely_on({aggregate: found.get(aggregate, outbox.NO_HEAD) for aggregate in wanted})
        return [self._say(emission) for emission in emissions]

    def _say(self, emission: Emission) -> Event:
        head = self._heads[emission.aggregate]
        event = Event(
            id=self.ids.new(),
            source=f"tsunagu/{self._source}",
            type=emission.data.TYPE,
            time=self.now,
            aggregate=emission.aggregate,
            version=head.version + 1,
            previous=head.digest,
            cause=str(emission.cause) if emission.cause else None,
            actor=str(emission.actor),
            appointment=emission.appointment,
            data=emission.data,
        )
        value = encode_event(event)
        self._heads[emission.aggregate] = Head(event.version, digest(value))
        topic = topic_of(type(emission.data)).name
        self._unsaved.append(OutboxRow(topic, event.key, value, emission.trace or traceparent_of()))
        return event

    async def send(self, topic: str, key: str, value: bytes, trace: str | None = None) -> None:
        """Put a message on an agency's topic, after everything that this work said before."""
        self._unsaved.append(OutboxRow(topic, key, value, trace or traceparent_of()))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that can fail alone: effects and sayings inside are undone together."""
        await self.flush()
        heads, before, unsaved = dict(self._heads), dict(self._before), len(self._unsaved)
        try:
            async with self.session.begin_nested():
                yield
                await self.flush()
        except BaseException:
            self._heads, self._before = heads, before
            del self._unsaved[unsaved:]
            self._parts.clear()
            raise

    async def flush(self) -> None:
        """Write now what was to be written later, so that what follows in the transaction sees it."""
        if self._parts:
            parts, self._parts = self._parts, []
            await self._running.fetch(*together(parts, outbox.HELD))

    async def save(self) -> list[OutboxRow]:
        """Write everything: effects, streams and the outbox, in one statement; the rows are then ready to publish."""
        parts = [*self._parts, *outbox.stream_parts(self._before, self._heads)]
        rows, self._parts, self._unsaved = self._unsaved, [], []
        self._before = dict(self._heads)
        if not rows:
            if parts:
                await self._running.fetch(*together(parts, outbox.HELD))
            return []
        saved = await self._running.fetch(*together([*parts, outbox.part_of(rows)], outbox.FRESH))
        return outbox.written(rows, saved)


class _InSession:
    """Statements of a transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, statement: Statement, parameters: Parameters) -> Sequence[Row]:
        """Run a statement in the session's transaction."""
        try:
            result = await self._session.execute(statement.clause, {**parameters})
        except DBAPIError as error:
            if error.orig is not None and is_conflict(error.orig):
                raise Conflict from error
            raise
        return result.all() if isinstance(result, CursorResult) and result.returns_rows else []
