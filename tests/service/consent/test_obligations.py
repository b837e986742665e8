"""What an agency owes for what it has opened: brought about by the person's word, answered once, told when overdue."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import httpx
import pytest
import sqlalchemy as sa

from services.consent.use_cases.due import cover_due
from services.consent.use_cases.obligations import notice_overdue
from tests.builders.agency_messages import IDS
from tests.builders.consent_bench import ANSWER_DAYS, CLINIC, DESK, NPO, Bench, Sent
from tests.infra.eventually import eventually
from tsunagu_contracts.codes import (
    Area,
    Category,
    DisasterAct,
    KeptUnder,
    ObligationCause,
    ObligationEnd,
    Purpose,
    StatementKind,
)
from tsunagu_contracts.events.consent import (
    ObligationEnded,
    ObligationIncurred,
    ObligationOverdue,
    StatementRecorded,
)

HEALTH, IDENTITY = Category.HEALTH, Category.IDENTITY
GRANT, REFUSE, WITHDRAW, _ = StatementKind
DELETED: Final = ObligationEnd.DELETED
KEPT: Final = ObligationEnd.KEPT_BY_LAW


async def opened(bench: Bench, *categories: Category) -> Sent:
    """A referral of which the desk has opened these sections under the person's consent."""
    sent = await bench.refer(reference=IDS.new())
    await bench.say(sent, GRANT, *categories)
    for category in categories:
        bench.opened(await bench.ask(sent, category))
    return sent


async def incurred(bench: Bench) -> list[tuple[str, Category, ObligationCause]]:
    """Every obligation that was said: whose, of which category, and why."""
    bench.hear_again()
    return [(data.agency_id, data.category, data.cause) for _, data in await bench.heard(ObligationIncurred)]


async def test_a_withdrawal_obliges_whoever_has_opened(bench: Bench) -> None:
    """Only what was opened and is no longer covered is owed, from the withdrawal's own commit, with a date."""
    sent = await opened(bench, HEALTH, IDENTITY)

    await bench.say(sent, WITHDRAW, HEALTH, Category.CONTACT)

    assert await incurred(bench) == [(DESK.id, HEALTH, ObligationCause.WITHDRAWN)]
    bench.hear_again()
    [(event, owed)] = await bench.heard(ObligationIncurred)
    bench.hear_again()
    said = (await bench.heard(StatementRecorded))[-1][1]
    assert (event.version, owed.number) == (said.number + 1, said.number + 1)
    assert owed.due_at - owed.incurred_at == timedelta(days=ANSWER_DAYS)
    assert owed.section_id == sent.section(HEALTH)
    assert await bench.owed(DESK) == [owed.obligation_id]
    assert await bench.owed(CLINIC) == []


async def test_what_was_not_opened_is_not_owed(bench: Bench) -> None:
    """A withdrawal of what nobody has opened obliges nobody."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)

    assert await incurred(bench) == []


async def test_a_second_no_obliges_nobody_twice(bench: Bench) -> None:
    """While an obligation is open, another refusal of the same adds none."""
    sent = await opened(bench, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    await bench.say(sent, REFUSE, HEALTH)

    assert len(await incurred(bench)) == 1


async def test_a_period_and_a_disaster_that_end_oblige(bench: Bench) -> None:
    """When consent runs out by itself, what was opened under it is owed, and is told from a withdrawal."""
    limited = await bench.refer(reference="one")
    await bench.say(limited, GRANT, HEALTH, valid_until=bench.clock.now() + timedelta(days=1))
    disaster = IDS.new()
    await bench.say_disaster(disaster, DisasterAct.DECLARE, Area.FUJIMI)
    conditional = await bench.refer(reference="two")
    await bench.say(conditional, GRANT, HEALTH, disaster_in=Area.FUJIMI)
    for sent in (limited, conditional):
        bench.opened(await bench.ask(sent))

    await bench.say_disaster(disaster, DisasterAct.LIFT, Area.FUJIMI)
    assert await incurred(bench) == [(DESK.id, HEALTH, ObligationCause.ENDED)]
    bench.clock.at += timedelta(days=1)
    await cover_due(bench.database, bench.custody)
    assert await incurred(bench) == [(DESK.id, HEALTH, ObligationCause.ENDED)] * 2


async def test_an_answer_ends_it(bench: Bench) -> None:
    """Deleted, or kept by law with the provision; the same message again changes nothing, and no other may follow."""
    sent = await opened(bench, HEALTH, IDENTITY)
    await bench.say(sent, WITHDRAW, HEALTH, IDENTITY)
    first, second = await bench.owed()

    deleted = [await bench.answer_obligation(first, DELETED) for _ in range(2)]
    kept = await bench.answer_obligation(second, KEPT, kept_under=KeptUnder.MEDICAL_PRACTITIONERS_ACT_24)
    otherwise = await bench.answer_obligation(first, KEPT, kept_under=KeptUnder.PUBLIC_RECORDS_ORDINANCE)

    assert [answer.status_code for answer in (*deleted, kept)] == [201, 200, 201]
    assert deleted[0].json() == deleted[1].json()
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "obligation_ended")
    ends = [(data.end, data.kept_under) for _, data in await bench.heard(ObligationEnded)]
    assert ends == [(DELETED, None), (KEPT, KeptUnder.MEDICAL_PRACTITIONERS_ACT_24)]
    assert await bench.owed() == []
    listed = await everything_owed(bench)
    assert [each["ended_as"] for each in listed] == ["deleted", "kept_by_law"]


async def everything_owed(bench: Bench) -> Sequence[dict[str, object]]:
    """The desk's obligations, ended ones too."""
    answer = await bench.client.get("/obligations", params={"ended": True}, headers=bench.headers(DESK))
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_it_is_lifted_when_the_person_agrees_again(bench: Bench) -> None:
    """Consent that covers the section again takes the obligation away; a later withdrawal brings a new one."""
    sent = await opened(bench, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    await bench.say(sent, GRANT, HEALTH)
    assert await bench.owed() == []
    await bench.say(sent, WITHDRAW, HEALTH)

    ends = [data.end for _, data in await bench.heard(ObligationEnded)]
    assert ends == [ObligationEnd.LIFTED]
    assert len(await incurred(bench)) == 2


async def test_what_was_deleted_is_owed_again_only_when_opened_again(bench: Bench) -> None:
    """After its answer an agency holds nothing: a further withdrawal obliges it only for what it opened since."""
    sent = await opened(bench, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    (first,) = await bench.owed()
    await bench.answer_obligation(first, DELETED)
    await bench.say(sent, GRANT, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    assert await bench.owed() == []

    await bench.say(sent, GRANT, HEALTH)
    bench.opened(await bench.ask(sent))
    await bench.say(sent, WITHDRAW, HEALTH)
    assert len(await bench.owed()) == 1


async def test_an_overdue_one_is_told_once(bench: Bench) -> None:
    """When the date has passed without an answer that is said, once; an answer is still taken."""
    sent = await opened(bench, HEALTH, IDENTITY)
    await bench.say(sent, WITHDRAW, HEALTH, IDENTITY)
    first, second = await bench.owed()
    await bench.answer_obligation(first, DELETED)
    await notice_overdue(bench.database)
    assert await bench.heard(ObligationOverdue) == []

    bench.clock.at += timedelta(days=ANSWER_DAYS)
    for _ in range(2):
        await notice_overdue(bench.database)

    assert [data.obligation_id for _, data in await bench.heard(ObligationOverdue)] == [second]
    assert (await bench.answer_obligation(second, DELETED)).status_code == 201


async def test_two_replicas_tell_it_once(bench: Bench) -> None:
    """Replicas that have both seen it overdue say so once: the second finds that it has been said."""
    sent = await opened(bench, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    bench.clock.at += timedelta(days=ANSWER_DAYS)

    async def both_wait() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with bench.database.reading() as session:
            return bool(await session.scalar(sa.text(query)) == 2)

    async with bench.database.work() as work:
        await work.session.execute(sa.text("SELECT 1 FROM persons FOR UPDATE"))
        replicas = [asyncio.create_task(notice_overdue(bench.database)) for _ in range(2)]
        await eventually(both_wait)
    await asyncio.gather(*replicas)

    assert len(await bench.heard(ObligationOverdue)) == 1


async def test_only_who_owes_may_answer(bench: Bench) -> None:
    """Another agency's obligation and one that never was are the same unknown, and a provision must fit its answer."""
    sent = await opened(bench, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    (owed,) = await bench.owed()

    def code(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["code"]

    theirs = await bench.answer_obligation(owed, DELETED, by=NPO)
    never = await bench.answer_obligation(IDS.new(), DELETED, by=NPO)
    assert (code(theirs), code(never)) == ((404, "obligation_unknown"), (404, "obligation_unknown"))
    with pytest.raises(ValueError, match="provision"):
        DESK.answer(owed, KEPT)
    assert not await bench.heard(ObligationEnded)


async def test_pages_of_obligations(bench: Bench) -> None:
    """An agency reads what it owes in pages, each once."""
    for _ in range(3):
        sent = await opened(bench, HEALTH)
        await bench.say(sent, WITHDRAW, HEALTH)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await bench.client.get("/obligations", params={"limit": 2, "after": after}, headers=bench.headers(DESK))
        seen += [each["obligation_id"] for each in page.json()["items"]]
        after = page.json()["next"]

    assert seen == await bench.owed()
    assert len(set(seen)) == 3


async def test_another_purpose_keeps_what_it_covers(bench: Bench) -> None:
    """A withdrawal for another purpose than the referral's obliges nobody."""
    sent = await opened(bench, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH, purposes=(Purpose.DISASTER,))

    assert await incurred(bench) == []
