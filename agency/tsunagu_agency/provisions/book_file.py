"""The file of an agency's record book: SQLite in its folder, for its owner alone, on the disk before it counts."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tsunagu_agency.errors import BookFileError
from tsunagu_agency.files import create_private
from tsunagu_agency.provisions.records import Counterpart, ProvisionRecord, Pruned
from tsunagu_contracts.codes import Acquisition, AgencyKind, Category, ProvisionSide, Purpose
from tsunagu_contracts.provisions import AgreedFacts

_FORMAT = 1
"""What `user_version` says of a file that this module reads."""

# Moments are UTC in ISO 8601 with microseconds, so that their order is that of the text.
_SCHEMA = f"""
PRAGMA journal_mode = WAL;
CREATE TABLE records (
    side TEXT NOT NULL,
    release_id TEXT NOT NULL,
    referral_id TEXT NOT NULL,
    section_id TEXT NOT NULL,
    category TEXT NOT NULL,
    purpose TEXT NOT NULL,
    recipient TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    counterpart TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    legal_status TEXT,
    address TEXT,
    representative TEXT,
    recorded_at TEXT NOT NULL,
    reported_at TEXT,
    PRIMARY KEY (side, release_id)
) WITHOUT ROWID;
CREATE INDEX records_in_time ON records (decided_at, release_id);
CREATE INDEX records_made ON records (recorded_at);
CREATE INDEX records_unreported ON records (side, release_id) WHERE reported_at IS NULL;
CREATE TABLE persons (referral_id TEXT PRIMARY KEY, person TEXT NOT NULL, acquisition TEXT) WITHOUT ROWID;
CREATE TABLE caught_up (until TEXT NOT NULL);
PRAGMA user_version = {_FORMAT};
"""
_COLUMNS = """
    side, release_id, referral_id, section_id, category, purpose, recipient, statement_id, decided_at, counterpart,
    name, kind, legal_status, address, representative, recorded_at, reported_at, person, acquisition
"""
_COMPLETE = "person IS NOT NULL AND (side = 'provided' OR acquisition IS NOT NULL)"
_PATIENCE_SECONDS = 30.0


class BookFile:
    """The records of one agency on its disk; everything raises `BookFileError` when the disk or the file fails."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; the file is made and opened when it is first needed."""
        self.path = folder / "provisions.sqlite3"
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; it is opened again when it is needed again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def name(self, referral_id: str, person: str, acquisition: Acquisition | None) -> None:
        """Write whom a referral is about and, if it is given, how its sender had come by what is in it."""
        with self._transaction() as book:
            book.execute(
                "INSERT INTO persons VALUES (?, ?, ?) ON CONFLICT (referral_id) DO UPDATE SET person = excluded.person,"
                " acquisition = coalesce(excluded.acquisition, acquisition)",
                (referral_id, person, acquisition),
            )

    def add(self, records: Sequence[ProvisionRecord], until: datetime) -> int:
        """Write records, of which known ones stay, and how far the book has come; returns how many are new."""
        with self._transaction() as book:
            before = book.total_changes
            book.executemany(
                f"INSERT INTO records VALUES ({', '.join('?' * 17)}) ON CONFLICT DO NOTHING",  # noqa: S608
                [_row(record) for record in records],
            )
            added = book.total_changes - before
            [known] = book.execute("SELECT max(until) FROM caught_up").fetchone()
            book.execute("DELETE FROM caught_up")
            book.execute("INSERT INTO caught_up VALUES (?)", (max(_text(until), known or ""),))
        return added

    def caught_up(self) -> datetime | None:
        """Return the latest opening that the book has ever had; None for a new book."""
        with self._transaction() as book:
            [until] = book.execute("SELECT max(until) FROM caught_up").fetchone()
        return None if until is None else datetime.fromisoformat(until)

    def between(self, since: datetime, until: datetime) -> list[ProvisionRecord]:
        """Return the records of openings from a moment on and before another, oldest first."""
        return self._select("decided_at >= ? AND decided_at < ?", _text(since), _text(until))

    def incomplete(self) -> list[ProvisionRecord]:
        """Return the records that lack what only the agency can know."""
        return self._select(f"NOT ({_COMPLETE})")

    def unreported(self, side: ProvisionSide, limit: int) -> list[ProvisionRecord]:
        """Return complete records of one side that `audit` has not been told of, so many at most."""
        return self._select(f"side = ? AND reported_at IS NULL AND {_COMPLETE}", side, limit=limit)

    def note_reported(self, records: Sequence[ProvisionRecord], at: datetime) -> None:
        """Note that `audit` keeps the report of these records."""
        with self._transaction() as book:
            book.executemany(
                "UPDATE records SET reported_at = ? WHERE side = ? AND release_id = ?",
                [(_text(at), record.side, record.release_id) for record in records],
            )

    def prune(self, before: datetime) -> Pruned:
        """Remove the records made before a moment, and whom they were about."""
        with self._transaction() as book:
            counts = dict(
                book.execute("SELECT side, count(*) FROM records WHERE recorded_at < ? GROUP BY side", (_text(before),))
            )
            gone = book.execute(
                "DELETE FROM records WHERE recorded_at < ? RETURNING referral_id", (_text(before),)
            ).fetchall()
            book.executemany(
                "DELETE FROM persons WHERE referral_id = ?"
                " AND NOT EXISTS (SELECT 1 FROM records WHERE records.referral_id = persons.referral_id)",
                sorted(set(gone)),
            )
        return Pruned(counts.get(ProvisionSide.PROVIDED, 0), counts.get(ProvisionSide.RECEIVED, 0), before)

    def _select(self, which: str, *values: str, limit: int = -1) -> list[ProvisionRecord]:
        with self._transaction() as book:
            rows = book.execute(
                f"SELECT {_COLUMNS} FROM records LEFT JOIN persons USING (referral_id) WHERE {which}"  # noqa: S608
                " ORDER BY decided_at, release_id, side LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_record(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            book = self._opened()
            book.execute("BEGIN IMMEDIATE")
            try:
                yield book
                book.execute("COMMIT")
            except BaseException:
                if book.in_transaction:
                    book.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", None)
            raise BookFileError(self.path, name if isinstance(name, str) else type(error).__name__) from None
        except OSError as error:
            raise BookFileError(self.path, error.strerror or type(error).__name__) from None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            create_private(self.path, _create)
            connection = _connect(self.path)
            # A commit returns once its bytes are on the disk, and what is removed is overwritten.
            for pragma in ("synchronous = FULL", "fullfsync = ON", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if version != _FORMAT:
                connection.close()
                raise BookFileError(self.path, f"format {version}, not {_FORMAT}")
            self._connection = connection
        return self._connection


def _connect(path: Path) -> sqlite3.Connection:
    # Transactions are begun and ended here by hand, so that each reaches exactly as far as its `with`.
    return sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)


def _create(draft: Path) -> None:
    connection = _connect(draft)
    try:
        connection.executescript(_SCHEMA)
    finally:
        connection.close()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _row(record: ProvisionRecord) -> tuple[str | None, ...]:
    facts, other = record.facts, record.counterpart
    return (
        record.side,
        facts.release_id,
        facts.referral_id,
        facts.section_id,
        facts.category,
        facts.purpose,
        facts.recipient,
        facts.statement_id,
        _text(facts.decided_at),
        other.agency_id,
        other.name,
        other.kind,
        other.legal_status,
        other.address,
        other.representative,
        _text(record.recorded_at),
        None if record.reported_at is None else _text(record.reported_at),
    )


def _record(row: tuple[str, ...]) -> ProvisionRecord:
    (side, release_id, referral_id, section_id, category, purpose, recipient, statement_id, decided_at) = row[:9]
    (agency_id, name, kind, legal_status, address, representative, recorded_at, reported_at, person, how) = row[9:]
    return ProvisionRecord(
        ProvisionSide(side),
        AgreedFacts(
            release_id,
            referral_id,
            section_id,
            Category(category),
            Purpose(purpose),
            recipient,
            statement_id,
            datetime.fromisoformat(decided_at),
        ),
        Counterpart(agency_id, name, AgencyKind(kind), legal_status, address, representative),
        datetime.fromisoformat(recorded_at),
        person,
        Acquisition(how) if how else None,
        datetime.fromisoformat(reported_at) if reported_at else None,
    )
