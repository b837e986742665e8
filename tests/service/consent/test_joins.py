"""Joining what two agencies know of one person, by card or by word, and undoing it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from deploy.cli import app
from services.consent.use_cases import replay
from tests.builders.agency_messages import IDS
from tests.builders.consent_bench import CARD_DAYS, CLINIC, DESK, NPO, WARD, Bench, Sent
from tests.builders.joining import (
    card_of,
    issuing,
    join,
    joined,
    joining_by_card,
    joining_by_word,
    opened_card,
    preview,
    two,
    undo,
    unjoining,
)
from tsunagu_contracts.codes import (
    Category,
    CoverageState,
    JoinMethod,
    ObligationCause,
    RefusalCode,
    RepresentationGround,
    StatementKind,
    StatementMethod,
    UnjoinReason,
)
from tsunagu_contracts.events.consent import (
    CoverageDecided,
    ObligationIncurred,
    RecordJoined,
    RecordUnjoined,
    ReleaseGranted,
    StatementRecorded,
)

HEALTH, IDENTITY = Category.HEALTH, Category.IDENTITY
GRANT, REFUSE, WITHDRAW, CONFIRM = StatementKind
COVERED, TO_ASK, REFUSED, _ = CoverageState


async def health(bench: Bench, sent: Sent) -> CoverageState:
    """What consent last said of a referral's health section."""
    bench.hear_again()
    return (await bench.coverage(sent))[HEALTH][0]


@pytest.mark.parametrize("by_word", [False, True], ids=["card", "word"])
async def test_a_statement_reaches_all_joined_handles(bench: Bench, by_word: bool) -> None:
    """What the person says to one agency covers, and closes, the referrals of the other, before and after the join."""
    both = await two(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    assert await health(bench, both.npos) is TO_ASK

    manifest = (
        joining_by_word(bench, DESK, both.clinics, both.npos)
        if by_word
        else joining_by_card(bench, NPO, both.npos, await card_of(bench, both.clinics))
    )
    by = DESK if by_word else NPO
    answers = [await join(bench, manifest, by=by) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert await health(bench, both.npos) is COVERED
    assert bench.opened(await bench.ask(both.npos))
    await bench.say(both.npos, WITHDRAW, HEALTH, by=NPO)
    assert await health(bench, both.clinics) is REFUSED
    assert (await bench.ask(both.clinics)).json()["code"] == "not_covered"


async def test_the_join_stands_on_both_records(bench: Bench) -> None:
    """Each stream names the other record and both numbers, under the next number of its own."""
    both = await joined(bench)

    bench.hear_again()
    said = await bench.heard(RecordJoined)
    bench.hear_again()
    assert [(event.version, data.number) for event, data in said] == [(3, 3)] * 2
    one, other = (data for _, data in said)
    assert (one.record_id, one.number) == (other.other_record_id, other.other_number)
    assert (other.record_id, other.number) == (one.other_record_id, one.other_number)
    assert {one.how, other.how} == {JoinMethod.CARD}
    assert one.join_id == both.join_id
    await undo(bench, unjoining(NPO, both.join_id), by=NPO)
    undone = [(data.record_id, data.number, data.reason) for _, data in await bench.heard(RecordUnjoined)]
    reason = UnjoinReason.DIFFERENT_PERSONS
    assert set(undone) == {(one.record_id, 4, reason), (other.record_id, 4, reason)}


async def test_a_refusal_of_either_side_wins(bench: Bench) -> None:
    """Whichever was recorded last decides over both; of a no and a yes at the same moment the no does."""
    both = await two(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    bench.clock.at -= timedelta(seconds=1)
    await bench.say(both.npos, REFUSE, HEALTH, by=NPO)

    await join(bench, joining_by_word(bench, DESK, both.clinics, both.npos), by=DESK)

    assert [await health(bench, sent) for sent in (both.clinics, both.npos)] == [REFUSED, REFUSED]


async def test_moments_of_joined_records_differ(bench: Bench) -> None:
    """While the clock stands still every word of either record gets a later moment than all before."""
    both = await joined(bench)
    bench.clock.at += timedelta(seconds=1)
    for sent, by in ((both.clinics, CLINIC), (both.npos, NPO), (both.clinics, CLINIC)):
        answer = await bench.post_statement(bench.statement(sent, REFUSE, HEALTH, by=by), by=by)
        assert answer.status_code == 201

    moments = [data.recorded_at for _, data in await bench.heard(StatementRecorded)]
    assert moments == sorted(set(moments))


async def test_what_supports_a_grant_may_come_from_the_other_side(bench: Bench) -> None:
    """A countersignature and a confirmation at one agency are good for what another recorded; a guardian speaks."""
    both = await joined(bench)
    spoken = {"how": StatementMethod.SPOKEN}
    heard = (await bench.say(both.clinics, GRANT, HEALTH, by=DESK, **spoken)).json()["statement_id"]
    assert await health(bench, both.npos) is TO_ASK

    answer = await bench.post("/countersignatures", NPO.countersignature(both.npos.id, heard), by=NPO)
    assert (answer.status_code, await health(bench, both.clinics)) == (201, COVERED)
    await bench.say(both.npos, CONFIRM, HEALTH, by=DESK, confirms=heard)
    guardian = await bench.name_representative(both.clinics, RepresentationGround.ADULT_GUARDIAN, by=DESK)
    await bench.say(both.npos, WITHDRAW, HEALTH, by=DESK, representative=guardian)
    assert await health(bench, both.clinics) is REFUSED


async def test_a_release_names_what_it_was_decided_on(bench: Bench) -> None:
    """The event has the statement's number in its own record and the other records' numbers; replayed it says yes."""
    both = await two(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    manifest = joining_by_card(bench, NPO, both.npos, await card_of(bench, both.clinics))
    await join(bench, manifest, by=NPO)
    bench.opened(await bench.ask(both.npos))
    [(_, granted)] = await bench.heard(ReleaseGranted)
    await bench.say(both.clinics, WITHDRAW, HEALTH)
    await undo(bench, unjoining(NPO, manifest.data.join_id), by=NPO)

    assert granted.statement_number == 3
    assert granted.joined is not None
    [other] = granted.joined
    assert (other.record_id != granted.record_id, other.number) == (True, 4)
    for numbers in (None, {other.record_id: other.number}):
        async with bench.database.reading() as session:
            reading = await replay.read(
                session, both.npos.id, as_of=granted.number - 1, at=granted.decided_at, joined=numbers
            )
        found = {section.category: decision for section, decision in reading.decisions}[HEALTH]
        assert (found.permit, found.statement_id, found.statement_number) == (True, granted.statement_id, 3)
    url = bench.database.engine.url.render_as_string(hide_password=False)
    command = ["decide", both.npos.id, "--database-url", url, "--as-of", str(granted.number - 1), "--joined"]
    shown = CliRunner().invoke(app, [*command, f"{other.record_id}:{other.number}"], env={"COLUMNS": "300"})
    assert f"3 ({granted.statement_id})" in shown.output
    assert CliRunner().invoke(app, [*command, "nothing"]).exit_code == 2


async def test_a_join_counts_for_the_moments_at_which_it_stood(bench: Bench) -> None:
    """A party reads what was covered before the join, while it stood, and after it was undone."""
    both = await two(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    moments = [bench.clock.now()]
    bench.clock.at += timedelta(minutes=1)
    manifest = joining_by_word(bench, DESK, both.clinics, both.npos)
    await join(bench, manifest, by=DESK)
    moments.append(bench.clock.now())
    bench.clock.at += timedelta(minutes=1)
    await undo(bench, unjoining(DESK, manifest.data.join_id), by=DESK)
    moments.append(bench.clock.now())

    found = []
    for moment in moments:
        asked = {"referral_id": both.npos.id, "at": moment.isoformat()}
        answer = await bench.client.post("/decisions", json=asked, headers=bench.headers(NPO))
        found.append({each["category"]: each["reason"] for each in answer.json()["sections"]}[HEALTH])
    assert found == ["no_statement", "granted", "no_statement"]


async def test_undoing_shows_its_consequences_and_obliges(bench: Bench) -> None:
    """Beforehand each agency is shown its own part; afterwards what was opened under the other's word is owed."""
    both = await two(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    manifest = joining_by_card(bench, NPO, both.npos, await card_of(bench, both.clinics))
    await join(bench, manifest, by=NPO)
    for sent in (both.clinics, both.npos):
        bench.opened(await bench.ask(sent))
    section = {"referral_id": both.npos.id, "section_id": both.npos.section(HEALTH), "category": "health"}

    shown = {by.id: (await preview(bench, manifest.data.join_id, by=by)).json() for by in (CLINIC, DESK, NPO)}

    assert {by: [each["referral_id"] for each in told["changes"]] for by, told in shown.items()} == {
        CLINIC.id: [],
        DESK.id: [both.npos.id],
        NPO.id: [both.npos.id],
    }
    assert {by: told["owed"] for by, told in shown.items()} == {CLINIC.id: [], DESK.id: [section], NPO.id: []}
    assert await bench.owed(DESK) == []
    answers = [await undo(bench, again, by=CLINIC) for again in [unjoining(CLINIC, manifest.data.join_id)] * 2]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    [(_, owed)] = await bench.heard(ObligationIncurred)
    assert (owed.agency_id, owed.section_id, owed.cause) == (
        DESK.id,
        both.npos.section(HEALTH),
        ObligationCause.JOINED_BY_MISTAKE,
    )
    assert [await health(bench, sent) for sent in (both.clinics, both.npos)] == [COVERED, TO_ASK]
    assert (await bench.ask(both.npos)).json()["code"] == "not_covered"
    other = await undo(bench, unjoining(DESK, manifest.data.join_id), by=DESK)
    assert (other.status_code, other.json()["code"]) == (409, RefusalCode.JOIN_UNDONE)
    await bench.say(both.clinics, WITHDRAW, HEALTH)
    assert await health(bench, both.npos) is TO_ASK


async def test_what_is_joined_twice_stays_joined_when_one_join_is_undone(bench: Bench) -> None:
    """Joining what is joined already answers as a first join does, and stands by itself."""
    both = await joined(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    again = joining_by_word(bench, DESK, both.npos, both.clinics)

    answer = await join(bench, again, by=DESK)

    assert (answer.status_code, set(answer.json())) == (201, {"join_id", "joined_at"})
    await undo(bench, unjoining(NPO, both.join_id), by=NPO)
    assert await health(bench, both.npos) is COVERED
    await undo(bench, unjoining(DESK, again.data.join_id), by=DESK)
    assert await health(bench, both.npos) is TO_ASK


async def test_a_new_card_voids_the_one_before(bench: Bench) -> None:
    """A lost card is worthless once there is a new one, also where another agency of the person issued it."""
    both = await joined(bench)
    manifest = issuing(CLINIC, both.clinics.id)
    lost = [opened_card(await bench.post("/cards", manifest, by=CLINIC), CLINIC) for _ in range(2)]
    found = await card_of(bench, both.npos, by=NPO)
    third = await bench.refer(reference="ward-7", sender=WARD)

    answers = [await join(bench, joining_by_card(bench, WARD, third, each), by=WARD) for each in (*lost, found)]

    assert [answer.status_code for answer in answers] == [422, 422, 201]
    changed = manifest.model_copy(update={"data": manifest.data.model_copy(update={"referral_id": third.id})})
    assert (await bench.post("/cards", changed, by=CLINIC)).json()["code"] == "referral_unknown"
    text = await bench.everything()
    assert not [secret for secret in (*lost, found) if secret in text]


async def test_nothing_is_told_of_whom_another_agency_knows(bench: Bench) -> None:
    """Every card that is not good and every referral, join and obligation of others gets one and the same answer."""
    both = await joined(bench)
    third = await bench.refer(reference="ward-7", sender=WARD)
    used, old = await card_of(bench, both.clinics), await card_of(bench, both.clinics)
    assert (await join(bench, joining_by_card(bench, NPO, both.npos, old), by=NPO)).status_code == 201
    expired = await card_of(bench, third, by=WARD)
    bench.clock.at += timedelta(days=CARD_DAYS)
    fresh = await card_of(bench, both.clinics)
    not_theirs = joining_by_card(bench, NPO, third, fresh)
    theirs = not_theirs.model_copy(
        update={"source": f"agency/{WARD.id}", "actor": f"coordinator:{WARD.coordinator}", "appointment": "ap-0090"}
    )

    manifests = [joining_by_card(bench, WARD, third, secret) for secret in (used, old, expired, "A" * 22)]
    cards = [await join(bench, manifest, by=WARD) for manifest in (*manifests, theirs)]
    assert {answer.text for answer in cards} == {cards[0].text}
    assert (cards[0].status_code, cards[0].json()["code"]) == (422, RefusalCode.CARD_NOT_VALID)

    words = [joining_by_word(bench, WARD, third, other) for other in (both.clinics, await bench.sealed_referral())]
    referrals = [await join(bench, manifest, by=WARD) for manifest in words]
    referrals += [await bench.post("/cards", issuing(WARD, id_), by=WARD) for id_ in (both.clinics.id, IDS.new())]
    assert {answer.text for answer in referrals} == {referrals[0].text}
    assert (referrals[0].status_code, referrals[0].json()["code"]) == (404, "referral_unknown")

    unknown = [await undo(bench, unjoining(WARD, id_), by=WARD) for id_ in (both.join_id, IDS.new())]
    unknown += [await preview(bench, id_, by=WARD) for id_ in (both.join_id, IDS.new())]
    assert {answer.text for answer in unknown} == {unknown[0].text}
    assert (unknown[0].status_code, unknown[0].json()["code"]) == (404, RefusalCode.JOIN_UNKNOWN)


async def test_a_card_shown_to_who_issued_it_answers_as_any_other(bench: Bench) -> None:
    """Whoever is shown a card learns nothing from the answer, not even that it is of a record of their own."""
    sent = await bench.refer(reference="karte-7")
    manifest = joining_by_card(bench, CLINIC, sent, await card_of(bench, sent))

    answer = await join(bench, manifest, by=CLINIC)

    assert (answer.status_code, set(answer.json())) == (201, {"join_id", "joined_at"})
    assert (await undo(bench, unjoining(CLINIC, manifest.data.join_id), by=CLINIC)).status_code == 201
    assert (await bench.say(sent, GRANT, HEALTH)).status_code == 201


async def test_a_join_is_recorded_once(bench: Bench) -> None:
    """Other content under a known message or join id is refused, and what was said in the future."""
    both = await joined(bench)
    manifest = joining_by_word(bench, DESK, both.clinics, both.npos)
    await join(bench, manifest, by=DESK)
    later = manifest.data.model_copy(update={"stated_at": bench.clock.now() + timedelta(hours=1)})

    same_message = await join(bench, manifest.model_copy(update={"data": later}), by=DESK)
    same_join = await join(bench, manifest.model_copy(update={"id": IDS.new()}), by=DESK)
    fresh = later.model_copy(update={"join_id": IDS.new()})
    early = await join(bench, manifest.model_copy(update={"id": IDS.new(), "data": fresh}), by=DESK)

    codes = [answer.json()["code"] for answer in (same_message, same_join, early)]
    assert codes == ["duplicate_id", "duplicate_id", "stated_in_future"]


async def test_parties_hear_of_no_stranger(bench: Bench) -> None:
    """Coverage of a referral names who brought it about only where that agency is a party of it."""
    both = await joined(bench)
    bench.hear_again()
    await bench.heard(CoverageDecided)

    await bench.say(both.npos, GRANT, HEALTH, by=NPO)

    actors = {data.referral_id: (event.actor, event.appointment) for event, data in await bench.heard(CoverageDecided)}
    assert actors == {
        both.clinics.id: ("system:consent", None),
        both.npos.id: (f"coordinator:{NPO.coordinator}", NPO.appointment),
    }


async def test_new_referrals_of_either_side_are_covered(bench: Bench) -> None:
    """A referral that comes in after the join is covered by what was said to the other agency."""
    both = await joined(bench)
    await bench.say(both.clinics, GRANT, HEALTH)

    later = await bench.refer(reference="npo-7", sender=NPO)

    assert await health(bench, later) is COVERED
    async with bench.database.reading() as session:
        assert await session.scalar(sa.text("SELECT count(DISTINCT group_id) FROM persons")) == 1
