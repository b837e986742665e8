"""What an agency has provided and received, and what it discloses outside: each agency sees its own, no key moves."""

import asyncio
from datetime import timedelta

import pytest

from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent
from tests.builders.wishes import disclosure
from tsunagu_contracts.codes import Category, DisclosureGround, OutsideBody, StatementKind
from tsunagu_contracts.events.consent import CoverageDecided, DisclosureRecorded, ReleaseGranted

HEALTH, IDENTITY, CONTACT = Category.HEALTH, Category.IDENTITY, Category.CONTACT
GRANT = StatementKind.GRANT


async def opened(bench: Bench, *categories: Category, sender: SendingAgency = CLINIC) -> Sent:
    """A referral of which the desk has opened these sections under the person's consent."""
    sent = await bench.refer(reference=IDS.new(), sender=sender)
    await bench.say(sent, GRANT, *categories, by=sender)
    for category in categories:
        bench.opened(await bench.ask(sent, category))
    return sent


async def provisions(bench: Bench, agency: SendingAgency, **params: str | int) -> list[dict[str, object]]:
    """What an agency reads of its openings."""
    answer = await bench.client.get("/provisions", params=params, headers=bench.headers(agency))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_both_sides_read_what_was_opened_and_nobody_else(bench: Bench) -> None:
    """The sender reads it as provided, the addressee as received, with all that a record needs; refusals are none."""
    sent = await opened(bench, HEALTH)
    await bench.ask(sent, IDENTITY)
    [(_, said)] = await bench.heard(ReleaseGranted)

    [provided], [received] = await provisions(bench, CLINIC), await provisions(bench, DESK)

    assert (provided["side"], provided["counterpart"]) == ("provided", DESK.id)
    assert (received["side"], received["counterpart"]) == ("received", CLINIC.id)
    for each in (provided, received):
        assert (each["release_id"], each["statement_id"]) == (said.release_id, said.statement_id)
        assert (each["referral_id"], each["category"], each["purpose"]) == (sent.id, "health", "assessment")
        assert "record_id" not in each
    assert await provisions(bench, NPO) == []
    assert said.provider == CLINIC.id


async def test_pages_of_both_sides(bench: Bench) -> None:
    """An agency that provides and receives reads each opening once, by its id."""
    for sender in (CLINIC, NPO, CLINIC):
        await opened(bench, HEALTH, IDENTITY, sender=sender)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await bench.client.get("/provisions", params={"limit": 4, "after": after}, headers=bench.headers(DESK))
        seen += [each["release_id"] for each in page.json()["items"]]
        after = page.json()["next"]

    assert len(set(seen)) == len(seen) == 6
    assert seen == sorted(seen)
    assert len(await provisions(bench, CLINIC)) == 4


async def test_a_disclosure_outside_is_recorded_and_nothing_opens_by_it(bench: Bench) -> None:
    """It takes a number of the person's, its agency reads it back, and what is covered is neither changed nor said."""
    sent = await bench.refer()
    await bench.heard(CoverageDecided)
    manifest = disclosure(CLINIC, bench, sent)

    answer = await bench.post("/disclosures", manifest, by=CLINIC)

    assert answer.status_code == 201
    assert (await bench.ask(sent, IDENTITY)).json()["code"] == "not_covered"
    assert await bench.heard(CoverageDecided) == []
    bench.hear_again()
    [(event, said)] = await bench.heard(DisclosureRecorded)
    assert (event.version, said.ground, said.to_body) == (
        said.number,
        DisclosureGround.PROTECTION_OF_LIFE_27_1_2,
        OutsideBody.FIRE_DEPARTMENT,
    )
    for agency, listed in ((CLINIC, [manifest.data.disclosure_id]), (DESK, []), (NPO, [])):
        own = await bench.client.get("/disclosures", headers=bench.headers(agency))
        assert [each["disclosure_id"] for each in own.json()["items"]] == listed


async def test_a_disclosure_said_twice(bench: Bench) -> None:
    """The same message again changes nothing, also at the same time; other content under a known id is refused."""
    sent = await bench.refer()
    manifest = disclosure(CLINIC, bench, sent)

    both = await asyncio.gather(*(bench.post("/disclosures", manifest, by=CLINIC) for _ in range(2)))
    same_id = disclosure(CLINIC, bench, sent, disclosure_id=manifest.data.disclosure_id)
    same_message = disclosure(CLINIC, bench, sent).model_copy(update={"id": manifest.id})
    refused = [await bench.post("/disclosures", each, by=CLINIC) for each in (same_id, same_message)]

    assert sorted(answer.status_code for answer in both) == [200, 201]
    assert both[0].json() == both[1].json()
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(409, "duplicate_id")] * 2
    assert len(await bench.heard(DisclosureRecorded)) == 1


async def test_disclosures_that_are_none(bench: Bench) -> None:
    """One of tomorrow, one by who has nothing to do with the person, and one to nobody or to two are refused."""
    sent = await bench.refer()
    tomorrow = disclosure(CLINIC, bench, sent, disclosed_at=bench.clock.now() + timedelta(days=1))

    future = await bench.post("/disclosures", tomorrow, by=CLINIC)
    stranger = await bench.post("/disclosures", disclosure(NPO, bench, sent), by=NPO)

    assert (future.status_code, future.json()["code"]) == (422, "dated_in_future")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "referral_unknown")
    for to in ({"to_body": None}, {"to_agency": NPO.id}):
        with pytest.raises(ValueError, match="to an agency or to a body"):
            disclosure(CLINIC, bench, sent, **to)
    assert not await bench.heard(DisclosureRecorded)
