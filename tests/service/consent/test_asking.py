"""Asking the person: who must ask, by when, what answers it, and what silence means."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.consent.use_cases.asking_in_time import remind_and_lapse
from tests.builders.agency_messages import IDS
from tests.builders.asking import answer_review, ask, asking, open_requests
from tests.builders.consent_bench import ASK_DAYS, CLINIC, DESK, NPO, Bench
from tests.infra.eventually import eventually
from tsunagu_contracts.codes import Category, CoverageState, Purpose, RequestKind, StatementKind
from tsunagu_contracts.events.consent import (
    ConsentRequested,
    RequestAnswered,
    RequestLapsed,
    RequestReminded,
    StatementRecorded,
)

HEALTH, CONTACT = Category.HEALTH, Category.CONTACT
GRANT, REFUSE, WITHDRAW, _ = StatementKind


async def test_the_sender_is_to_ask(bench: Bench) -> None:
    """What the desk asks stands in the clinic's list and in nobody else's, and is said with its number."""
    sent = await bench.refer()
    request_id = await ask(bench, sent, HEALTH)

    [listed] = await open_requests(bench, CLINIC)
    assert (listed["request_id"], listed["referral_id"], listed["kind"]) == (request_id, sent.id, "asked")
    assert await open_requests(bench, DESK) == await open_requests(bench, NPO) == []
    [(event, said)] = await bench.heard(ConsentRequested)
    assert (said.agency_id, said.requested_by.agency_id, said.kind) == (CLINIC.id, DESK.id, RequestKind.ASKED)
    assert event.version == said.number


async def test_the_same_request_again(bench: Bench) -> None:
    """The same message changes nothing; another under the request's id, or of other content, is refused."""
    sent = await bench.refer()
    manifest = asking(sent, HEALTH, deadline=bench.clock.now() + timedelta(days=1))
    other = manifest.model_copy(update={"data": manifest.data.model_copy(update={"categories": (CONTACT,)})})

    answers = [await bench.post("/requests", manifest, by=DESK) for _ in range(2)]
    refused = [
        await bench.post("/requests", each, by=DESK) for each in (other, other.model_copy(update={"id": IDS.new()}))
    ]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "duplicate_id")}
    assert len(await open_requests(bench)) == 1


async def test_requests_that_are_none(bench: Bench) -> None:
    """No party, a closed referral, an unknown recipient, a date that has passed or is too far: nothing is opened."""
    sent, closed = await bench.refer(), await bench.refer()
    await bench.end(closed)
    now = bench.clock.now()
    soon = now + timedelta(days=1)

    async def code(manifest: object, by: object = DESK) -> tuple[int, str]:
        answer = await bench.post("/requests", manifest, by=by)  # type: ignore[arg-type]  # one shape for all cases
        return answer.status_code, answer.json()["code"]

    assert await code(asking(sent, HEALTH, by=NPO, deadline=soon), NPO) == (404, "referral_unknown")
    assert await code(asking(closed, HEALTH, deadline=soon)) == (409, "referral_not_open")
    strange = {"recipients": ("nobody-anywhere",)}
    assert (await code(asking(sent, HEALTH, deadline=soon, changes=strange)))[1] == "agency_unknown"
    for deadline in (now, now - timedelta(days=1), now + timedelta(days=ASK_DAYS, seconds=1)):
        assert await code(asking(sent, HEALTH, deadline=deadline)) == (422, "deadline_not_valid")
    made = asking(sent, HEALTH, deadline=soon)
    unknown = made.model_copy(update={"data": made.data.model_copy(update={"categories": ("shoe_size",)})})
    assert await code(unknown) == (422, "invalid_content")
    assert not await bench.heard(ConsentRequested)


@pytest.mark.parametrize("kind", [GRANT, REFUSE])
async def test_the_persons_word_answers(bench: Bench, kind: StatementKind) -> None:
    """Yes and no answer alike, in one statement or in several, once each category has been spoken of."""
    sent = await bench.refer()
    request_id = await ask(bench, sent, HEALTH, CONTACT)
    await bench.say(sent, kind, HEALTH)
    assert len(await open_requests(bench)) == 1
    await bench.say(sent, kind, CONTACT)

    assert await open_requests(bench) == []
    [(event, said)] = await bench.heard(RequestAnswered)
    bench.hear_again()
    last = (await bench.heard(StatementRecorded))[-1][1]
    assert (said.request_id, said.statement_id, said.answer) == (request_id, last.statement_id, None)
    assert event.version == said.number == last.number + 1


async def test_what_does_not_answer(bench: Bench) -> None:
    """What was said before, for another purpose or of another agency leaves the question open."""
    sent = await bench.refer()
    await bench.say(sent, REFUSE, HEALTH)
    await ask(bench, sent, HEALTH)
    await bench.say(sent, GRANT, HEALTH, purposes=(Purpose.DISASTER,))
    await bench.say(sent, GRANT, HEALTH, recipients=(NPO.id,))
    await bench.say(sent, GRANT, CONTACT)

    assert len(await open_requests(bench)) == 1
    assert not await bench.heard(RequestAnswered)


async def test_a_reminder_and_then_a_lapse(bench: Bench) -> None:
    """Half of the time brings one reminder, the end one lapse, an outage over both the lapse alone; silence is no."""
    sent, other = await bench.refer(), await bench.refer()
    reminded = await ask(bench, sent, HEALTH, days=10)
    for days in (4, 1, 1, 0):
        bench.clock.at += timedelta(days=days)
        await remind_and_lapse(bench.database)
    assert [data.request_id for _, data in await bench.heard(RequestReminded)] == [reminded]
    silent = await ask(bench, other, CONTACT, days=2)

    bench.clock.at += timedelta(days=4)
    for _ in range(2):
        await remind_and_lapse(bench.database)

    bench.hear_again()
    assert [data.request_id for _, data in await bench.heard(RequestReminded)] == [reminded]
    bench.hear_again()
    assert {data.request_id for _, data in await bench.heard(RequestLapsed)} == {reminded, silent}
    assert await open_requests(bench) == []
    bench.hear_again()
    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.TO_ASK, "no_statement")
    assert (await bench.ask(sent)).json()["code"] == "not_covered"


async def test_an_answer_at_the_moment_of_the_lapse(bench: Bench) -> None:
    """Where two replicas lapse a request while the person answers it, one of the three ends it, once."""
    sent = await bench.refer()
    await ask(bench, sent, HEALTH, days=10)
    bench.clock.at += timedelta(days=10)

    async def all_wait() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with bench.database.reading() as session:
            return bool(await session.scalar(sa.text(query)) == 3)

    async with bench.database.work() as work:
        await work.session.execute(sa.text("SELECT 1 FROM persons FOR UPDATE"))
        racing = [asyncio.create_task(remind_and_lapse(bench.database)) for _ in range(2)]
        speaking = asyncio.create_task(bench.post_statement(bench.statement(sent, GRANT, HEALTH)))
        await eventually(all_wait)
    await asyncio.gather(*racing)

    assert (await speaking).status_code == 201
    lapsed = await bench.heard(RequestLapsed)
    bench.hear_again()
    assert len(lapsed) + len(await bench.heard(RequestAnswered)) == 1


async def test_only_a_review_is_answered_by_its_agency(bench: Bench) -> None:
    """An agency cannot answer for the person, and another's request is as unknown as one that never was."""
    sent = await bench.refer()
    request_id = await ask(bench, sent, HEALTH)

    own = await answer_review(bench, request_id)
    theirs = await answer_review(bench, request_id, by=NPO)
    never = await answer_review(bench, IDS.new(), by=NPO)

    assert (own.status_code, own.json()["code"]) == (403, "not_permitted")
    assert theirs.json() == never.json()
    assert (theirs.status_code, theirs.json()["code"]) == (404, "request_unknown")
    assert len(await open_requests(bench)) == 1


async def test_pages_of_requests(bench: Bench) -> None:
    """An agency reads what it is to ask in pages, each once."""
    asked = [await ask(bench, await bench.refer(), HEALTH) for _ in range(3)]
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await bench.client.get("/requests", params={"limit": 2, "after": after}, headers=bench.headers(CLINIC))
        seen += [each["request_id"] for each in page.json()["items"]]
        after = page.json()["next"]

    assert seen == sorted(asked)
