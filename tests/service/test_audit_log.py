"""The log on a real database: exact bytes, whatever they are, once, and never lost for what is read out of them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from services.audit.storage.tables import accesses, findings, log_entries, metadata, read_events, referral_scopes
from services.eventing.records import Item, Record
from tests.builders.agency_messages import IDS
from tests.builders.audit_bench import AuditBench, audit_bench
from tests.builders.said import Course, Saying
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.encoding import digest


@pytest.fixture(params=[True, False], ids=["at once", "in a transaction"])
async def bench(make_database: MakeDatabase, request: pytest.FixtureRequest) -> AsyncIterator[AuditBench]:
    """Audit on a fresh database: whichever way a batch is done, it comes to the same."""
    async with audit_bench(make_database("audit").url, at_once=request.param) as opened:
        yield opened


def course_of_a_referral(saying: Saying) -> list[Item]:
    """A referral from its submission to its end, with two openings and a refusal."""
    course = Course(saying)
    record_id = IDS.new()
    return [
        course.submitted(),
        course.delivered(),
        course.opened(record_id, 1),
        course.refused(),
        course.opened(record_id, 2),
        course.accepted("c-0002"),
        course.completed(),
    ]


async def found(bench: AuditBench) -> list[tuple[str, str]]:
    """What was found wrong: kind and code."""
    return [(row["kind"], row["code"]) for row in await bench.rows(findings)]


async def kept(bench: AuditBench) -> list[bytes | None]:
    """The values in the log, by topic and offset."""
    return [row["value"] for row in await bench.rows(log_entries)]


ODD = [
    pytest.param(b"\xff\xfe\x00 not UTF-8 \xc3\x28", id="invalid UTF-8"),
    pytest.param(b"", id="empty"),
    pytest.param(None, id="tombstone"),
    pytest.param(b"{", id="broken JSON"),
    pytest.param(b'{"type":"unheard.of.v1"}', id="unknown type"),
    pytest.param(bytes(range(256)) * 2000, id="half a megabyte of every byte"),
]


@pytest.mark.parametrize("value", ODD)
async def test_whatever_arrives_is_kept_byte_for_byte_with_its_headers(bench: AuditBench, value: bytes | None) -> None:
    """Bytes that are no event neither stop nor park anything, and headers keep their order and doubles."""
    saying = Saying()
    headers: tuple[tuple[str, bytes | None], ...] = (
        ("traceparent", b"\x00\xff"),
        ("traceparent", b"again"),
        ("名前", None),
        ("nul\x00", b""),
    )
    odd = Item(saying.record("referral.events", b"\xff\x00key", value, headers), None)
    before, after = course_of_a_referral(saying), course_of_a_referral(saying)
    await bench.handle(*before, odd, *after)
    [row] = [row for row in await bench.rows(log_entries) if row["key"] == b"\xff\x00key"]
    assert row["value"] == value
    assert (row["topic"], row["partition"], row["offset"]) == ("referral.events", 0, odd.record.offset)
    assert row["timestamp_ms"] == odd.record.timestamp_ms
    assert [(name, encoded and base64.b64decode(encoded)) for name, encoded in json.loads(row["headers"])] == [
        ("traceparent", b"\x00\xff"),
        ("traceparent", b"again"),
        ("名前", None),
        ("nul\x00", ""),
    ]
    assert [kind for kind, _ in await found(bench)] == ["undecodable"]
    assert len(await bench.rows(accesses)) == 6


async def test_every_event_is_kept_as_received_and_read(bench: AuditBench) -> None:
    """The bytes in the log are those of Kafka, and the accesses are those of the events."""
    items = course_of_a_referral(Saying())
    await bench.handle(*items)
    assert sorted(value for value in await kept(bench) if value) == sorted(item.record.value for item in items)
    rows = await bench.rows(accesses)
    assert sorted(row["outcome"] for row in rows) == ["granted", "granted", "refused"]
    [scope] = await bench.rows(referral_scopes)
    assert (scope["version"], scope["state"]) == (4, "completed")
    assert await found(bench) == []


async def test_a_batch_delivered_again_changes_nothing(bench: AuditBench) -> None:
    """Position and release id make every repetition harmless."""
    items = course_of_a_referral(Saying())
    await bench.handle(*items)
    tables = (log_entries, read_events, accesses, referral_scopes)
    before = [await bench.rows(table) for table in tables]
    await bench.handle(*items)
    assert [await bench.rows(table) for table in tables] == before
    assert await found(bench) == []


async def test_two_handlers_racing_on_the_same_items_keep_each_once(bench: AuditBench) -> None:
    """The log's key serialises them; neither fails."""
    saying = Saying()
    items = [item for _ in range(30) for item in course_of_a_referral(saying)]
    await asyncio.gather(*(bench.handle_in_transaction(*items[::step]) for step in (1, -1, 1, -1)))
    assert len(await bench.rows(log_entries)) == len(items)
    assert len(await bench.rows(accesses)) == 90


async def test_an_event_published_twice_is_kept_twice_and_counted_once(bench: AuditBench) -> None:
    """A republished event stands at another offset: both are in the log, the access is one."""
    saying = Saying()
    items = course_of_a_referral(saying)
    again = [
        Item(saying.record(item.record.topic, item.record.raw_key, item.record.value), item.event) for item in items
    ]
    await bench.handle(*items)
    await bench.handle(*again)
    assert len(await kept(bench)) == 2 * len(items)
    assert len(await bench.rows(accesses)) == 3
    assert await found(bench) == []


async def test_a_projection_that_fails_for_one_event_loses_neither_it_nor_its_neighbours(bench: AuditBench) -> None:
    """The raw event is kept, the failure is a finding, everything else is read."""
    async with bench.database.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE accesses ADD CHECK (outcome <> 'refused')"))
    items = course_of_a_referral(Saying())
    await bench.handle(*items)
    assert len(await kept(bench)) == len(items)
    assert await found(bench) == [("not_interpreted", "IntegrityError")]
    assert [row["outcome"] for row in await bench.rows(accesses)] == ["granted", "granted"]
    assert len(await bench.rows(read_events)) == len(items) - 1


async def test_a_gap_and_a_wrong_predecessor_are_found(bench: AuditBench) -> None:
    """The chain is checked across batches, and what breaks it is kept all the same."""
    saying = Saying()
    course = Course(saying)
    first, lost, third = course.submitted(), course.delivered(), course.declined()
    await bench.handle(first)
    await bench.handle(third)
    assert await found(bench) == [("version_gap", f"referral:{course.referral_id}@3")]
    await bench.handle(lost)
    assert len(await found(bench)) == 1
    forger = Saying(_heads={f"referral:{course.referral_id}": (3, digest(b"other"))}, _offsets=saying._offsets)
    await bench.handle(Course(forger, referral_id=course.referral_id).completed())
    assert (await found(bench))[1:] == [("previous_mismatch", f"referral:{course.referral_id}@4")]
    assert len(await kept(bench)) == 4


async def test_a_version_said_anew_with_other_bytes_is_found(bench: AuditBench) -> None:
    """Two different events as one version of an aggregate are both kept, and noticed."""
    saying = Saying()
    course = Course(saying)
    await bench.handle(course.submitted())
    twin = Course(Saying(_offsets=saying._offsets), referral_id=course.referral_id)
    await bench.handle(twin.submitted())
    assert await found(bench) == [("version_rewritten", f"referral:{course.referral_id}@1")]
    assert len(await kept(bench)) == 2


async def test_other_bytes_at_a_position_that_is_taken_are_found(bench: AuditBench) -> None:
    """A topic that was made anew cannot replace what the log holds."""
    saying = Saying()
    item = Course(saying).submitted()
    await bench.handle(item)
    other = Item(replace(item.record, value=b"something else"), None)
    await bench.handle(other)
    assert await kept(bench) == [item.record.value]
    assert await found(bench) == [("position_reused", digest(b"something else"))]


@pytest.mark.parametrize(
    "statement", ["UPDATE log_entries SET value = ''", "DELETE FROM log_entries", "TRUNCATE log_entries"]
)
async def test_the_log_can_only_be_added_to(bench: AuditBench, statement: str) -> None:
    """Even the service's own role cannot change or remove an entry by mistake."""
    await bench.handle(Course(Saying()).submitted())
    with pytest.raises(DBAPIError, match="only ever added to"):
        async with bench.database.engine.begin() as connection:
            await connection.execute(sa.text(statement))
    assert len(await kept(bench)) == 1


async def test_when_the_database_fails_the_whole_batch_is_taken_again(bench: AuditBench) -> None:
    """A failure that says nothing about an event is no finding: it is raised, and nothing is kept."""
    items = course_of_a_referral(Saying())
    # Audit's own role waits no longer for a lock, of which one is held where the last of its writing goes.
    async with bench.database.engine.begin() as connection:
        await connection.execute(sa.text("ALTER ROLE CURRENT_USER SET statement_timeout = 200"))
    await bench.database.engine.dispose()
    async with bench.database.engine.begin() as connection:
        await connection.execute(sa.text("LOCK TABLE accesses"))
        with pytest.raises((DBAPIError, asyncpg.QueryCanceledError)):
            await bench.handle(*items)
    assert await kept(bench) == []
    await bench.handle(*items)
    assert await found(bench) == []


async def test_the_migrations_make_what_the_tables_say(bench: AuditBench) -> None:
    """A table changed without a migration is noticed here."""
    assert await bench.differences(metadata) == []


def test_a_record_of_kafka_keeps_what_handlers_do_not_read() -> None:
    """A key that is not UTF-8, a null value and a null header survive on the way to the log."""
    record = Record("t", 0, 1, None, b"", (("h", None),), 0, raw_key=b"\xff", tombstone=True)
    assert (record.raw_key, record.tombstone, record.traceparent) == (b"\xff", True, None)
