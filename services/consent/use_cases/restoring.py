"""A database restored from a backup hears from the log what it has forgotten, before anybody is served.

Consent's own topics are the record: a database whose streams stand behind their last events is older than the log.
What is missing is then written as it was written first, and nothing is said again. Referrals themselves come back
with `referral.events`, by `submissions.take_in_again`, which says nothing again either.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import sqlalchemy as sa
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.joins import components
from services.consent.storage import joins, persons, restoring
from services.consent.use_cases import erasures
from services.consent.use_cases.asking import note_renewal
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.retelling import retell
from services.eventing.database import Database
from services.eventing.outbox import NO_HEAD, Head
from services.eventing.records import Record
from services.eventing.work import Work
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.events.consent import StatementRecorded
from tsunagu_contracts.topics import COVERAGE, RECORDS

_log = logging.getLogger("tsunagu.consent.restoring")

# Whoever may be covered anew after a disaster has spoken before: the record first.
_TOPICS = (RECORDS.name, COVERAGE.name)
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_lock(hashtext('tsunagu consent restoring'))")
_AGAIN_SECONDS = 1.0
_TAIL = 200
"""How many records are looked at: after a crash the relay says things again, and the very last one may be old."""


class ForeignLogError(Exception):
    """The log does not follow on from this database; the message says in what and what to do."""


class Log(Protocol):
    """Consent's own topics, as they can be read back."""

    async def tail(self, topic: str, count: int) -> Sequence[Record]:
        """The last records of each partition of a topic, so many of each at most."""
        ...

    def read(self, topic: str) -> AsyncIterator[Sequence[Record]]:
        """Everything that a topic holds, each partition in its order."""
        ...


async def begin(database: Database, custody: Custody, log: Log, stopping: asyncio.Event) -> None:
    """Bring the database up to the log, and destroy every key that must not be there.

    Waits for Kafka where it is away, until the process is to stop: a database that may lack a withdrawal must not be
    served from. Raises `ForeignLogError` and `NotRetoldError` where it cannot be brought up to it.
    """
    while True:
        try:
            async with _alone(database):
                await catch_up(database, log, custody)
            break
        except (KafkaError, TimeoutError, OSError) as error:
            if stopping.is_set():
                raise
            _log.warning("the log cannot be read, tried again error=%s", type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)
    async with database.reading() as session:
        custody.was_restored = await restoring.ever(session)
        custody.restored = await restoring.referrals(session)
    await erasures.destroy_again(database, custody)


async def catch_up(database: Database, log: Log, custody: Custody) -> int:
    """Write what the log has and the database lacks; returns how many events that were."""
    told = 0
    for topic in _TOPICS:
        if not await _is_behind(database, await log.tail(topic, _TAIL)):
            continue
        _log.warning("this database is older than the log and is told what it lacks topic=%s", topic)
        async with database.work() as work:
            await restoring.note(work.session, custody.clock.now())
        read = 0
        async for records in log.read(topic):
            async with database.work() as work:
                told += await _tell(work.session, records, custody)
            read += len(records)
            _log.info("replaying topic=%s read=%d told=%d", topic, read, told)
        async with database.work() as work:
            await _group(work)
    return told


async def _group(work: Work) -> None:
    """Write which records are one person's by all the joins that stand."""
    ever = await joins.every(work.session)
    record_ids = {record_id for pair, _ in ever for record_id in pair}
    parts = components(record_ids, [pair for pair, stands in ever if stands])
    groups = {part: work.ids.new() if len(part) > 1 else min(part) for part in parts}
    await persons.regroup(work.session, {each: group_id for part, group_id in groups.items() for each in part})


async def _is_behind(database: Database, tail: Sequence[Record]) -> bool:
    """Whether the database lacks any of these events: what it lacks, it lacks to the end of a partition."""
    events = [decode_event(record.value) for record in tail]
    async with database.reading() as session:
        heads = await restoring.heads(session, {event.aggregate for event in events})
    return any(heads.get(event.aggregate, NO_HEAD).version < event.version for event in events)


async def _tell(session: AsyncSession, records: Sequence[Record], custody: Custody) -> int:
    """Write what the database lacks of these records, in one transaction; returns how many there were."""
    events = [(decode_event(record.value), record.value) for record in records]
    heads = await restoring.heads(session, {event.aggregate for event, _ in events})
    moved: dict[str, Head] = {}
    told = 0
    for event, raw in events:
        head = moved.get(event.aggregate, heads.get(event.aggregate, NO_HEAD))
        if event.version <= head.version:
            continue
        _check_follows(event, head)
        await retell(event.data, event, session)
        if isinstance(event.data, StatementRecorded):
            await note_renewal(session, event.data, custody)
        kind, _, record_id = event.aggregate.partition(":")
        if kind == "record":
            await restoring.count(session, record_id, event.version, event.time)
        moved[event.aggregate] = Head(event.version, digest(raw))
        told += 1
    if moved:
        await restoring.move_heads(session, moved)
    return told


def _check_follows(event: Event, head: Head) -> None:
    if event.version != head.version + 1:
        raise ForeignLogError(
            f"{event.aggregate}: the database knows version {head.version}, and the log goes on with {event.version}. "
            "It no longer goes back as far as this backup: restore a younger one."
        )
    if event.previous != head.digest:
        raise ForeignLogError(
            f"{event.aggregate}: version {event.version} of the log follows on another event than the database knows. "
            "They are not of one past: restore a backup that was taken from this network."
        )


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    """While this lasts, other replicas that start wait; what they then find is no longer behind."""
    async with database.engine.connect() as connection:
        await connection.execute(_ONE_AT_A_TIME)
        try:
            yield
        finally:
            # A lock of the session ends with its connection, whatever has become of the transaction.
            await connection.invalidate()
