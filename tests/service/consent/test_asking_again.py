"""Asking again: before a grant ends, each year where it has no end, and when something changes in a life."""

from datetime import timedelta

import pytest

from services.consent.use_cases.asking_in_time import ask_again, remind_and_lapse
from tests.builders.asking import answer_review, ask, changing, open_requests, report
from tests.builders.consent_bench import CLINIC, DESK, NPO, RENEW_DAYS, REVIEW_DAYS, WARD, Bench, Sent
from tests.builders.erasing import erasure
from tests.builders.joining import joined
from tests.service.consent.test_erasures import erase
from tsunagu_contracts.codes import Category, PersonChange, RequestKind, ReviewAnswer, StatementKind
from tsunagu_contracts.events.consent import (
    GrantRenewalDue,
    PersonChanged,
    RequestAnswered,
    RequestReminded,
    ReviewOpened,
    StatementRecorded,
)

HEALTH, CONTACT = Category.HEALTH, Category.CONTACT
GRANT, REFUSE, WITHDRAW, _ = StatementKind
DAY = timedelta(days=1)


async def due(bench: Bench) -> list[GrantRenewalDue]:
    """What the timer has said of renewals, after it has run twice at once."""
    await ask_again(bench.database, bench.custody)
    await ask_again(bench.database, bench.custody)
    bench.hear_again()
    return [data for _, data in await bench.heard(GrantRenewalDue)]


async def test_before_a_grant_ends_its_recorder_asks_again_once(bench: Bench) -> None:
    """The request has the end as its date, names what still rests on the grant, and a new word answers it."""
    sent = await bench.refer()
    ends = bench.clock.now() + 100 * timedelta(days=1)
    granted = await bench.say(sent, GRANT, HEALTH, CONTACT, valid_until=ends)
    await bench.say(sent, WITHDRAW, CONTACT)
    bench.clock.at = ends - (RENEW_DAYS + 1) * timedelta(days=1)
    assert await due(bench) == []

    bench.clock.at = ends - RENEW_DAYS * timedelta(days=1)
    [said] = await due(bench)
    assert (said.statement_id, said.agency_id) == (granted.json()["statement_id"], CLINIC.id)
    assert (said.categories, said.deadline, said.kind) == ((HEALTH,), ends, RequestKind.RENEWAL)
    assert [each["request_id"] for each in await open_requests(bench)] == [said.request_id]

    await bench.say(sent, GRANT, HEALTH, valid_until=ends + 100 * timedelta(days=1))
    assert await open_requests(bench) == []


async def test_nobody_asks_again_what_is_settled(bench: Bench) -> None:
    """Taken back, given anew or over: then the end of a grant is nobody's business."""
    ends = bench.clock.now() + 100 * timedelta(days=1)
    withdrawn, renewed = await bench.refer(reference="one"), await bench.refer(reference="other")
    await bench.say(withdrawn, GRANT, HEALTH, valid_until=ends)
    await bench.say(withdrawn, WITHDRAW, HEALTH)
    await bench.say(renewed, GRANT, HEALTH, valid_until=ends)
    await bench.say(renewed, GRANT, HEALTH, valid_until=ends + 1000 * timedelta(days=1))
    bench.clock.at = ends - DAY
    assert await due(bench) == []

    await bench.say(withdrawn, GRANT, HEALTH, valid_until=bench.clock.now() + 10 * timedelta(days=1))
    bench.clock.at += 20 * timedelta(days=1)
    assert await due(bench) == []


async def test_a_grant_without_an_end_is_looked_at_again_and_again(bench: Bench) -> None:
    """Its agency may say that nothing changes; after the set time it is asked again."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    for times in (1, 2):
        bench.clock.at += REVIEW_DAYS * timedelta(days=1)
        said = await due(bench)
        assert [each.kind for each in said] == [RequestKind.YEARLY_REVIEW] * times
        assert said[-1].deadline - said[-1].noticed_at == RENEW_DAYS * timedelta(days=1)
        answers = [await answer_review(bench, said[-1].request_id) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 200]
        assert answers[0].json() == answers[1].json()
        otherwise = await answer_review(bench, said[-1].request_id, ReviewAnswer.NOT_REACHED)
        assert (otherwise.status_code, otherwise.json()["code"]) == (409, "request_ended")
        assert await open_requests(bench) == []


async def opened(bench: Bench) -> list[tuple[str, PersonChange]]:
    """Every review that was said: whose, and because of what."""
    bench.hear_again()
    return [(data.agency_id, data.change) for _, data in await bench.heard(ReviewOpened)]


async def test_a_change_lets_those_look_again_who_rest_on_the_word(bench: Bench) -> None:
    """Who sent an open referral and who recorded a standing grant look again, once for one change, and nobody else."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, by=DESK)
    await report(bench, sent, PersonChange.MOVED_AWAY)
    await report(bench, sent, PersonChange.MOVED_AWAY, by=DESK)

    assert await opened(bench) == [(CLINIC.id, PersonChange.MOVED_AWAY), (DESK.id, PersonChange.MOVED_AWAY)]
    [at_clinic] = await open_requests(bench, CLINIC)
    assert (at_clinic["kind"], at_clinic["change"], at_clinic["categories"]) == ("change_review", "moved_away", [])
    assert await open_requests(bench, NPO) == []
    assert (await answer_review(bench, str(at_clinic["request_id"]))).status_code == 201
    assert bench.opened(await bench.ask(sent))  # no decision changes by it

    await bench.say(sent, WITHDRAW, HEALTH, by=DESK)
    assert await open_requests(bench, DESK) == []
    bench.hear_again()
    assert [data.agency_id for _, data in await bench.heard(RequestAnswered)] == [CLINIC.id, DESK.id]


async def test_a_report_twice_and_by_a_stranger(bench: Bench) -> None:
    """The same message again changes nothing, other content under its id is refused, and so is who is no party."""
    sent = await bench.refer()
    manifest = changing(sent, PersonChange.MOVED_AWAY)
    other = manifest.model_copy(update={"data": manifest.data.model_copy(update={"change": PersonChange.DIED})})

    answers = [await bench.post("/changes", manifest, by=CLINIC) for _ in range(2)]
    refused = await bench.post("/changes", other, by=CLINIC)
    stranger = await bench.post("/changes", changing(sent, PersonChange.DIED, by=NPO), by=NPO)

    assert [answer.status_code for answer in answers] == [201, 200]
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_id")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "referral_unknown")
    assert len(await bench.heard(PersonChanged)) == 1


async def refusal(bench: Bench, sent: Sent, kind: StatementKind, **changes: str) -> str | None:
    """The code with which a statement on health is refused; None where it is recorded."""
    bench.clock.at += timedelta(seconds=1)
    manifest = bench.statement(sent, kind, HEALTH)
    said = manifest.model_copy(update={"data": manifest.data.model_copy(update=changes)})
    answer = await bench.post_statement(said)
    return None if answer.status_code == 201 else str(answer.json()["code"])


async def test_after_a_death_nothing_new_is_agreed_to(bench: Bench) -> None:
    """No grant by anybody, always a refusal; and a report made in error can be taken back by who made it alone."""
    sent = await bench.refer()
    guardian = await bench.name_representative(sent)
    mistaken = await report(bench, sent, PersonChange.DIED)

    assert await refusal(bench, sent, GRANT) == "person_has_died"
    assert await refusal(bench, sent, GRANT, representative=guardian) == "person_has_died"
    assert await refusal(bench, sent, REFUSE) is None
    await report(bench, sent, PersonChange.ENTERED_IN_ERROR, by=DESK, change_id=mistaken)
    assert await refusal(bench, sent, GRANT) == "person_has_died"

    await report(bench, sent, PersonChange.ENTERED_IN_ERROR, change_id=mistaken)
    assert await refusal(bench, sent, GRANT) is None


async def test_without_capacity_the_person_agrees_to_nothing_new(bench: Bench) -> None:
    """Their own new grant is refused until capacity is regained; a no never, and a guardian goes on speaking."""
    sent = await bench.refer()
    guardian = await bench.name_representative(sent)
    confirmed = (await bench.say(sent, GRANT, HEALTH)).json()["statement_id"]
    await report(bench, sent, PersonChange.LOST_CAPACITY)

    assert await refusal(bench, sent, GRANT) == "capacity_lost"
    assert await refusal(bench, sent, StatementKind.CONFIRM, confirms=confirmed) == "capacity_lost"
    assert await refusal(bench, sent, WITHDRAW) is None
    assert await refusal(bench, sent, GRANT, representative=guardian) is None

    await report(bench, sent, PersonChange.REGAINED_CAPACITY, by=DESK)
    assert await refusal(bench, sent, GRANT) is None


async def test_after_a_death_nobody_is_to_renew(bench: Bench) -> None:
    """The end of a grant is not asked about any more."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, valid_until=bench.clock.now() + 100 * timedelta(days=1))
    await report(bench, sent, PersonChange.DIED)
    bench.clock.at += 90 * timedelta(days=1)

    assert await due(bench) == []


@pytest.mark.parametrize("kind", [GRANT, REFUSE, WITHDRAW])
async def test_a_yes_needs_a_published_notice(bench: Bench, kind: StatementKind) -> None:
    """A grant to a text that nobody published is not recorded; a no is, whatever was shown."""
    sent = await bench.refer()
    manifest = bench.statement(sent, kind, HEALTH)
    forged = manifest.data.notice.model_copy(update={"version": "2026-05"})
    changed = manifest.model_copy(update={"data": manifest.data.model_copy(update={"notice": forged})})

    answer = await bench.post_statement(changed)

    expected = (422, "notice_unknown") if kind is GRANT else (201, None)
    assert (answer.status_code, answer.json().get("code")) == expected
    assert len(await bench.heard(StatementRecorded)) == (kind is not GRANT)


async def test_the_notices_can_be_read(bench: Bench) -> None:
    """Consent shows what a person may be shown, with the hashes that statements name."""
    answer = await bench.client.get("/notices", headers=bench.headers(CLINIC))
    sent = await bench.refer()
    named = bench.statement(sent, GRANT, HEALTH).data.notice

    shown = [each for each in answer.json()["items"] if each["language"] == named.language]
    assert [(each["version"], each["hash"]) for each in shown] == [(named.version, named.hash)]
    assert (await bench.client.get("/notices")).status_code == 401


async def test_what_is_reported_to_one_record_is_not_told_to_a_joined_one(bench: Bench) -> None:
    """A review or a refusal because of a change would tell an agency that another one knows the person."""
    both = await joined(bench)
    before = await open_requests(bench, NPO)

    await report(bench, both.clinics, PersonChange.DIED)

    assert await refusal(bench, both.clinics, GRANT) == "person_has_died"
    assert (await bench.post_statement(bench.statement(both.npos, GRANT, HEALTH, by=NPO), by=NPO)).status_code == 201
    assert await open_requests(bench, NPO) == before


async def test_an_erased_person_is_not_asked_again(bench: Bench) -> None:
    """Nobody is to renew what an erased person had granted."""
    sent = await bench.refer(sender=WARD, reference="one")
    await bench.say(sent, GRANT, HEALTH, by=WARD)
    await erase(bench, erasure(sent))
    bench.clock.at += REVIEW_DAYS * timedelta(days=1)
    await ask_again(bench.database, bench.custody)
    assert await bench.heard(GrantRenewalDue) == []


async def test_an_erasure_ends_open_requests(bench: Bench) -> None:
    """Nobody is reminded to ask a person who is erased."""
    sent = await bench.refer(sender=WARD, reference="one")
    await ask(bench, sent, HEALTH)
    assert len(await open_requests(bench, WARD)) == 1
    await erase(bench, erasure(sent))
    assert await open_requests(bench, WARD) == []
    bench.clock.at += 6 * timedelta(days=1)
    await remind_and_lapse(bench.database)
    assert await bench.heard(RequestReminded) == []


async def test_a_change_after_an_erasure_opens_no_review(bench: Bench) -> None:
    """Nothing rests any more on what an erased person has said."""
    sent = await bench.refer(sender=WARD, reference="one")
    await bench.say(sent, GRANT, HEALTH, by=WARD)
    await erase(bench, erasure(sent))
    await report(bench, sent, PersonChange.MOVED_AWAY, by=WARD)
    assert await bench.heard(ReviewOpened) == []
