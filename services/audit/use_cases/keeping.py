"""Keeping: every record goes into the log as it came; only then is it read, and reading can fail alone."""

import base64
import json
import logging
from collections.abc import Mapping, Sequence

from services import membership
from services.audit.domain import chain, readings
from services.audit.domain.chain import FindingKind, Link
from services.audit.storage import log
from services.audit.storage.log import Finding, LogEntry, Position, ReadEvent
from services.eventing.database import is_passing
from services.eventing.records import Item, Record, Undecodable, decode, digest_of
from services.eventing.work import Work
from tsunagu_contracts.envelope import Event

_log = logging.getLogger("tsunagu.audit")


async def keep(work: Work, items: Sequence[Item]) -> None:
    """Keep a batch; what cannot be read becomes a finding and never holds anything up.

    Raises only what says nothing about the records themselves: the database being away.
    """
    arrived = {_position(item.record): item for item in items}
    entries = [_entry(position, item.record) for position, item in arrived.items()]
    new = await log.keep(work.session, entries, work.now)
    found = await _reused(work, [entry for entry in entries if entry.position not in new])
    fresh = {position: item for position, item in arrived.items() if position in new}
    found += _undecodable(fresh)
    found += await _read_all(
        work, {position: item.event for position, item in fresh.items() if item.event is not None}, fresh
    )
    await log.note_findings(work.session, found, work.now)
    for finding in found:
        _log.warning(
            "finding kind=%s code=%s topic=%s partition=%s offset=%s",
            finding.kind.value,
            finding.code,
            finding.position.topic,
            finding.position.partition,
            finding.position.offset,
        )


async def _reused(work: Work, repeated: Sequence[LogEntry]) -> list[Finding]:
    """A position delivered again is in order; the same position with other bytes is not."""
    kept = await log.digests_at(work.session, [entry.position for entry in repeated])
    return [
        Finding(entry.position, FindingKind.POSITION_REUSED, entry.digest)
        for entry in repeated
        if kept[entry.position] != entry.digest
    ]


def _undecodable(fresh: Mapping[Position, Item]) -> list[Finding]:
    found = []
    for position, item in fresh.items():
        if item.event is None:
            why = decode(item.record)
            code = why.code.value if isinstance(why, Undecodable) else "no_event"
            found.append(Finding(position, FindingKind.UNDECODABLE, code))
    return found


async def _read_all(work: Work, events: Mapping[Position, Event], items: Mapping[Position, Item]) -> list[Finding]:
    """Read a batch at once, or after a failure one by one, so that one event cannot hide the others."""
    digests = {position: digest_of(items[position].record) for position in events}
    try:
        async with work.savepoint():
            return await _read(work, events, digests)
    except Exception as error:
        if is_passing(error):
            raise
    found: list[Finding] = []
    for position, event in events.items():
        try:
            async with work.savepoint():
                found += await _read(work, {position: event}, digests)
        except Exception as error:
            if is_passing(error):
                raise
            # The type only: the text of an error may repeat what it was given.
            found.append(Finding(position, FindingKind.NOT_INTERPRETED, type(error).__name__))
    return found


async def _read(work: Work, events: Mapping[Position, Event], digests: Mapping[Position, str]) -> list[Finding]:
    if not events:
        return []
    links = [
        Link(event.aggregate, event.version, digests[position], event.previous) for position, event in events.items()
    ]
    known = await log.digests_of(work.session, chain.neighbours(links))
    verdicts = chain.breaks(links, known)
    await log.note_read(
        work.session, [_read_event(position, event, digests[position]) for position, event in events.items()]
    )
    said = list(events.values())
    placed = [reading for event in said if (reading := readings.referral_of(event)) is not None]
    accesses = [access for event in said if (access := readings.access_of(event.data)) is not None]
    await log.note_referrals(work.session, placed)
    await log.note_accesses(work.session, accesses)
    membership.apply(work, said)
    return [
        Finding(position, verdict, f"{event.aggregate}@{event.version}")
        for (position, event), verdict in zip(events.items(), verdicts, strict=True)
        if verdict is not None
    ]


def _position(record: Record) -> Position:
    return Position(record.topic, record.partition, record.offset)


def _entry(position: Position, record: Record) -> LogEntry:
    return LogEntry(
        position=position,
        key=record.raw_key,
        value=None if record.tombstone else record.value,
        headers=json.dumps(
            [[name, None if value is None else base64.b64encode(value).decode()] for name, value in record.headers]
        ),
        timestamp_ms=record.timestamp_ms,
        digest=digest_of(record),
    )


def _read_event(position: Position, event: Event, digest: str) -> ReadEvent:
    about = readings.about(event.data)
    return ReadEvent(
        position=position,
        aggregate=event.aggregate,
        version=event.version,
        type=event.type,
        digest=digest,
        occurred_at=event.time,
        referral_id=about.referral_id,
        agency_id=about.agency_id,
        auditor_id=about.auditor_id,
    )
