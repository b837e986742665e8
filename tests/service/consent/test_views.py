"""What the person sees by a receipt and its secret, what representatives see of it, and what nobody sees online."""

import json
import re

import pytest

from tests.builders.agency_messages import CONTENTS
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent
from tests.builders.receipts import Door
from tsunagu_contracts.codes import Category, Language, RepresentationGround, StatementKind
from tsunagu_contracts.events.consent import ReceiptViewLimited
from tsunagu_contracts.plain_words import CATEGORIES, IN_PERSON

HEALTH, IDENTITY, CONTACT, SAFETY = Category.HEALTH, Category.IDENTITY, Category.CONTACT, Category.SAFETY
GRANT, WITHDRAW = StatementKind.GRANT, StatementKind.WITHDRAW


@pytest.fixture
def door(bench: Bench) -> Door:
    """The person's own door."""
    return Door(bench)


async def live(bench: Bench, sent: Sent, *beside: Category) -> None:
    """The person agrees to something, the desk opens and is refused, and some of it is taken back."""
    await bench.say(sent, GRANT, HEALTH, IDENTITY, *beside)
    for category in (HEALTH, IDENTITY, CONTACT):
        await bench.ask(sent, category)
    await bench.say(sent, WITHDRAW, HEALTH)


def categories(view: dict[str, object], part: str) -> list[str]:
    """The categories of one part of a view, in order."""
    items = view[part]
    assert isinstance(items, list)
    return [each["category"]["code"] for each in items]


async def test_the_person_sees_what_was_said_opened_refused_and_owed(bench: Bench, door: Door) -> None:
    """In codes with words of the language asked for; a token got without the secret sees nothing."""
    sent = await bench.refer()
    await live(bench, sent)
    receipt = await door.receipt(sent)
    token = await door.with_secret(receipt)

    answer = await door.view(token, "en")
    blind = await door.view(await door.token(receipt.code))

    view = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert [each["kind"]["code"] for each in view["statements"]] == ["withdraw", "grant"]
    assert view["statements"][1]["agencies"] == [DESK.id]
    assert categories(view, "openings") == ["identity", "health"]
    assert categories(view, "refusals") == ["contact"]
    assert view["refusals"][0]["reason"]["code"] == "not_agreed"
    assert [(each["agency"], each["category"]["code"]) for each in view["obligations"]] == [(DESK.id, "health")]
    assert view["openings"][1]["category"]["text"] == CATEGORIES[HEALTH].en
    assert view["in_person"] == IN_PERSON.en
    assert view["hidden_from_representatives"] == {"categories": [], "agencies": []}
    assert (blind.status_code, blind.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize("language", Language)
async def test_every_language(bench: Bench, door: Door, language: Language) -> None:
    """The words are those of the language that was asked for."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    view = (await door.view(await door.with_secret(await door.receipt(sent)), language.value)).json()

    [said] = view["statements"]
    assert said["categories"] == [{"code": "health", "text": CATEGORIES[HEALTH].told(language)}]


async def test_nothing_tells_that_there_is_a_matter_of_safety(bench: Bench, door: Door) -> None:
    """A view is the same, byte for byte, whether or not there is a referral with a matter of safety beside the rest."""
    ordinary = await bench.refer(reference="one")
    await live(bench, ordinary)
    quiet = (await door.view(await door.with_secret(await door.receipt(ordinary)))).content

    handle = await bench.blank_handle()
    sealed = CLINIC.seal(handle, {**CONTENTS, SAFETY: "夫に知られないように".encode()})
    unsafe = await bench.refer(reference="two", handle=handle, sealed=sealed)
    await live(bench, unsafe)
    await bench.say(unsafe, GRANT, SAFETY)
    await bench.ask(unsafe, SAFETY)
    beside = await bench.refer(reference="two")
    await live(bench, beside, SAFETY)
    answer = (await door.view(await door.with_secret(await door.receipt(beside)))).content

    assert _without_moments(answer) == _without_moments(quiet)
    assert b"safety" not in answer


def _without_moments(content: bytes) -> bytes:
    return re.sub(rb'"\d{4}-\d\d-\d\dT[^"]*"', b'"-"', content)


async def test_what_the_person_wants_to_see_in_person(bench: Bench, door: Door) -> None:
    """What was left out at the person's wish when a receipt was issued, no view by it shows; another receipt does."""
    sent = await bench.refer()
    await live(bench, sent)
    kept = await door.receipt(sent, hidden_categories=(HEALTH,), hidden_agencies=(NPO.id,))

    view = (await door.view(await door.with_secret(kept))).json()
    whole = (await door.view(await door.with_secret(await door.receipt(sent)))).json()

    assert "health" not in json.dumps(view)
    assert categories(view, "openings") == ["identity"]
    assert [each["kind"]["code"] for each in view["statements"]] == ["grant"]
    assert categories(whole, "openings") == ["identity", "health"]


async def test_what_the_person_lets_representatives_see(bench: Bench, door: Door) -> None:
    """A representative sees what is within their scope and not hidden, never the limits, and sets none."""
    sent = await bench.refer()
    await live(bench, sent)
    own = await door.with_secret(await door.receipt(sent))
    scope = {"categories": (HEALTH, CONTACT)}
    proxy = await bench.name_representative(sent, RepresentationGround.PROXY, bounds=scope)
    theirs = await door.with_secret(await door.receipt(sent, representative=proxy))

    before = (await door.view(theirs)).json()
    for _ in range(2):
        assert (await door.limit(own, ["health"], [])).status_code == 204
    after = (await door.view(theirs)).json()
    refused = await door.limit(theirs, [], [])

    assert categories(before, "openings") == ["health"]
    assert after["openings"] == after["obligations"] == after["statements"] == []
    assert categories(after, "refusals") == ["contact"]
    assert before["hidden_from_representatives"] is after["hidden_from_representatives"] is None
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert categories((await door.view(own)).json(), "openings") == ["identity", "health"]
    [(event, limited)] = await bench.heard(ReceiptViewLimited)
    assert (event.actor, limited.hidden_categories) == ("person", (HEALTH,))

    await door.limit(own, [], [DESK.id])
    hidden = (await door.view(theirs)).json()
    assert hidden["openings"] == hidden["refusals"] == hidden["statements"] == []


async def test_another_person_s_record_is_not_seen(bench: Bench, door: Door) -> None:
    """A receipt shows the record of its own person alone."""
    await live(bench, await bench.refer(reference="one"))
    other = await bench.refer(reference="other")

    view = (await door.view(await door.with_secret(await door.receipt(other)))).json()

    assert view["statements"] == view["openings"] == view["refusals"] == view["obligations"] == []
