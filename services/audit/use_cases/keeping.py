"""Keeping: every record goes into the log as it came; only then is it read, and reading can fail alone."""

import base64
import json
import logging
from collections.abc import Sequence
from typing import NamedTuple

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


class _Arrived(NamedTuple):
    """One event that has newly come into the log."""

    position: Position
    event: Event
    digest: str


async def keep(work: Work, items: Sequence[Item]) -> None:
    """Keep a batch; what cannot be read becomes a finding and never holds anything up.

    Without a transaction everything is kept and read, or it fails. In one, what is in the log already is passed
    over, and what fails to be read is found out event by event; it raises only what says nothing about the records
    themselves: the database being away.
    """
    arrived = {_position(item.record): item for item in items}
    entries = [_entry(position, arrived[position].record) for position in sorted(arrived)]
    if work.locks:
        new = await log.add_missing(work, entries)
        found = await _reused(work, [entry for entry in entries if entry.position not in new])
        entries = [entry for entry in entries if entry.position in new]
    else:
        # Nothing stands in the log from our positions on; if it does all the same, nothing is written.
        log.add_later(work, entries)
        found = []
    events: list[_Arrived] = []
    for entry in entries:
        item = arrived[entry.position]
        if item.event is not None:
            events.append(_Arrived(entry.position, item.event, entry.digest))
        else:
            found.append(_undecodable(entry.position, item.record))
    if events:
        found += await (_isolating(work, events) if work.locks else _read(work, events))
    log.note_findings(work, found)
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
    kept = await log.digests_at(work, [entry.position for entry in repeated])
    return [
        Finding(entry.position, FindingKind.POSITION_REUSED, entry.digest)
        for entry in repeated
        if kept[entry.position] != entry.digest
    ]


def _undecodable(position: Position, record: Record) -> Finding:
    why = decode(record)
    return Finding(position, FindingKind.UNDECODABLE, why.code.value if isinstance(why, Undecodable) else "no_event")


async def _isolating(work: Work, events: Sequence[_Arrived]) -> list[Finding]:
    """Read a batch at once, or after a failure one by one, so that one event cannot hide the others."""
    try:
        async with work.savepoint():
            return await _read(work, events)
    except Exception as error:
        if is_passing(error):
            raise
    found: list[Finding] = []
    for each in events:
        try:
            async with work.savepoint():
                found += await _read(work, [each])
        except Exception as error:
            if is_passing(error):
                raise
            # The type only: the text of an error may repeat what it was given.
            found.append(Finding(each.position, FindingKind.NOT_INTERPRETED, type(error).__name__))
    return found


async def _read(work: Work, events: Sequence[_Arrived]) -> list[Finding]:
    links = [Link(event.aggregate, event.version, digest, event.previous) for _, event, digest in events]
    verdicts = chain.breaks(links, await log.digests_of(work, links))
    said = [each.event for each in events]
    log.note_read(work, [_read_event(each) for each in events])
    log.note_referrals(work, [reading for event in said if (reading := readings.referral_of(event)) is not None])
    log.note_accesses(work, [access for event in said if (access := readings.access_of(event.data)) is not None])
    membership.apply(work, said)
    return [
        Finding(position, verdict, f"{event.aggregate}@{event.version}")
        for (position, event, _), verdict in zip(events, verdicts, strict=True)
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


def _read_event(arrived: _Arrived) -> ReadEvent:
    position, event, digest = arrived
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
