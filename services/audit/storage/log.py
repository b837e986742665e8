"""Writing: the log first, then what was read out of it; every statement takes a whole batch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.domain.chain import FindingKind
from services.audit.domain.readings import Access, ReferralReading


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record exactly as received; `headers` is the JSON text that the table describes."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: str
    timestamp_ms: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """What audit's questions need of one decoded event."""

    position: Position
    aggregate: str
    version: int
    type: str
    digest: str
    occurred_at: datetime
    referral_id: str | None
    agency_id: str | None
    auditor_id: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at one position; `code` says more closely what."""

    position: Position
    kind: FindingKind
    code: str


# Rows are written in the order of their keys, so that two handlers never wait for each other in a circle.
_KEEP = sa.text("""
    INSERT INTO log_entries (topic, partition, "offset", key, value, headers, timestamp_ms, digest, kept_at)
    SELECT said.*, CAST(:kept_at AS timestamptz) FROM unnest(
        CAST(:topic AS text[]), CAST(:partition AS int[]), CAST(:offset AS bigint[]), CAST(:key AS bytea[]),
        CAST(:value AS bytea[]), CAST(:headers AS text[]), CAST(:timestamp_ms AS bigint[]),
        CAST(:digest AS text[])
    ) AS said (topic, partition, "offset") ORDER BY topic, partition, "offset"
    ON CONFLICT DO NOTHING
    RETURNING topic, partition, "offset"
""")
_DIGESTS_AT = sa.text("""
    SELECT topic, partition, "offset", digest FROM log_entries JOIN unnest(
        CAST(:topic AS text[]), CAST(:partition AS int[]), CAST(:offset AS bigint[])
    ) AS asked (topic, partition, "offset") USING (topic, partition, "offset")
""")
_DIGESTS_OF = sa.text("""
    SELECT aggregate, version, digest
    FROM unnest(CAST(:aggregate AS text[]), CAST(:version AS int[])) AS asked (aggregate, version)
    JOIN read_events USING (aggregate, version)
""")
_READ = sa.text("""
    INSERT INTO read_events (
        topic, partition, "offset", aggregate, version, type, digest, occurred_at,
        referral_id, agency_id, auditor_id
    )
    SELECT * FROM unnest(
        CAST(:topic AS text[]), CAST(:partition AS int[]), CAST(:offset AS bigint[]),
        CAST(:aggregate AS text[]), CAST(:version AS int[]), CAST(:type AS text[]), CAST(:digest AS text[]),
        CAST(:occurred_at AS timestamptz[]), CAST(:referral_id AS text[]), CAST(:agency_id AS text[]),
        CAST(:auditor_id AS text[])
    )
""")
# A republished older version never overwrites a newer one.
_PLACE = sa.text("""
    INSERT INTO referral_scopes AS known (referral_id, version, state, sender, addressee, area)
    SELECT * FROM unnest(
        CAST(:referral_id AS text[]), CAST(:version AS int[]), CAST(:state AS text[]),
        CAST(:sender AS text[]), CAST(:addressee AS text[]), CAST(:area AS text[])
    ) AS said (referral_id) ORDER BY said.referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        version = excluded.version, state = excluded.state, sender = excluded.sender,
        addressee = excluded.addressee, area = excluded.area
    WHERE known.version < excluded.version
""")
_NOTE_ACCESSES = sa.text("""
    INSERT INTO accesses (
        release_id, outcome, referral_id, section_id, category, purpose, agency_id, coordinator_id,
        appointment_id, statement_id, statement_number, number, reason, decided_at
    )
    SELECT * FROM unnest(
        CAST(:release_id AS text[]), CAST(:outcome AS text[]), CAST(:referral_id AS text[]),
        CAST(:section_id AS text[]), CAST(:category AS text[]), CAST(:purpose AS text[]),
        CAST(:agency_id AS text[]), CAST(:coordinator_id AS text[]), CAST(:appointment_id AS text[]),
        CAST(:statement_id AS text[]), CAST(:statement_number AS int[]), CAST(:number AS int[]),
        CAST(:reason AS text[]), CAST(:decided_at AS timestamptz[])
    ) AS said (release_id) ORDER BY said.release_id
    ON CONFLICT (release_id) DO NOTHING
""")
_NOTE_FINDINGS = sa.text("""
    INSERT INTO findings (topic, partition, "offset", kind, code, found_at)
    SELECT said.*, CAST(:found_at AS timestamptz) FROM unnest(
        CAST(:topic AS text[]), CAST(:partition AS int[]), CAST(:offset AS bigint[]), CAST(:kind AS text[]),
        CAST(:code AS text[])
    ) AS said
""")


async def keep(session: AsyncSession, entries: Sequence[LogEntry], at: datetime) -> set[Position]:
    """Add entries to the log; returns the positions that were not in it before."""
    if not entries:
        return set()
    rows = await session.execute(
        _KEEP,
        _positions([entry.position for entry in entries])
        | _columns(entries, "key", "value", "headers", "timestamp_ms", "digest")
        | {"kept_at": at},
    )
    return {Position(*row) for row in rows}


async def digests_at(session: AsyncSession, positions: Sequence[Position]) -> Mapping[Position, str]:
    """The digests of what the log holds at these positions."""
    if not positions:
        return {}
    rows = await session.execute(_DIGESTS_AT, _positions(positions))
    return {Position(topic, partition, offset): digest for topic, partition, offset, digest in rows}


async def digests_of(
    session: AsyncSession, versions: Collection[tuple[str, int]]
) -> Mapping[tuple[str, int], frozenset[str]]:
    """The digests of everything kept as one of these versions of aggregates."""
    found: dict[tuple[str, int], frozenset[str]] = {}
    if versions:
        asked = sorted(versions)
        rows = await session.execute(
            _DIGESTS_OF,
            {"aggregate": [name for name, _ in asked], "version": [version for _, version in asked]},
        )
        for aggregate, version, digest in rows:
            found[aggregate, version] = found.get((aggregate, version), frozenset()) | {digest}
    return found


async def note_read(session: AsyncSession, events: Sequence[ReadEvent]) -> None:
    """Note where in the log each decoded event stands and what it is about."""
    if events:
        await session.execute(
            _READ,
            _positions([event.position for event in events])
            | _columns(events, *(field.name for field in fields(ReadEvent) if field.name != "position")),
        )


async def note_referrals(session: AsyncSession, referrals: Sequence[ReferralReading]) -> None:
    """Note where referrals belong; of several versions of one the highest counts."""
    latest = {reading.referral_id: reading for reading in sorted(referrals, key=lambda reading: reading.version)}
    if latest:
        names = [field.name for field in fields(ReferralReading)]
        await session.execute(_PLACE, _columns(list(latest.values()), *names))


async def note_accesses(session: AsyncSession, accesses: Sequence[Access]) -> None:
    """Note accesses; one that was told before is known by its release id."""
    if accesses:
        await session.execute(_NOTE_ACCESSES, _columns(accesses, *(field.name for field in fields(Access))))


async def note_findings(session: AsyncSession, findings: Sequence[Finding], at: datetime) -> None:
    """Note what was wrong with what arrived."""
    if findings:
        await session.execute(
            _NOTE_FINDINGS,
            _positions([finding.position for finding in findings])
            | {
                "kind": [finding.kind.value for finding in findings],
                "code": [finding.code for finding in findings],
                "found_at": at,
            },
        )


def _positions(positions: Sequence[Position]) -> dict[str, object]:
    return {
        "topic": [position.topic for position in positions],
        "partition": [position.partition for position in positions],
        "offset": [position.offset for position in positions],
    }


def _columns(rows: Sequence[object], *names: str) -> dict[str, object]:
    return {name: [getattr(row, name) for row in rows] for name in names}
