"""Consent for a disaster: nothing until one is declared in the area, at once then, and over by itself."""

from datetime import timedelta

import sqlalchemy as sa

from services.consent.storage.due import AT_ONCE
from services.consent.use_cases.due import cover_due
from tests.builders.agency_messages import IDS, NOW
from tests.builders.consent_bench import CLINIC, WARD, Bench
from tsunagu_contracts.codes import Area, Category, CoverageState, DisasterAct, StatementKind
from tsunagu_contracts.events.consent import CoverageDecided, DisasterDeclared, DisasterLifted

HEALTH = Category.HEALTH
GRANT, REFUSE = StatementKind.GRANT, StatementKind.REFUSE
DECLARE, LIFT = DisasterAct
FUJIMI, SHIBA = Area.FUJIMI, Area.SHIBA


async def test_a_disaster_comes_and_goes(bench: Bench) -> None:
    """What was consented to for a disaster opens while one is on, and coverage says so without anybody asking."""
    sent, disaster = await bench.refer(), IDS.new()
    await bench.say(sent, GRANT, HEALTH, disaster_in=FUJIMI)
    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.TO_ASK, "condition_not_met")
    assert (await bench.ask(sent)).json()["code"] == "not_covered"

    assert (await bench.say_disaster(disaster, DECLARE, FUJIMI)).json()["changed"] == [FUJIMI]
    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.COVERED, "granted")
    assert bench.opened(await bench.ask(sent))

    assert (await bench.say_disaster(disaster, LIFT, FUJIMI)).json()["changed"] == [FUJIMI]
    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.TO_ASK, "condition_not_met")
    assert (await bench.ask(sent)).json()["code"] == "not_covered"

    bench.hear_again()
    [(_, declared)] = await bench.heard(DisasterDeclared)
    bench.hear_again()
    [(event, lifted)] = await bench.heard(DisasterLifted)
    assert (declared.areas, lifted.areas, event.version) == ((FUJIMI,), (FUJIMI,), 2)


async def test_a_release_heeds_a_disaster_before_coverage_is_said(bench: Bench) -> None:
    """The declaration is effective with its commit: keys are handed over, or no more, before coverage is said."""
    sent, disaster = await bench.refer(), IDS.new()
    await bench.say(sent, GRANT, HEALTH, disaster_in=FUJIMI)
    bench.clock.at += timedelta(seconds=1)
    await bench.post("/disasters", WARD.disaster(disaster, DECLARE, FUJIMI), by=WARD)
    assert bench.opened(await bench.ask(sent))
    bench.clock.at += timedelta(seconds=1)
    await bench.post("/disasters", WARD.disaster(disaster, LIFT, FUJIMI), by=WARD)
    assert (await bench.ask(sent)).status_code == 403


async def test_a_referral_that_comes_during_a_disaster(bench: Bench) -> None:
    """A new referral of a person who consented for a disaster is covered at once while one is on."""
    first = await bench.refer(reference="one")
    await bench.say(first, GRANT, HEALTH, disaster_in=FUJIMI)
    await bench.say_disaster(IDS.new(), DECLARE, FUJIMI)

    second = await bench.refer(reference="one")

    assert (await bench.coverage(second))[HEALTH] == (CoverageState.COVERED, "granted")


async def test_only_those_concerned_are_covered_anew(bench: Bench) -> None:
    """A declaration touches nobody who has not consented for it, and no refusal yields to it."""
    concerned, refusing, other = [await bench.refer(reference=name) for name in ("one", "two", "three")]
    await bench.say(concerned, GRANT, HEALTH, disaster_in=FUJIMI)
    await bench.say(refusing, GRANT, HEALTH, disaster_in=FUJIMI)
    await bench.say(refusing, REFUSE, HEALTH)
    await bench.say(other, GRANT, HEALTH)
    await bench.heard(CoverageDecided)

    await bench.say_disaster(IDS.new(), DECLARE, FUJIMI)

    said = {data.referral_id: data for _, data in await bench.heard(CoverageDecided)}
    assert said.keys() == {concerned.id, refusing.id}
    states = {each.category: each.state for each in said[refusing.id].sections}
    assert states[HEALTH] is CoverageState.REFUSED


async def test_said_again(bench: Bench) -> None:
    """Declaring or lifting twice changes nothing and says nothing more."""
    disaster = IDS.new()
    answers = [await bench.say_disaster(disaster, act, FUJIMI) for act in (DECLARE, DECLARE, LIFT, LIFT)]

    assert [answer.json()["changed"] for answer in answers] == [[FUJIMI], [], [FUJIMI], []]
    assert len(await bench.heard(DisasterDeclared)) == 1


async def test_who_may_not(bench: Bench) -> None:
    """Nobody but a ward office's supervisor may, for the areas of the appointment, and lift what was declared."""
    clinic = await bench.say_disaster(IDS.new(), DECLARE, FUJIMI, by=CLINIC)
    elsewhere = await bench.say_disaster(IDS.new(), DECLARE, FUJIMI, SHIBA)
    unknown = await bench.say_disaster(IDS.new(), LIFT, FUJIMI)

    assert [answer.json()["code"] for answer in (clinic, elsewhere)] == ["not_permitted"] * 2
    assert (unknown.status_code, unknown.json()["code"]) == (422, "disaster_unknown")
    assert not await bench.heard(DisasterDeclared)


async def test_periods_begin_and_end_by_themselves(bench: Bench) -> None:
    """Coverage is said anew when a grant's period begins and when it ends, and not before."""
    sent = await bench.refer()
    begins, ends = NOW + timedelta(days=1), NOW + timedelta(days=2)
    await bench.say(sent, GRANT, HEALTH, valid_from=begins, valid_until=ends)
    found = []
    for moment in (begins - timedelta(seconds=1), begins, ends - timedelta(seconds=1), ends):
        bench.clock.at = moment
        await cover_due(bench.database, bench.custody)
        bench.hear_again()
        found.append((await bench.coverage(sent))[HEALTH][1])

    assert found == ["grant_not_yet_in_force", "granted", "granted", "grant_expired"]
    async with bench.database.reading() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM coverage_due")) == 0


async def test_many_are_covered_by_parts(bench: Bench) -> None:
    """Whoever a disaster concerns is covered however many they are, each once."""
    sent = [await bench.sealed_referral(reference=f"person-{number}") for number in range(AT_ONCE + 5)]
    await bench.take_in(*sent)
    for each in sent:
        await bench.say(each, GRANT, HEALTH, disaster_in=FUJIMI)
    await bench.heard(CoverageDecided)

    await bench.say_disaster(IDS.new(), DECLARE, FUJIMI)

    said = [data.referral_id for _, data in await bench.heard(CoverageDecided)]
    assert sorted(said) == sorted(each.id for each in sent)
