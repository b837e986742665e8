"""Batches of audit: one reading and one writing, and what is done where that cannot be."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from services.audit.storage.tables import accesses, findings, log_entries, read_events
from services.eventing.positions import PositionLost
from services.eventing.records import Item
from tests.builders.audit_bench import AuditBench, audit_bench
from tests.builders.batches import statements_of
from tests.builders.said import Course, Saying
from tests.infra.databases import MakeDatabase


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[AuditBench]:
    """Audit on a fresh database."""
    async with audit_bench(make_database("audit").url) as opened:
        yield opened


def openings(saying: Saying, count: int) -> list[Item]:
    """So many referrals, in each of which the desk opens a section."""
    courses = [Course(saying) for _ in range(count)]
    return [item for course in courses for item in (course.submitted(), course.opened(f"r-{course.referral_id}", 1))]


async def test_a_batch_of_sixty_is_one_reading_and_one_writing_as_one_of_two_is(bench: AuditBench) -> None:
    """Database work goes per batch and not per event."""
    saying = Saying()
    async with statements_of(bench.database) as statements:
        # With its first batch the driver learns the types of the columns.
        await bench.handle(*openings(saying, 1))
        for count in (1, 30):
            items = openings(saying, count)
            positions = await bench.positions(*items)
            statements.clear()
            await bench.take(positions, *items)
            reading, writing = statements
            assert "INSERT" not in reading
            for table in ("log_entries", "read_events", "referral_scopes", "accesses", "consumed_positions"):
                assert f"INSERT INTO {table}" in writing
    assert len(await bench.rows(log_entries)) == 64
    assert await bench.rows(findings) == []


async def test_what_is_in_the_log_already_is_passed_over_and_the_rest_is_kept(bench: AuditBench) -> None:
    """A batch that overlaps with what was kept, whatever the positions say, adds only what is new."""
    items = openings(Saying(), 5)
    await bench.handle(*items[:4])
    await bench.handle(*items)
    assert len(await bench.rows(log_entries)) == len(await bench.rows(read_events)) == len(items)
    assert len(await bench.rows(accesses)) == 5
    assert await bench.rows(findings) == []


async def test_two_replicas_that_take_the_same_batch_keep_it_once(bench: AuditBench) -> None:
    """The one whose positions have moved meanwhile is told so, and the log has what the other kept."""
    items = openings(Saying(), 20)
    replicas = [await bench.positions(*items) for _ in range(3)]
    ends = await asyncio.gather(*(bench.take(positions, *items) for positions in replicas), return_exceptions=True)
    assert sorted(str(type(end)) for end in ends) == sorted(map(str, (type(None), PositionLost, PositionLost)))
    assert len(await bench.rows(log_entries)) == len(await bench.rows(read_events)) == len(items)
    assert await bench.rows(findings) == []


async def test_an_event_that_a_table_does_not_take_is_kept_among_others_that_are_read(bench: AuditBench) -> None:
    """It is a finding; those before and behind it are read."""
    saying = Saying()
    before, after = openings(saying, 3), openings(saying, 3)
    odd = Course(saying).submitted()
    assert odd.event is not None
    async with bench.database.engine.begin() as connection:
        await connection.execute(
            sa.text("""
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'not this one'; END $$
            """)
        )
        await connection.execute(
            sa.text(f"""
                CREATE TRIGGER odd BEFORE INSERT ON read_events FOR EACH ROW
                WHEN (new.aggregate = '{odd.event.aggregate}') EXECUTE FUNCTION refuse()
            """)
        )
    await bench.handle(*before, odd, *after)
    assert odd.record.value in [row["value"] for row in await bench.rows(log_entries)]
    assert [(row["kind"], row["offset"]) for row in await bench.rows(findings)] == [
        ("not_interpreted", odd.record.offset)
    ]
    assert len(await bench.rows(log_entries)) == 13
    assert len(await bench.rows(read_events)) == 12
    assert len(await bench.rows(accesses)) == 6
