"""Writing: the log first, then what was read out of it; every statement takes a whole batch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.audit.domain.chain import FindingKind, Link
from services.audit.domain.readings import Access, ReferralReading
from services.eventing.statements import Statement
from services.eventing.work import Work


class Position(NamedTuple):
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


class LogEntry(NamedTuple):
    """One record exactly as received; `headers` is the JSON text that the table describes."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: str
    timestamp_ms: int
    digest: str


class ReadEvent(NamedTuple):
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


class Finding(NamedTuple):
    """Something wrong at one position; `code` says more closely what."""

    position: Position
    kind: FindingKind
    code: str


# Each array is unrolled in the list of results, where a value goes straight into the table: rows of a FROM are
# written aside first, and sorted ones copied again.
_ADD = Statement("""
    INSERT INTO log_entries (topic, partition, "offset", key, value, headers, timestamp_ms, digest, kept_at)
    SELECT unnest(CAST(:topic AS text[])), unnest(CAST(:partition AS int[])), unnest(CAST(:offset AS bigint[])),
        unnest(CAST(:key AS bytea[])), unnest(CAST(:value AS bytea[])), unnest(CAST(:headers AS text[])),
        unnest(CAST(:timestamp_ms AS bigint[])), unnest(CAST(:digest AS text[])), CAST(:kept_at AS timestamptz)
""")
_ADD_MISSING = Statement(f'{_ADD.text} ON CONFLICT DO NOTHING RETURNING topic, partition, "offset"')
_DIGESTS_AT = Statement("""
    SELECT topic, partition, "offset", digest FROM log_entries JOIN unnest(
        CAST(:topic AS text[]), CAST(:partition AS int[]), CAST(:offset AS bigint[])
    ) AS asked (topic, partition, "offset") USING (topic, partition, "offset")
""")
# A version and the one before it stand side by side in the index. Each is looked up by itself (OFFSET 0), lest a plan
# from the time when the table was small go on reading all of it.
_DIGESTS_OF = Statement("""
    SELECT kept.aggregate, kept.version, kept.digest
    FROM unnest(CAST(:aggregate AS text[]), CAST(:version AS int[])) AS asked (aggregate, version)
    CROSS JOIN LATERAL (
        SELECT aggregate, version, digest FROM read_events
        WHERE aggregate = asked.aggregate AND version BETWEEN asked.version - 1 AND asked.version OFFSET 0
    ) AS kept
""")
_READ = Statement("""
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
# A republished older version never overwrites a newer one. Rows are written in the order of their keys, so that two
# handlers never wait for each other in a circle.
_PLACE = Statement("""
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
_NOTE_ACCESSES = Statement("""
    INSERT INTO accesses (
        release_id, outcome, referral_id, section_id, category, purpose, agency_id, coordinator_id,
        appointment_id, statement_id, statement_number, number, reason, decided_at, provider, agreed
    )
    SELECT * FROM unnest(
        CAST(:release_id AS text[]), CAST(:outcome AS text[]), CAST(:referral_id AS text[]),
        CAST(:section_id AS text[]), CAST(:category AS text[]), CAST(:purpose AS text[]),
        CAST(:agency_id AS text[]), CAST(:coordinator_id AS text[]), CAST(:appointment_id AS text[]),
        CAST(:statement_id AS text[]), CAST(:statement_number AS int[]), CAST(:number AS int[]),
        CAST(:reason AS text[]), CAST(:decided_at AS timestamptz[]),
        CAST(:provider AS text[]), CAST(:agreed AS text[])
    ) AS said (release_id) ORDER BY said.release_id
    ON CONFLICT (release_id) DO NOTHING
""")
_NOTE_FINDINGS = Statement("""
    INSERT INTO findings (topic, partition, "offset", kind, code, found_at)
    SELECT said.*, CAST(:found_at AS timestamptz) FROM unnest(
        CAST(:topic AS text[]), CAST(:partition AS int[]), CAST(:offset AS bigint[]), CAST(:kind AS text[]),
        CAST(:code AS text[])
    ) AS said
""")


def add_later(work: Work, entries: Sequence[LogEntry]) -> None:
    """Add entries to the log, of which it must have none; given in the order of their positions."""
    work.later(_ADD, _columns(_ADD, map(_flat, entries), kept_at=work.now))


async def add_missing(work: Work, entries: Sequence[LogEntry]) -> set[Position]:
    """Add entries to the log; returns the positions that were not in it before. In the order of their positions."""
    added = await work.fetch(_ADD_MISSING, _columns(_ADD_MISSING, map(_flat, entries), kept_at=work.now))
    return {Position(*row) for row in added}


async def digests_at(work: Work, positions: Sequence[Position]) -> Mapping[Position, str]:
    """The digests of what the log holds at these positions."""
    if not positions:
        return {}
    rows = await work.fetch(_DIGESTS_AT, _columns(_DIGESTS_AT, positions))
    return {Position(topic, partition, offset): digest for topic, partition, offset, digest in rows}


async def digests_of(work: Work, links: Iterable[Link]) -> Mapping[tuple[str, int], frozenset[str]]:
    """The digests of everything kept as the version of one of these links, or as the version before it."""
    found: dict[tuple[str, int], frozenset[str]] = {}
    asked = _columns(_DIGESTS_OF, ((link.aggregate, link.version) for link in links))
    for aggregate, version, digest in await work.fetch(_DIGESTS_OF, asked):
        found[aggregate, version] = found.get((aggregate, version), frozenset()) | {digest}
    return found


def note_read(work: Work, events: Sequence[ReadEvent]) -> None:
    """Note where in the log each decoded event stands and what it is about."""
    work.later(_READ, _columns(_READ, map(_flat, events)))


def note_referrals(work: Work, referrals: Sequence[ReferralReading]) -> None:
    """Note where referrals belong; of several versions of one the highest counts."""
    latest = {reading.referral_id: reading for reading in sorted(referrals, key=lambda reading: reading.version)}
    if latest:
        work.later(_PLACE, _columns(_PLACE, latest.values()))


def note_accesses(work: Work, accesses: Sequence[Access]) -> None:
    """Note accesses; one that was told before is known by its release id."""
    if accesses:
        work.later(_NOTE_ACCESSES, _columns(_NOTE_ACCESSES, accesses))


def note_findings(work: Work, findings: Sequence[Finding]) -> None:
    """Note what was wrong with what arrived."""
    if findings:
        work.later(_NOTE_FINDINGS, _columns(_NOTE_FINDINGS, map(_flat, findings), found_at=work.now))


def _flat(row: LogEntry | ReadEvent | Finding) -> tuple[object, ...]:
    return (*row[0], *row[1:])


def _columns(statement: Statement, rows: Iterable[tuple[Any, ...]], **alike: object) -> dict[str, object]:
    """One array for each of the statement's parameters in the order of a row's fields; `alike` are the same in all."""
    names = [name for name in statement.parameters if name not in alike]
    return {**dict(zip(names, zip(*rows, strict=True), strict=True)), **alike}
