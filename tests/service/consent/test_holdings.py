"""What an agency has opened, and how it stands: an agency's list of what it holds and owes."""

import pytest

from services.consent.storage import holdings
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench
from tsunagu_contracts.codes import Category, HoldingState, KeptUnder, ObligationEnd, StatementKind

GRANT, _, WITHDRAW, _ = StatementKind
HEALTH, IDENTITY, CONTACT = Category.HEALTH, Category.IDENTITY, Category.CONTACT


async def test_what_is_opened_is_held_until_it_is_deleted(bench: Bench) -> None:
    """Each opened section stands as held, as owed once consent has ended, as kept by law, or no more once deleted."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, IDENTITY, CONTACT)
    for category in (HEALTH, IDENTITY, HEALTH):
        bench.opened(await bench.ask(sent, category))
    assert sorted(await bench.held()) == [(HEALTH, HoldingState.HELD), (IDENTITY, HoldingState.HELD)]

    await bench.say(sent, WITHDRAW, HEALTH, IDENTITY)
    assert sorted(await bench.held()) == [(HEALTH, HoldingState.OWED), (IDENTITY, HoldingState.OWED)]

    answer = await bench.client.get("/holdings", headers=bench.headers(DESK))
    owed = {each["category"]: each["obligation_id"] for each in answer.json()["items"]}
    by_law = KeptUnder.HOME_CARE_STANDARDS_39
    (await bench.answer_obligation(owed["health"], ObligationEnd.DELETED)).raise_for_status()
    kept = await bench.answer_obligation(owed["identity"], ObligationEnd.KEPT_BY_LAW, kept_under=by_law)
    assert kept.status_code == 201
    assert await bench.held() == [(IDENTITY, HoldingState.KEPT_BY_LAW)]

    await bench.say(sent, GRANT, HEALTH)
    assert await bench.held() == [(IDENTITY, HoldingState.KEPT_BY_LAW)]
    bench.opened(await bench.ask(sent, HEALTH))
    assert sorted(await bench.held()) == [(HEALTH, HoldingState.HELD), (IDENTITY, HoldingState.KEPT_BY_LAW)]


async def test_consent_that_comes_back_is_no_longer_owed(bench: Bench) -> None:
    """What the person agrees to again before it is deleted stands as held again."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    bench.opened(await bench.ask(sent, HEALTH))
    await bench.say(sent, WITHDRAW, HEALTH)
    await bench.say(sent, GRANT, HEALTH)

    assert await bench.held() == [(HEALTH, HoldingState.HELD)]


async def test_an_agency_sees_its_own_holdings_alone(bench: Bench) -> None:
    """Neither the sender nor anybody else sees what the desk has opened; nor does the desk what it did not get."""
    sent = await bench.refer()
    assert (await bench.ask(sent, HEALTH)).status_code == 403
    await bench.say(sent, GRANT, HEALTH)
    bench.opened(await bench.ask(sent, HEALTH))

    assert await bench.held(CLINIC) == []
    assert await bench.held(NPO) == []
    assert await bench.held(DESK) == [(HEALTH, HoldingState.HELD)]


async def test_a_long_list_comes_in_pages(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is full says after which section to go on, also where all of it is deleted."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, IDENTITY)
    for category in (HEALTH, IDENTITY):
        bench.opened(await bench.ask(sent, category))
    monkeypatch.setattr(holdings, "AT_ONCE", 2)

    first = (await bench.client.get("/holdings", headers=bench.headers(DESK))).json()
    rest = (await bench.client.get(f"/holdings?after={first['next']}", headers=bench.headers(DESK))).json()

    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 0, None]
