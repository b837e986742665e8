"""The file of an agency's offline queue: what was put is on the disk, in its order, and one program sends at a time.

`queue.sqlite3`    the messages as signed, never anything in clear; a message's bytes leave it once Kafka has them
`queue.lock`       held by whoever is sending; the system lets go of it when that program dies, however it dies
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from tsunagu_agency.errors import QueueFileError, QueueFullError
from tsunagu_agency.files import create_private
from tsunagu_agency.outgoing import OutgoingMessage
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.messages import AgencyMessage

_FORMAT = 1
"""What `user_version` says of a file that this module reads."""

_SCHEMA = f"""
PRAGMA journal_mode = WAL;
CREATE TABLE messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    referral_id TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    manifest_digest TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    put_at TEXT NOT NULL,
    raw BLOB
);
CREATE INDEX messages_waiting ON messages (position, size, put_at) WHERE state = 'queued';
PRAGMA user_version = {_FORMAT};
"""

_PATIENCE_SECONDS = 30.0
"""How long a transaction waits for another program's; each takes milliseconds."""


class MessageState(StrEnum):
    """How far a message has come: on this disk, in Kafka, and what the network's inbox said of it."""

    QUEUED = "queued"
    PUBLISHED = "published"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """Where a message stands; `code` is the network's reason where it was refused."""

    message_id: str
    referral_id: str
    state: MessageState
    code: RefusalCode | None
    put_at: datetime


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How much may wait at once, in messages and bytes, and of how many sent messages the state is remembered."""

    messages: int = 10_000
    size: int = 256 * 1024 * 1024
    remembered: int = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be sent: how many messages and bytes, and when the first of them was put."""

    messages: int
    size: int
    since: datetime | None


class QueueFile:
    """The messages of one agency on its disk; used by one thread, while other programs may use the same folder.

    Everything raises `QueueFileError` when the disk or the file fails.
    """

    def __init__(self, folder: Path, limits: QueueLimits) -> None:
        """Name the folder; the files are made and opened when they are first needed."""
        self.path = folder / "queue.sqlite3"
        self._lock_path = folder / "queue.lock"
        self._limits = limits
        self._messages: sqlite3.Connection | None = None
        self._lock: sqlite3.Connection | None = None

    def put(self, message: OutgoingMessage, now: datetime) -> MessageStatus:
        """Queue a message behind all others; it is on the disk when this returns.

        A message that was put before stays where and what it is. Raises `QueueFullError`; refuses with
        `duplicate_id` other bytes under the same id.
        """
        seal, size = digest(message.raw), len(message.raw)
        with self._transaction() as messages:
            known = messages.execute(
                "SELECT digest FROM messages WHERE message_id = ?", (message.message_id,)
            ).fetchone()
            if known is None:
                self._require_room(messages, message.message_id, size)
                manifest = digest(AgencyMessage.parse(message.raw).manifest)
                messages.execute(
                    "INSERT INTO messages (message_id, referral_id, digest, manifest_digest, size, state, put_at, raw)"
                    " VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)",
                    (message.message_id, message.referral_id, seal, manifest, size, now.isoformat(), message.raw),
                )
            elif known != (seal,):
                raise Refusal(RefusalCode.DUPLICATE_ID)
            [status] = _statuses(messages, "message_id = ?", message.message_id)
        return status

    def backlog(self) -> Backlog:
        """Return how much waits."""
        with self._transaction() as messages:
            return _backlog(messages)

    def first(self) -> OutgoingMessage | None:
        """Return the message that was put first of those that wait; None where none waits."""
        with self._transaction() as messages:
            row = messages.execute(
                "SELECT message_id, referral_id, raw FROM messages WHERE state = 'queued' ORDER BY position LIMIT 1"
            ).fetchone()
        return None if row is None else OutgoingMessage(*row)

    def note_published(self, message_id: str) -> None:
        """Note that Kafka has acknowledged a message; its bytes are no longer kept here."""
        with self._transaction() as messages:
            messages.execute(
                "UPDATE messages SET state = 'published', raw = NULL WHERE message_id = ? AND state = 'queued'",
                (message_id,),
            )
            messages.execute(
                "DELETE FROM messages WHERE state != 'queued'"
                " AND position <= (SELECT position FROM messages WHERE message_id = ?) - ?",
                (message_id, self._limits.remembered),
            )

    def note_accepted(self, manifest_digest: str) -> MessageStatus | None:
        """Note that the network has acted on the message with this manifest; None where it is not one of ours."""
        return self._decided("manifest_digest = ?", manifest_digest, MessageState.ACCEPTED, None)

    def note_refused(self, message_digest: str, code: RefusalCode) -> MessageStatus | None:
        """Note that the network has refused the message of exactly these bytes; None where it is not one of ours."""
        return self._decided("digest = ?", message_digest, MessageState.REFUSED, code)

    def status(self, message_id: str) -> MessageStatus | None:
        """Return where a message stands; None where it was never put or is no longer remembered."""
        with self._transaction() as messages:
            return next(iter(_statuses(messages, "message_id = ?", message_id)), None)

    def statuses(self) -> list[MessageStatus]:
        """Return where every message stands that waits or is remembered, in the order in which they were put."""
        with self._transaction() as messages:
            return _statuses(messages, "TRUE")

    def claim(self) -> bool:
        """Try to become the one that sends; False while another one is."""
        with self._faults():
            if self._lock is None:
                create_private(self._lock_path, lambda draft: None)
                self._lock = _connect(self._lock_path, patience=0)
            try:
                self._lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    return False
                raise
        return True

    def release(self) -> None:
        """Let another one send; without effect where nothing was claimed."""
        if self._lock is not None and self._lock.in_transaction:
            self._lock.execute("ROLLBACK")

    def close(self) -> None:
        """Close the files; they are opened again when they are needed again."""
        self.release()
        for connection in (self._lock, self._messages):
            if connection is not None:
                connection.close()
        self._lock = self._messages = None

    def _require_room(self, messages: sqlite3.Connection, message_id: str, size: int) -> None:
        waiting = _backlog(messages)
        if waiting.messages >= self._limits.messages or waiting.size + size > self._limits.size:
            raise QueueFullError(message_id, waiting.messages, waiting.size)

    def _decided(self, which: str, value: str, state: MessageState, code: RefusalCode | None) -> MessageStatus | None:
        """Note the network's word; also of a message that waits, for then a crash has hidden that it was published."""
        with self._transaction() as messages:
            # What has taken effect stays accepted, whatever is said of a second copy.
            messages.execute(
                f"UPDATE messages SET state = ?, code = ?, raw = NULL WHERE {which} AND state != 'accepted'",  # noqa: S608
                (state, code, value),
            )
            return next(iter(_statuses(messages, which, value)), None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._faults():
            messages = self._opened()
            messages.execute("BEGIN IMMEDIATE")
            try:
                yield messages
                messages.execute("COMMIT")
            except BaseException:
                if messages.in_transaction:
                    messages.execute("ROLLBACK")
                raise

    def _opened(self) -> sqlite3.Connection:
        if self._messages is None:
            create_private(self.path, _create)
            connection = _connect(self.path, patience=_PATIENCE_SECONDS)
            # Not in the file but of each connection: a commit returns once its bytes are on the disk.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if version != _FORMAT:
                connection.close()
                raise QueueFileError(self.path, f"format {version}, not {_FORMAT}")
            self._messages = connection
        return self._messages

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", None)
            raise QueueFileError(self.path, name if isinstance(name, str) else type(error).__name__) from None
        except OSError as error:
            raise QueueFileError(self.path, error.strerror or type(error).__name__) from None


def _connect(path: Path, *, patience: float) -> sqlite3.Connection:
    # Transactions are begun and ended here by hand, so that each reaches exactly as far as its `with`.
    return sqlite3.connect(path, timeout=patience, isolation_level=None)


def _create(draft: Path) -> None:
    connection = _connect(draft, patience=_PATIENCE_SECONDS)
    try:
        connection.executescript(_SCHEMA)
    finally:
        connection.close()


def _backlog(messages: sqlite3.Connection) -> Backlog:
    # Beside min(), SQLite takes a bare column from the row where the minimum is.
    count, size, _, since = messages.execute(
        "SELECT count(*), coalesce(sum(size), 0), min(position), put_at FROM messages WHERE state = 'queued'"
    ).fetchone()
    return Backlog(count, size, None if since is None else datetime.fromisoformat(since))


def _statuses(messages: sqlite3.Connection, which: str, *values: str) -> list[MessageStatus]:
    rows = messages.execute(
        f"SELECT message_id, referral_id, state, code, put_at FROM messages WHERE {which} ORDER BY position",  # noqa: S608
        values,
    )
    return [
        MessageStatus(
            message_id,
            referral_id,
            MessageState(state),
            None if code is None else RefusalCode(code),
            datetime.fromisoformat(put_at),
        )
        for message_id, referral_id, state, code, put_at in rows
    ]
