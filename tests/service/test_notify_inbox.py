"""A coordinator's inbox over HTTP: pages that do not shift, a stream that resumes, acknowledgement."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi import APIRouter

from services.notify.api import router
from services.notify.storage import inbox_items
from services.notify.stream import InboxStream
from services.notify.subscribers import batch_handler
from services.notify.wakeups import Wakeups
from tests.builders.agency_messages import IDS, NOW
from tests.builders.said import Course, Saying
from tests.builders.service_bench import ServiceBench, service_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.events.notify import NotificationAcknowledged

DESK, CLINIC = "chiyoda-desk-fujimi", "chiyoda-clinic-a"
FAR_AWAY = 3600.0


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    """A fresh database of notify."""
    return make_database("notify").url


@pytest.fixture
async def bench(url: str) -> AsyncIterator[ServiceBench]:
    """Notify with one coordinator of the desk on duty."""
    async with service_bench("notify", url, batch_handler()) as opened:
        opened.call_as("coordinator:c-0002")
        yield opened


@pytest.fixture
def saying() -> Saying:
    """What the other services say in a test."""
    return Saying()


def routes(
    bench: ServiceBench,
    *,
    wakeups: Wakeups | None = None,
    look_every: float = FAR_AWAY,
    ends_after: float = FAR_AWAY,
    stopping: asyncio.Event | None = None,
) -> APIRouter:
    """The service's routes; without `wakeups` its streams only look by themselves."""
    stream = InboxStream(
        bench.database,
        bench.clock,
        wakeups or Wakeups(bench.database),
        stopping=stopping or asyncio.Event(),
        look_every=look_every,
        ends_after=ends_after,
    )
    return router(bench.database, bench.clock, stream)


async def deliver(bench: ServiceBench, saying: Saying, count: int = 1) -> list[str]:
    """Deliver referrals to the desk, one batch each; returns their ids."""
    courses = [Course(saying) for _ in range(count)]
    for course in courses:
        await bench.handle(course.submitted(), course.delivered())
    return [course.referral_id for course in courses]


async def enrol(bench: ServiceBench, saying: Saying) -> None:
    """Appoint two coordinators at the desk."""
    await bench.handle(saying.appointed("c-0002", DESK, appointment_id="ap-0002"), saying.appointed("c-0003", DESK))


@asynccontextmanager
async def listening(bench: ServiceBench) -> AsyncIterator[Wakeups]:
    """Wakeups of a replica, listening."""
    wakeups = Wakeups(bench.database)
    task = asyncio.create_task(wakeups.listen())
    try:
        async with asyncio.timeout(10):
            await wakeups.listening.wait()
        yield wakeups
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def read(lines: AsyncIterator[str], count: int) -> list[dict[str, object]]:
    """Read so many items from a stream, with the ids they were sent under."""
    items: list[dict[str, object]] = []
    ident = ""
    async with asyncio.timeout(10):
        async for line in lines:
            name, _, value = line.partition(": ")
            if name == "id":
                ident = value
            elif name == "data":
                items.append({**json.loads(value), "id": ident})
                if len(items) == count:
                    return items
    return items


async def test_an_item_is_told_in_the_readers_language(bench: ServiceBench, saying: Saying) -> None:
    """Japanese unless English is asked for; the codes stay the same."""
    await enrol(bench, saying)
    [referral_id] = await deliver(bench, saying)
    async with bench.http(routes(bench)) as client:
        japanese = (await client.get("/inbox")).json()
        english = (await client.get("/inbox", headers={"Accept-Language": "en"})).json()
    [item] = japanese["items"]
    assert item["text"] == "つなぎが届いています（富士見・急ぎ）。"
    assert english["items"][0]["text"] == "A referral waits for an answer (Fujimi, urgent)."
    assert item["message"] == "referral_waits"
    assert item["parameters"] == {"referral_id": referral_id, "area": "chiyoda.fujimi", "urgency": "urgent"}


async def test_pages_do_not_shift_when_new_items_come(bench: ServiceBench, saying: Saying) -> None:
    """Following `next` shows every item once, newest first, whatever arrives meanwhile."""
    await enrol(bench, saying)
    first = await deliver(bench, saying, 5)
    shown: list[str] = []
    cursor: dict[str, int] = {}
    async with bench.http(routes(bench)) as client:
        while True:
            page = (await client.get("/inbox", params={"limit": 2, **cursor})).json()
            shown += [item["referral_id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
            await deliver(bench, saying)
    assert shown == first[::-1]


async def test_only_ones_own_inbox_is_seen_and_only_while_on_duty(bench: ServiceBench, saying: Saying) -> None:
    """Another coordinator of the desk has items of their own; one without appointment has no inbox."""
    await enrol(bench, saying)
    await deliver(bench, saying)
    async with bench.http(routes(bench)) as client:
        own = (await client.get("/inbox")).json()["items"][0]["notification_id"]
        bench.call_as("coordinator:c-0003")
        others = (await client.get("/inbox")).json()["items"][0]["notification_id"]
        assert own != others
        bench.call_as("coordinator:c-0009")
        stranger = await client.get("/inbox")
        assert (stranger.status_code, stranger.json()["code"]) == (403, "appointment_not_valid")
        bench.call_as("system:chiyoda-desk-fujimi", DESK)
        machine = await client.get("/inbox")
        assert (machine.status_code, machine.json()["code"]) == (403, "not_permitted")


async def test_an_agency_that_vouches_for_a_coordinator_shows_its_own_items_only(
    bench: ServiceBench, saying: Saying
) -> None:
    """A coordinator with two agencies sees through each agency's system only that agency's items."""
    await enrol(bench, saying)
    await bench.handle(saying.appointed("c-0002", CLINIC))
    await deliver(bench, saying)
    async with bench.http(routes(bench)) as client:
        bench.call_as("coordinator:c-0002", CLINIC)
        assert (await client.get("/inbox")).json()["items"] == []
        bench.call_as("coordinator:c-0002", DESK)
        assert len((await client.get("/inbox")).json()["items"]) == 1


async def test_an_acknowledged_item_is_said_once_and_no_longer_unseen(bench: ServiceBench, saying: Saying) -> None:
    """Acknowledging again, with the same or another key, changes nothing."""
    await enrol(bench, saying)
    await deliver(bench, saying)
    await bench.heard()
    async with bench.http(routes(bench)) as client:
        ident = (await client.get("/inbox")).json()["items"][0]["notification_id"]
        for key in ("one", "one", "two"):
            answer = await client.post(f"/inbox/{ident}/acknowledge", headers={"Idempotency-Key": key})
            assert answer.status_code == 200
            assert answer.json()["acknowledged_at"] is not None
        assert (await client.get("/inbox", params={"unseen": True})).json()["items"] == []
    [event] = await bench.heard()
    assert isinstance(event.data, NotificationAcknowledged)
    assert (event.actor, event.version, event.data.notification_id) == ("coordinator:c-0002", 2, ident)
    assert event.appointment == "ap-0002"


async def test_two_acknowledgements_at_once_are_said_once(bench: ServiceBench, saying: Saying) -> None:
    """The row decides which of two requests it was."""
    await enrol(bench, saying)
    await deliver(bench, saying)
    await bench.heard()
    async with bench.http(routes(bench)) as client:
        ident = (await client.get("/inbox")).json()["items"][0]["notification_id"]
        answers = await asyncio.gather(
            *(client.post(f"/inbox/{ident}/acknowledge", headers={"Idempotency-Key": IDS.new()}) for _ in range(5))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len(await bench.heard()) == 1


async def test_what_is_not_in_ones_inbox_cannot_be_acknowledged(bench: ServiceBench, saying: Saying) -> None:
    """Another's item, an unknown one and a missing key are refused, and nothing is said."""
    await enrol(bench, saying)
    await deliver(bench, saying)
    others = [row["notification_id"] for row in await bench.rows(inbox_items) if row["coordinator_id"] == "c-0003"]
    await bench.heard()
    async with bench.http(routes(bench)) as client:
        for ident in (others[0], IDS.new()):
            answer = await client.post(f"/inbox/{ident}/acknowledge", headers={"Idempotency-Key": "k"})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        keyless = await client.post(f"/inbox/{others[0]}/acknowledge")
        assert (keyless.status_code, keyless.json()["code"]) == (400, "idempotency_key_missing")
    assert await bench.heard() == []


async def test_a_stream_shows_what_another_replica_put_in(bench: ServiceBench, saying: Saying, url: str) -> None:
    """PostgreSQL wakes the stream at the other replica's commit, long before it would look by itself."""
    await enrol(bench, saying)
    async with (
        service_bench("notify", url, batch_handler()) as replica,
        listening(bench) as wakeups,
        bench.served(routes(bench, wakeups=wakeups)) as client,
        client.stream("GET", "/inbox/stream") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        sent = await deliver(replica, saying, 3)
        items = await read(lines, 3)
    assert [item["referral_id"] for item in items] == sent
    assert [item["id"] for item in items] == [str(item["number"]) for item in items]


async def test_a_stream_resumes_after_the_last_item_seen(bench: ServiceBench, saying: Saying) -> None:
    """Last-Event-ID and `after` both say where to go on; nothing is missed and nothing repeated."""
    await enrol(bench, saying)
    sent = await deliver(bench, saying, 3)
    async with bench.served(routes(bench)) as client:
        latest = (await client.get("/inbox")).json()["latest"]
        async with client.stream("GET", "/inbox/stream", params={"after": 0}) as answer:
            first = await read(answer.aiter_lines(), 1)
        async with client.stream("GET", "/inbox/stream", headers={"Last-Event-ID": str(first[0]["id"])}) as answer:
            rest = await read(answer.aiter_lines(), 2)
        refused = await client.get("/inbox/stream", headers={"Last-Event-ID": "x"})
    assert [item["referral_id"] for item in first + rest] == sent
    assert rest[-1]["number"] == latest
    assert refused.json()["code"] == "invalid_content"


async def test_a_stream_looks_by_itself_when_nobody_wakes_it(bench: ServiceBench, saying: Saying) -> None:
    """A lost wake-up delays an item and does not lose it."""
    await enrol(bench, saying)
    async with (
        bench.served(routes(bench, look_every=0.05)) as client,
        client.stream("GET", "/inbox/stream") as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        sent = await deliver(bench, saying)
        assert [item["referral_id"] for item in await read(lines, 1)] == sent


async def test_a_stream_ends_with_its_time_and_with_the_readers_duty(bench: ServiceBench, saying: Saying) -> None:
    """Whoever listens is checked again: after a set time by the token, on every look by the appointment."""
    await bench.handle(saying.appointed("c-0002", DESK, until=NOW + timedelta(minutes=1)))
    async with asyncio.timeout(10), bench.served(routes(bench, ends_after=0.05)) as client:
        assert (await client.get("/inbox/stream")).text.startswith("retry: 1000")
    async with (
        asyncio.timeout(10),
        bench.served(routes(bench, look_every=0.05)) as client,
        client.stream("GET", "/inbox/stream") as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        bench.clock.at = NOW + timedelta(minutes=1)
        assert await read(lines, 1) == []


async def test_streams_end_at_once_when_the_process_is_to_stop(bench: ServiceBench, saying: Saying) -> None:
    """A graceful stop does not wait for readers who would never leave."""
    await enrol(bench, saying)
    stopping, wakeups = asyncio.Event(), Wakeups(bench.database)
    async with (
        asyncio.timeout(10),
        bench.served(routes(bench, wakeups=wakeups, stopping=stopping)) as client,
        client.stream("GET", "/inbox/stream") as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        stopping.set()
        wakeups.wake_everyone()
        assert await read(lines, 1) == []


async def test_a_lost_listening_connection_ends_the_listening_so_that_it_is_begun_anew(bench: ServiceBench) -> None:
    """The runtime runs background jobs again; a connection cut by the server must not go unnoticed."""
    wakeups = Wakeups(bench.database)
    task = asyncio.create_task(wakeups.listen())
    async with asyncio.timeout(10):
        await wakeups.listening.wait()
        async with bench.database.engine.begin() as connection:
            await connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            )
        await asyncio.wait([task])
    assert not wakeups.listening.is_set()


async def test_the_queries_of_an_inbox_use_its_indexes(bench: ServiceBench, saying: Saying) -> None:
    """A page, the unseen ones and what came after a number are found without reading other inboxes."""
    await bench.handle(*(saying.appointed(f"c-{number:04}", DESK) for number in range(2, 42)))
    await deliver(bench, saying, 30)
    pages = sa.select(inbox_items).where(inbox_items.c.coordinator_id == "c-0002", inbox_items.c.agency_id.in_([DESK]))
    number = inbox_items.c.number
    for query in (
        pages.where(number < 20).order_by(number.desc()).limit(50),
        pages.where(number > 20).order_by(number).limit(100),
        pages.where(inbox_items.c.acknowledged_at.is_(None)).order_by(number.desc()).limit(50),
    ):
        plan = await bench.plan(query)
        assert "Index" in plan
        assert "Seq Scan" not in plan
