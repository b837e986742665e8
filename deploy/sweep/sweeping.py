"""The sweep itself: every topic, every table, every file, each searched for every spelling."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError
from confluent_kafka.admin import AdminClient

from deploy.access import KafkaAccess, PostgresAccess
from deploy.blocking import run_blocking
from deploy.provisioning.databases import connect
from deploy.sweep.segments import unpacked_batches
from deploy.sweep.spellings import Spelling, Value, spellings
from services.eventing.wire import forgive_header_names

_BLOCK_BYTES = 8 * 1024 * 1024
_ZEROS = bytes(_BLOCK_BYTES)
_ROWS = 500
_RECORDS = 500
_SECONDS = 20.0

Piece = tuple[str, bytes]
"""Where something stands, and its bytes."""


@dataclass(frozen=True, slots=True)
class Places:
    """What is swept: Kafka as its administrator sees it, databases as their owners do, whole folders."""

    kafka: KafkaAccess
    databases: Mapping[str, PostgresAccess]
    folders: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Finding:
    """A value that stands somewhere: the value's name (not the value), how it is written, and where."""

    value: str
    way: str
    where: str


def sweep(values: Mapping[str, Value], places: Places) -> list[Finding]:
    """Search everywhere for these values, given by name.

    Not seen: large columns of rows that were deleted, which PostgreSQL keeps compressed until it vacuums.
    Raises ValueError for values too short, `CannotUnpackError` for records that cannot be read.
    """
    wanted = spellings(values)
    found = run_blocking(_search_topics(wanted, places.kafka))
    for name, database in places.databases.items():
        found += run_blocking(_search_tables(wanted, name, database))
    return found + _search_folders(wanted, places.folders)


def sweep_folders(values: Mapping[str, Value], folders: Sequence[Path]) -> list[Finding]:
    """Search only the files in these folders, as `sweep` does."""
    return _search_folders(spellings(values), folders)


def _search_folders(wanted: Sequence[Spelling], folders: Sequence[Path]) -> list[Finding]:
    found: list[Finding] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                found += _search_file(wanted, path, folder)
    return found


def _search(wanted: Sequence[Spelling], pieces: Iterable[Piece]) -> list[Finding]:
    found: list[Finding] = []
    for where, content in pieces:
        lowered = content.lower()
        found += [Finding(one.value, one.way, where) for one in wanted if one.pattern in lowered]
    return found


def _search_file(wanted: Sequence[Spelling], path: Path, folder: Path) -> list[Finding]:
    name = f"file {path.relative_to(folder.parent)}"
    try:
        found = _search_blocks(wanted, path, name)
        if path.suffix == ".log" and path.stem.isdecimal():
            unpacked = ((f"segment {name[5:]} batch {offset}", batch) for offset, batch in unpacked_batches(path))
            found += _search(wanted, unpacked)
    except FileNotFoundError:
        return []  # servers remove files of theirs at any time
    return found


def _search_blocks(wanted: Sequence[Spelling], path: Path, name: str) -> list[Finding]:
    overlap = max(len(one.pattern) for one in wanted)
    found: dict[tuple[str, str], Finding] = {}
    before, start, lines = b"", 0, 1
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            # Servers keep room free in advance: zeros are the greater part of what they have.
            empty = _ZEROS.startswith(block)
            content = before + (block[:overlap] if empty else block)
            lowered = content.lower()
            for one in wanted:
                at = lowered.find(one.pattern)
                if at >= 0 and (one.value, one.way) not in found:
                    line = lines + content.count(b"\n", 0, at)
                    where = f"{name} byte {start - len(before) + at} line {line}"
                    found[one.value, one.way] = Finding(one.value, one.way, where)
            start += len(block)
            before = (block if empty and len(block) > overlap else content)[-overlap:]
            lines += content.count(b"\n", 0, len(content) - len(before))
    return list(found.values())


async def _search_topics(wanted: Sequence[Spelling], kafka: KafkaAccess) -> list[Finding]:
    found: list[Finding] = []
    async for pieces in _records(kafka):
        found += _search(wanted, pieces)
    return found


async def _records(kafka: KafkaAccess) -> AsyncIterator[list[Piece]]:
    """Every record of every topic, those of Kafka itself included: key, value and headers as clients get them.

    Not by librdkafka's Python client, which crashes on a header whose name is no UTF-8; anybody may send one.
    """
    forgive_header_names()
    there = AdminClient(kafka.librdkafka()).list_topics(timeout=_SECONDS).topics
    partitions = [TopicPartition(name, number) for name, topic in there.items() for number in topic.partitions]
    async with AIOKafkaConsumer(
        **kafka.aiokafka(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while unread := [each for each in partitions if await consumer.position(each) < ends[each]]:
            taken = await consumer.getmany(*unread, timeout_ms=int(_SECONDS * 1000), max_records=_RECORDS)
            if not taken:
                raise KafkaTimeoutError(f"nothing more of {unread} in {_SECONDS:.0f} s")
            yield [
                (f"topic {each.topic}[{each.partition}]@{record.offset}", _content(record))
                for each, records in taken.items()
                for record in records
            ]


def _content(record: ConsumerRecord[bytes, bytes]) -> bytes:
    headers = [part for header in record.headers for part in header]
    return b"\n".join(_bytes(part) for part in (record.key, record.value, *headers))


async def _search_tables(wanted: Sequence[Spelling], name: str, database: PostgresAccess) -> list[Finding]:
    found: list[Finding] = []
    async for pieces in _cells(name, database):
        # One search in all of them together tells whether it is worth looking at each.
        if _search(wanted, [("", b"\n".join(content for _, content in pieces))]):
            found += _search(wanted, pieces)
    return found


async def _cells(name: str, database: PostgresAccess) -> AsyncIterator[list[Piece]]:
    """Every column of every row of every table, some rows at a time."""
    tables = """
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    """
    async with connect(database) as connection, connection.transaction(readonly=True):
        for table in [row["name"] for row in await connection.fetch(tables)]:
            cursor = await connection.cursor(f"SELECT ctid AS place_of_row, * FROM {table}")  # noqa: S608 - quoted by the server
            while rows := await cursor.fetch(_ROWS):
                yield [
                    (f"table {name}.{table} row {row['place_of_row']} column {column}", _bytes(value))
                    for row in rows
                    for column, value in row.items()
                    if value is not None
                ]


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return b"" if value is None else str(value).encode("utf-8", "surrogateescape")
