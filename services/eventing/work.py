"""One database transaction as use cases see it: what they may read and write, and what they may say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing import outbox
from services.eventing.outbox import OutboxRow
from services.eventing.tracing import traceparent_of
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause, Event, encode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.ports import Ids
from tsunagu_contracts.topics import topic_of


@dataclass(frozen=True, slots=True)
class Emission:
    """What a use case wants to say of an aggregate; version and digest of the past are added by `Work.emit`.

    `trace` is the `traceparent` of the item that brought it about (`Item.trace`); without it the current
    span's is taken.
    """

    aggregate: str
    data: EventData
    actor: Actor
    appointment: str | None = None
    cause: Cause | None = None
    trace: str | None = None


class Work:
    """One transaction: effects go through `session`, events through `emit`; whoever opened it commits."""

    def __init__(self, session: AsyncSession, *, source: str, now: datetime, ids: Ids) -> None:
        self.session = session
        self.now = now
        self.ids = ids
        self._source = source
        self._heads: dict[str, outbox.Head] = {}
        self._unsaved: list[OutboxRow] = []

    async def emit(self, *emissions: Emission) -> list[Event]:
        """Say events, in this order; an aggregate's row stays locked until the transaction ends."""
        wanted = {emission.aggregate for emission in emissions} - self._heads.keys()
        if wanted:
            self._heads.update(await outbox.lock_heads(self.session, sorted(wanted)))
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
        self._heads[emission.aggregate] = outbox.Head(event.version, digest(value))
        topic = topic_of(type(emission.data)).name
        self._unsaved.append(OutboxRow(topic, event.key, value, emission.trace or traceparent_of()))
        return event

    async def send(self, topic: str, key: str, value: bytes, trace: str | None = None) -> None:
        """Put a message on an agency's topic, after everything that this transaction said before."""
        self._unsaved.append(OutboxRow(topic, key, value, trace or traceparent_of()))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that can fail alone: effects and sayings inside are undone together."""
        heads, unsaved = dict(self._heads), len(self._unsaved)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            self._heads = heads
            del self._unsaved[unsaved:]
            raise

    async def save(self) -> list[OutboxRow]:
        """Write what was said into the outbox, just before the commit; the rows are then ready to publish."""
        rows = await outbox.save(self.session, self._heads, self._unsaved)
        self._unsaved = []
        return rows
