"""Representatives, confirmations and countersignatures: recorded, heeded, and refused where they may not speak."""

from datetime import timedelta

import pytest

from tests.builders.agency_messages import IDS, NOW
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent
from tsunagu_contracts.codes import (
    Category,
    CoverageState,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.events.consent import RepresentativeRecorded, StatementCountersigned, StatementRecorded

HEALTH, FINANCE = Category.HEALTH, Category.FINANCE
GRANT, REFUSE, WITHDRAW, CONFIRM = StatementKind


async def health(bench: Bench, sent: Sent) -> tuple[CoverageState, str]:
    """What consent last said of the health section."""
    bench.hear_again()
    return (await bench.coverage(sent))[HEALTH]


async def test_a_guardian_speaks(bench: Bench) -> None:
    """What a recorded guardian says counts, and the event tells by whom and by what."""
    sent = await bench.refer()
    guardian = await bench.name_representative(sent)
    await bench.say(sent, GRANT, HEALTH, representative=guardian)

    assert await health(bench, sent) == (CoverageState.COVERED, "granted")
    bench.hear_again()
    [(_, named)] = await bench.heard(RepresentativeRecorded)
    bench.hear_again()
    [(_, said)] = await bench.heard(StatementRecorded)
    assert said.representation is not None
    assert (said.representation.representative_id, said.representation.ground) == (guardian, named.ground)
    assert said.number == named.number + 1
    assert bench.opened(await bench.ask(sent))


async def test_a_guardian_does_not_overrule_the_person(bench: Bench) -> None:
    """The person's own refusal stands against a guardian's consent, unless a legal ground is recorded with it."""
    sent = await bench.refer()
    guardian = await bench.name_representative(sent)
    await bench.say(sent, REFUSE, HEALTH)
    await bench.say(sent, GRANT, HEALTH, representative=guardian)

    assert await health(bench, sent) == (CoverageState.REFUSED, "person_refuses_themself")
    assert (await bench.ask(sent)).json()["code"] == "not_covered"

    await bench.say(sent, GRANT, HEALTH, representative=guardian, overrides=OverrideGround.PROTECTION_OF_LIFE)
    assert bench.opened(await bench.ask(sent))


async def test_between_parents_the_refusal_wins(bench: Bench) -> None:
    """One parent's refusal stands against the other's consent, in whichever order they speak."""
    sent = await bench.refer()
    mother, father = [await bench.name_representative(sent, RepresentationGround.PARENT) for _ in range(2)]
    await bench.say(sent, REFUSE, HEALTH, representative=father)
    await bench.say(sent, GRANT, HEALTH, representative=mother)
    assert await health(bench, sent) == (CoverageState.REFUSED, "other_parent_refuses")

    await bench.say(sent, GRANT, HEALTH, representative=father)
    assert await health(bench, sent) == (CoverageState.COVERED, "granted")


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({"valid_from": NOW + timedelta(days=1)}, "representation_not_valid"),
        ({"valid_until": NOW + timedelta(seconds=1)}, "representation_not_valid"),
        ({"categories": (FINANCE,)}, "beyond_scope"),
        ({"purposes": (Purpose.DISASTER,)}, "beyond_scope"),
    ],
)
async def test_outside_their_bounds_a_representative_is_refused(
    bench: Bench, bounds: dict[str, object], code: str
) -> None:
    """Whoever speaks outside the recorded time or scope is refused with a code, and nothing is recorded."""
    sent = await bench.refer()
    representative = await bench.name_representative(sent, bounds=bounds)
    bench.clock.at += timedelta(minutes=1)

    answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH, representative=representative))

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not await bench.heard(StatementRecorded)


async def test_a_representative_whom_nobody_recorded(bench: Bench) -> None:
    """Without a recorded ground nobody speaks for the person; another agency's representative is nobody here."""
    sent = await bench.refer()
    theirs = await bench.name_representative(sent, by=DESK)

    for representative in (IDS.new(), theirs):
        answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH, representative=representative))
        assert (answer.status_code, answer.json()["code"]) == (422, "representative_unknown")


async def test_the_last_record_of_a_representative_counts(bench: Bench) -> None:
    """A representation is ended by recording it anew with its end; what was said before stays said."""
    sent = await bench.refer()
    guardian = await bench.name_representative(sent)
    await bench.say(sent, GRANT, HEALTH, representative=guardian)
    bench.clock.at += timedelta(minutes=5)
    ended = {"representative_id": guardian, "valid_until": bench.clock.now()}
    await bench.name_representative(sent, bounds=ended)

    answer = await bench.post_statement(bench.statement(sent, GRANT, FINANCE, representative=guardian))

    assert answer.json()["code"] == "representation_not_valid"
    assert bench.opened(await bench.ask(sent))


async def test_naming_a_representative_twice_by_one_message(bench: Bench) -> None:
    """The same message again changes nothing, and other content under its id is refused."""
    sent = await bench.refer()
    manifest = CLINIC.representative(sent.id, RepresentationGround.PROXY)

    answers = [await bench.post("/representatives", manifest, by=CLINIC) for _ in range(2)]
    other = manifest.model_copy(
        update={"data": manifest.data.model_copy(update={"ground": RepresentationGround.CURATOR})}
    )
    refused = await bench.post("/representatives", other, by=CLINIC)

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_id")
    assert len(await bench.heard(RepresentativeRecorded)) == 1


async def test_spoken_to_the_recipient_until_it_is_confirmed(bench: Bench) -> None:
    """Spoken consent that the recipient wrote down opens health only once the person has confirmed it in writing."""
    sent = await bench.refer()
    spoken = (await bench.say(sent, GRANT, HEALTH, by=DESK, how=StatementMethod.SPOKEN)).json()["statement_id"]
    assert await health(bench, sent) == (CoverageState.TO_ASK, "spoken_to_recipient_only")

    await bench.say(sent, CONFIRM, HEALTH, by=DESK, confirms=spoken)

    assert await health(bench, sent) == (CoverageState.COVERED, "granted")
    assert bench.opened(await bench.ask(sent))


async def test_a_confirmation_of_nothing(bench: Bench) -> None:
    """A confirmation names a grant of this very person."""
    sent, other = await bench.refer(reference="one"), await bench.refer(reference="other")
    theirs = (await bench.say(other, GRANT, HEALTH)).json()["statement_id"]
    refusal = (await bench.say(sent, REFUSE, HEALTH)).json()["statement_id"]

    for confirmed in (IDS.new(), theirs, refusal):
        answer = await bench.post_statement(bench.statement(sent, CONFIRM, HEALTH, confirms=confirmed))
        assert (answer.status_code, answer.json()["code"]) == (422, "statement_unknown")


async def test_a_countersignature(bench: Bench) -> None:
    """Another agency of the person vouches for what the recipient heard; then it opens."""
    sent = await bench.refer()
    spoken = (await bench.say(sent, GRANT, HEALTH, by=DESK, how=StatementMethod.SPOKEN)).json()["statement_id"]
    manifest = CLINIC.countersignature(sent.id, spoken)

    answers = [await bench.post("/countersignatures", manifest, by=CLINIC) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert len(await bench.heard(StatementCountersigned)) == 1
    assert await health(bench, sent) == (CoverageState.COVERED, "granted")
    assert bench.opened(await bench.ask(sent))


async def test_countersignatures_that_are_none(bench: Bench) -> None:
    """The recorder cannot vouch for itself, nor a stranger for a person it has no referral of."""
    sent = await bench.refer(reference="one")
    other = await bench.refer(reference="other", sender=NPO)
    spoken = (await bench.say(sent, GRANT, HEALTH, by=DESK, how=StatementMethod.SPOKEN)).json()["statement_id"]

    own = await bench.post("/countersignatures", DESK.countersignature(sent.id, spoken), by=DESK)
    of_another = await bench.post("/countersignatures", NPO.countersignature(other.id, spoken), by=NPO)
    of_nothing = await bench.post("/countersignatures", NPO.countersignature(other.id, IDS.new()), by=NPO)
    no_party = await bench.post("/countersignatures", NPO.countersignature(sent.id, spoken), by=NPO)

    assert (own.status_code, own.json()["code"]) == (403, "not_permitted")
    assert of_another.json() == of_nothing.json()
    assert (of_another.status_code, of_another.json()["code"]) == (422, "statement_unknown")
    assert (no_party.status_code, no_party.json()["code"]) == (404, "referral_unknown")
    assert not await bench.heard(StatementCountersigned)
