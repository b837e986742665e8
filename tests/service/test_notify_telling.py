"""Notify on a real database: who finds what in their inbox, whatever is delivered again or at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.notify.domain import Message
from services.notify.storage import inbox_items, metadata
from services.notify.subscribers import batch_handler
from services.runtime import idempotency
from tests.builders.agency_messages import NOW
from tests.builders.said import Course, Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.events.notify import NotificationCreated

DESK, CLINIC = "chiyoda-desk-fujimi", "chiyoda-clinic-a"


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[ServiceBench]:
    """Notify on a fresh database."""
    async with service_bench("notify", make_database("notify").url, batch_handler()) as opened:
        yield opened


async def told(bench: ServiceBench) -> Counter[tuple[str, str, int]]:
    """How often each coordinator has each message about each version of a referral."""
    rows = await bench.rows(inbox_items)
    return Counter((row["coordinator_id"], row["message"], row["referral_version"]) for row in rows)


async def test_those_on_duty_are_told_of_a_delivery_and_the_sender_of_what_becomes_of_it(bench: ServiceBench) -> None:
    """The whole course of a referral puts each notice into the right inbox."""
    saying = Saying()
    course = Course(saying)
    await bench.handle(
        saying.appointed("c-0001", CLINIC), saying.appointed("c-0002", DESK), saying.appointed("c-0003", DESK)
    )
    await bench.handle(course.submitted(), course.awaiting_consent(), course.delivered())
    await bench.handle(course.accepted("c-0002"), course.completed())
    assert await told(bench) == {
        ("c-0001", Message.CONSENT_TO_ASK, 2): 1,
        ("c-0002", Message.REFERRAL_WAITS, 3): 1,
        ("c-0003", Message.REFERRAL_WAITS, 3): 1,
        ("c-0001", Message.REFERRAL_ACCEPTED, 4): 1,
        ("c-0001", Message.REFERRAL_COMPLETED, 5): 1,
    }


async def test_every_new_item_is_said_once_with_its_cause_and_nothing_personal(bench: ServiceBench) -> None:
    """notification.created names coordinator, referral and codes, and the version that brought it about."""
    saying = Saying()
    course = Course(saying)
    batch = [saying.appointed("c-0002", DESK), course.submitted(), course.delivered()]
    await bench.handle(*batch)
    await bench.handle(*batch)
    [event] = await bench.heard()
    assert isinstance(event.data, NotificationCreated)
    assert event.cause == f"referral:{course.referral_id}@2"
    assert event.data.model_dump(exclude={"notification_id"}) == {
        "coordinator_id": "c-0002",
        "agency_id": DESK,
        "referral_id": course.referral_id,
        "referral_version": 2,
        "message": "referral_waits",
        "parameters": {"referral_id": course.referral_id, "area": "chiyoda.fujimi", "urgency": "urgent"},
    }


async def test_an_appointment_that_arrives_after_the_delivery_it_covers_is_told_then(bench: ServiceBench) -> None:
    """The directory's events and referrals' come over different topics, in either order."""
    saying = Saying()
    course = Course(saying)
    await bench.handle(saying.appointed("c-0002", DESK), course.submitted(), course.delivered())
    await bench.handle(
        saying.appointed("c-0003", DESK), saying.appointed("c-0004", DESK, since=NOW + timedelta(days=1))
    )
    assert await told(bench) == {
        ("c-0002", Message.REFERRAL_WAITS, 2): 1,
        ("c-0003", Message.REFERRAL_WAITS, 2): 1,
    }


async def test_someone_appointed_after_the_referral_was_taken_up_is_not_told(bench: ServiceBench) -> None:
    """What no longer waits is not announced as waiting."""
    saying = Saying()
    course = Course(saying)
    await bench.handle(saying.appointed("c-0002", DESK), course.submitted(), course.delivered())
    await bench.handle(course.accepted("c-0002"))
    await bench.handle(saying.appointed("c-0003", DESK))
    assert {coordinator for coordinator, *_ in await told(bench)} == {"c-0002"}


async def test_a_coordinator_whose_appointment_has_ended_is_not_told(bench: ServiceBench) -> None:
    """An end that stands in the same batch as the delivery counts by its time."""
    saying = Saying()
    course = Course(saying)
    left = saying.appointed("c-0002", DESK)
    stays = saying.appointed("c-0003", DESK)
    await bench.handle(left, stays, saying.ended(left, NOW), course.submitted(), course.delivered())
    assert {coordinator for coordinator, *_ in await told(bench)} == {"c-0003"}


async def test_two_handlers_racing_on_the_same_items_tell_everyone_once(
    bench: ServiceBench, make_database: MakeDatabase
) -> None:
    """Inbox rows serialise the two; the second finds every notice there already."""
    saying = Saying()
    courses = [Course(saying) for _ in range(40)]
    people = [saying.appointed(f"c-{number:04}", DESK) for number in range(2, 8)]
    people += [saying.appointed("c-0001", CLINIC)]
    batch = [item for course in courses for item in (course.submitted(), course.delivered(), course.declined())]
    await bench.handle(*people)
    await asyncio.gather(*(bench.handle(*batch) for _ in range(2)), bench.handle(*reversed(batch)))
    counted = await told(bench)
    assert sum(counted.values()) == 40 * 7
    created = [event.data for event in await bench.heard() if isinstance(event.data, NotificationCreated)]
    assert len(created) == len({(data.referral_id, data.coordinator_id) for data in created}) == 40 * 7


async def test_the_numbers_of_an_inbox_rise_and_never_repeat(bench: ServiceBench) -> None:
    """Whoever resumes after a number misses nothing, though redelivery leaves numbers unused."""
    saying = Saying()
    await bench.handle(saying.appointed("c-0002", DESK))
    for _ in range(3):
        course = Course(saying)
        batch = [course.submitted(), course.delivered()]
        await bench.handle(*batch)
        await bench.handle(*batch)
    numbers = [row["number"] for row in await bench.rows(inbox_items)]
    assert len(numbers) == 3
    assert numbers == sorted(set(numbers))


async def test_a_failed_batch_leaves_neither_item_nor_event(bench: ServiceBench) -> None:
    """Inbox and outbox are one transaction."""
    saying = Saying()
    course = Course(saying)
    batch = [saying.appointed("c-0002", DESK), course.submitted(), course.delivered()]

    async def handle_and_fail() -> None:
        async with bench.database.work() as work:
            await bench.handler(work, batch)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await handle_and_fail()
    assert await told(bench) == {}
    assert await bench.heard() == []


async def test_the_migrations_make_what_the_tables_say(bench: ServiceBench) -> None:
    """A table changed without a migration is noticed here."""
    assert await bench.differences(metadata, idempotency.metadata) == []
