"""What an agency is to do for a person: told to those on duty, in the end to their supervisor, and never of whom."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.eventing.records import Item
from services.notify.api import router
from services.notify.duties import RULES
from services.notify.storage import inbox_items
from services.notify.stream import InboxStream
from services.notify.subscribers import batch_handler
from services.notify.wakeups import Wakeups
from tests.builders.agency_messages import IDS, NOW
from tests.builders.said import Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tests.service.bad_input.lanes import golden
from tsunagu_contracts.codes import Role
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import (
    ConsentRequested,
    GrantRenewalDue,
    ObligationEnded,
    ObligationIncurred,
    ObligationOverdue,
    RequestLapsed,
    RequestReminded,
    ReviewOpened,
)
from tsunagu_contracts.events.directory import AppointmentGranted
from tsunagu_contracts.events.notify import NotificationCreated

DESK, CLINIC = "chiyoda-desk-fujimi", "chiyoda-clinic-a"
RECORD = IDS.new()


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[ServiceBench]:
    """Notify with a worker and a supervisor at the desk and a worker elsewhere."""
    async with service_bench("notify", make_database("notify").url, batch_handler()) as opened:
        saying = Saying()
        supervisor = saying.appointed("c-0080", DESK)
        assert supervisor.event is not None
        assert isinstance(supervisor.event.data, AppointmentGranted)
        above = supervisor.event.data.model_copy(update={"role": Role.SUPERVISOR, "appointment_id": "ap-0080"})
        people = [saying.appointed("c-0002", DESK), saying.appointed("c-0001", CLINIC)]
        await opened.handle(saying.say("appointment:ap-0080", above), *people)
        yield opened


def said(saying: Saying, kind: type[EventData], **changes: object) -> Item:
    """The next event of the person's record, after the committed example, about the desk."""
    return saying.say(f"record:{RECORD}", golden(kind, record_id=RECORD, agency_id=DESK, **changes))


async def told(bench: ServiceBench) -> list[tuple[str, str]]:
    """Who was told what."""
    return sorted((row["coordinator_id"], row["message"]) for row in await bench.rows(inbox_items))


async def test_those_on_duty_are_told_and_in_the_end_their_supervisor(bench: ServiceBench) -> None:
    """Each duty is told to the workers of its agency; what nobody answered in time to the supervisor too."""
    saying = Saying()
    overdue = {"referral_id": IDS.new()}
    kinds: list[type[EventData]] = [
        ObligationIncurred,
        ConsentRequested,
        RequestReminded,
        RequestLapsed,
        GrantRenewalDue,
        ReviewOpened,
    ]
    batch = [*(said(saying, kind) for kind in kinds), said(saying, ObligationOverdue, **overdue)]
    await bench.handle(*batch, said(saying, ObligationEnded))

    assert set(RULES) == {*kinds, ObligationOverdue}
    assert await told(bench) == [
        ("c-0002", "change_to_review"),
        ("c-0002", "grant_to_renew"),
        ("c-0002", "nobody_answered"),
        ("c-0002", "obligation_incurred"),
        ("c-0002", "obligation_overdue"),
        ("c-0002", "person_still_to_ask"),
        ("c-0002", "person_to_ask"),
        ("c-0080", "nobody_answered_escalated"),
        ("c-0080", "obligation_overdue_escalated"),
    ]


async def test_told_once_however_often_it_comes(bench: ServiceBench) -> None:
    """Redelivered, or handled by two at once, a duty makes one item; said again to others it makes theirs."""
    batch = [said(Saying(), ObligationIncurred)]
    for _ in range(2):
        await bench.handle(*batch)
        async with bench.database.work() as work:
            await bench.handler(work, batch)

    assert await told(bench) == [("c-0002", "obligation_incurred")]
    assert len([event for event in await bench.heard() if isinstance(event.data, NotificationCreated)]) == 1


async def test_an_item_names_the_duty_and_nobody(bench: ServiceBench) -> None:
    """It carries the referral, the duty's id and its date; the record's id stands in no item, event or answer."""
    duty, referral = IDS.new(), IDS.new()
    due = NOW + timedelta(days=3)
    await bench.handle(said(Saying(), ReviewOpened, request_id=duty, referral_id=referral, deadline=due))
    bench.call_as("coordinator:c-0002")
    wakeups = Wakeups(bench.database)
    stream = InboxStream(bench.database, bench.clock, wakeups, stopping=None, look_every=9, ends_after=9)  # type: ignore[arg-type]  # no stream is opened here
    async with bench.http(router(bench.database, bench.clock, stream)) as client:
        answer = await client.get("/inbox", headers={"Accept-Language": "en"})

    [item] = answer.json()["items"]
    assert item["parameters"] == {"referral_id": referral, "about": duty, "due_on": "2026-04-04"}
    assert "by 2026-04-04" in item["text"]
    [event] = await bench.heard()
    assert event.cause is None
    async with bench.database.reading() as session:
        outbox = [bytes(value).decode() for value in await session.scalars(sa.text("SELECT value FROM outbox"))]
    kept = [str(dict(row)) for row in await bench.rows(inbox_items)]
    assert not [text for text in (*outbox, *kept, answer.text) if RECORD in text]


async def test_where_only_a_supervisor_is_on_duty_they_are_told(bench: ServiceBench) -> None:
    """No duty goes unheard because nobody else is there."""
    saying = Saying()
    lonely = "chiyoda-lonely"
    granted = saying.appointed("c-0070", lonely, appointment_id="ap-0070").event
    assert granted is not None
    assert isinstance(granted.data, AppointmentGranted)
    alone = granted.data.model_copy(update={"role": Role.SUPERVISOR, "appointment_id": "ap-0071"})
    await bench.handle(saying.say("appointment:ap-0071", alone))
    await bench.handle(saying.say(f"record:{RECORD}", golden(ReviewOpened, record_id=RECORD, agency_id=lonely)))

    assert await told(bench) == [("c-0070", "change_to_review")]
