"""Recording the person's word: who may bring it, what is refused, and what it changes at once."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.builders.agency_messages import NOW, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, YEAR, Bench, resigned
from tsunagu_contracts.codes import Category, CoverageState, ReferralState, RefusalCode, StatementKind, StatementMethod
from tsunagu_contracts.events.consent import CoverageDecided, RequestRefused, StatementRecorded
from tsunagu_contracts.manifests import verify_manifest

GRANT, REFUSE, WITHDRAW = StatementKind.GRANT, StatementKind.REFUSE, StatementKind.WITHDRAW
HEALTH, IDENTITY = Category.HEALTH, Category.IDENTITY


async def test_a_grant_covers_what_it_names(bench: Bench) -> None:
    """A grant covers the categories it names, for the agency it names, from the moment it is recorded."""
    sent = await bench.refer()

    await bench.say(sent, GRANT, HEALTH, IDENTITY)

    coverage = await bench.coverage(sent)
    assert {category for category, (state, _) in coverage.items() if state is CoverageState.COVERED} == {
        HEALTH,
        IDENTITY,
    }


async def test_the_event_carries_the_signed_message(bench: Bench) -> None:
    """What was recorded travels with the agency's signature, the appointment and the person's number."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)

    [(event, said)] = await bench.heard(StatementRecorded)

    assert event.version == said.number == 3
    assert event.actor == f"coordinator:{CLINIC.coordinator}"
    assert event.appointment == CLINIC.appointment
    assert said.recorded_at == bench.clock.now()
    manifest = verify_manifest(said.manifest, CLINIC.signing.public, CLINIC.id)
    assert manifest.id == said.message_id


async def test_coverage_of_every_open_referral_is_said_again(bench: Bench) -> None:
    """A statement on one referral changes what is covered of the person's others; closed ones rest."""
    first = await bench.refer(reference="karte-7")
    second = await bench.refer(reference="karte-7")
    third = await bench.refer(reference="karte-7")
    stranger = await bench.refer(reference="karte-8")
    await bench.end(third)
    await bench.heard(CoverageDecided)

    await bench.say(first, GRANT, HEALTH)

    said = await bench.heard(CoverageDecided)
    assert {data.referral_id for _, data in said} == {first.id, second.id}
    assert stranger.id not in {data.referral_id for _, data in said}
    assert {event.actor for event, _ in said} == {f"coordinator:{CLINIC.coordinator}"}


async def test_a_halted_referral_hears_of_a_new_grant(bench: Bench) -> None:
    """A referral that rests is told when something of it is covered again."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)
    await bench.end(sent, ReferralState.HALTED)
    await bench.heard(CoverageDecided)

    await bench.say(sent, GRANT, HEALTH)

    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.COVERED, "granted")


async def test_a_late_offline_grant_is_void(bench: Bench) -> None:
    """A grant stated before a withdrawal and sent after it is recorded and opens nothing."""
    sent = await bench.refer()
    stated = bench.clock.now()
    await bench.say(sent, GRANT, HEALTH)
    await bench.say(sent, WITHDRAW, HEALTH)

    await bench.say(sent, GRANT, HEALTH, stated_at=stated)

    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.REFUSED, "grant_stated_before_negative")


async def test_spoken_to_the_recipient_alone(bench: Bench) -> None:
    """What only the recipient heard covers identity and contact, until somebody else records more."""
    sent = await bench.refer()

    await bench.say(sent, GRANT, *Category, by=DESK, how=StatementMethod.SPOKEN)

    coverage = await bench.coverage(sent)
    assert {category for category, (state, _) in coverage.items() if state is CoverageState.COVERED} == {
        IDENTITY,
        Category.CONTACT,
    }
    assert coverage[HEALTH] == (CoverageState.TO_ASK, "spoken_to_recipient_only")


async def test_both_parties_may_record(bench: Bench) -> None:
    """The addressee may write down the person's word too."""
    sent = await bench.refer()

    await bench.say(sent, REFUSE, HEALTH, by=DESK)

    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.REFUSED, "refused_by_person")


async def test_a_grant_to_an_agency_that_does_not_exist(bench: Bench) -> None:
    """A grant names agencies of the network; a refusal is recorded whomever it names."""
    sent = await bench.refer()

    granted = await bench.post_statement(bench.statement(sent, GRANT, HEALTH, recipients=(DESK.id, "no-such")))
    refused = await bench.post_statement(bench.statement(sent, REFUSE, HEALTH, recipients=(DESK.id, "no-such")))

    assert (granted.status_code, granted.json()["code"]) == (422, RefusalCode.AGENCY_UNKNOWN)
    assert refused.status_code == 201
    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.REFUSED, "refused_by_person")


async def test_a_grant_that_is_over_is_refused(bench: Bench) -> None:
    """A grant whose period has passed is not recorded; a withdrawal with such a period is, and counts."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    begun, ended = bench.clock.now() - timedelta(days=2), bench.clock.now() - timedelta(days=1)

    granted, withdrawn = [
        await bench.post_statement(bench.statement(sent, kind, HEALTH, valid_from=begun, valid_until=ended))
        for kind in (GRANT, WITHDRAW)
    ]

    assert (granted.status_code, granted.json()["code"]) == (422, RefusalCode.ALREADY_ENDED)
    assert withdrawn.status_code == 201
    assert (await bench.coverage(sent))[HEALTH] == (CoverageState.REFUSED, "withdrawn_by_person")


async def test_a_refused_message_is_recorded(bench: Bench) -> None:
    """Each try of an authentic message that is refused is said with its code, and on no person's record."""
    sent = await bench.refer()
    tried = bench.statement(sent, GRANT, HEALTH, by=NPO)

    for _ in range(2):
        assert (await bench.post_statement(tried, by=NPO)).status_code == 404

    refused = await bench.heard(RequestRefused)
    assert [(data.agency_id, data.message_id, data.code) for _, data in refused] == [
        (NPO.id, tried.id, RefusalCode.REFERRAL_UNKNOWN)
    ] * 2
    assert len({event.aggregate for event, _ in refused}) == 2
    assert {event.aggregate.partition(":")[0] for event, _ in refused} == {"refusal"}


async def test_whoever_is_no_party_learns_nothing(bench: Bench) -> None:
    """An agency that is no party gets the answer that it gets for a referral that does not exist."""
    sent = await bench.refer()
    known = bench.statement(sent, GRANT, HEALTH, by=NPO)
    unknown = known.model_copy(update={"data": known.data.model_copy(update={"referral_id": "no-such"})})

    first = await bench.post_statement(known, by=NPO)
    second = await bench.post_statement(unknown, by=NPO)

    assert first.status_code == second.status_code == 404
    assert first.json() == second.json()
    assert first.json()["code"] == "referral_unknown"


async def test_nothing_is_recorded_on_a_referral_without_a_person(bench: Bench) -> None:
    """A referral that was invalid as a whole has no person whose word could be recorded on it."""
    sent = resigned(await bench.sealed_referral(), NPO)
    await bench.take_in(sent)

    answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH))

    assert answer.json()["code"] == "referral_unknown"


async def test_a_grant_from_the_future_is_refused(bench: Bench) -> None:
    """Nobody has agreed tomorrow yet; what the two clocks may differ by is forgiven."""
    sent = await bench.refer()
    ahead = bench.statement(sent, GRANT, HEALTH, stated_at=NOW + timedelta(seconds=1))
    future = bench.statement(sent, GRANT, HEALTH, stated_at=NOW + timedelta(hours=1))

    assert (await bench.post_statement(future)).json()["code"] == "stated_in_future"
    assert (await bench.post_statement(ahead)).status_code == 201


@pytest.mark.parametrize("kind", [REFUSE, WITHDRAW])
async def test_a_no_is_held_up_by_no_clock(bench: Bench, kind: StatementKind) -> None:
    """A refusal or withdrawal is recorded while the clock runs behind, and whatever its date says."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    latest = bench.clock.now()
    bench.clock.at -= timedelta(hours=1)

    grant = await bench.post_statement(bench.statement(sent, GRANT, IDENTITY))
    no = await bench.post_statement(bench.statement(sent, kind, HEALTH, stated_at=NOW + YEAR / 2))

    assert grant.json()["code"] == "clock_stepped_back"
    assert no.status_code == 201
    assert (await bench.heard(StatementRecorded))[-1][1].recorded_at == latest
    bench.hear_again()
    assert (await bench.coverage(sent))[HEALTH][0] is CoverageState.REFUSED


async def test_the_same_message_again_changes_nothing(bench: Bench) -> None:
    """A repeated message is answered as before, also when it is signed anew, and takes no number."""
    sent = await bench.refer()
    manifest = bench.statement(sent, GRANT, HEALTH)

    first, again = await bench.post_statement(manifest), await bench.post_statement(manifest)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(await bench.heard(StatementRecorded)) == 1


@pytest.mark.parametrize("same", ["statement", "message"])
async def test_an_id_with_other_content_is_refused(bench: Bench, same: str) -> None:
    """The id of a statement or of a message cannot be used for something else."""
    sent = await bench.refer()
    first = bench.statement(sent, GRANT, HEALTH)
    other = bench.statement(sent, GRANT, *Category)
    if same == "statement":
        data = other.data.model_copy(update={"statement_id": first.data.statement_id})
        other = other.model_copy(update={"data": data})
    else:
        other = other.model_copy(update={"id": first.id})
    await bench.post_statement(first)

    answer = await bench.post_statement(other)

    assert answer.json()["code"] == "duplicate_id"
    assert len(await bench.heard(StatementRecorded)) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"appointment": "ap-9999"}, "appointment_unknown"),
        ({"appointment": DESK.appointment}, "appointment_of_another"),
        ({"actor": f"coordinator:{DESK.coordinator}"}, "actor_mismatch"),
    ],
)
async def test_who_may_record(bench: Bench, changes: dict[str, str], code: str) -> None:
    """A statement is recorded by the coordinator who brings it, under an appointment of their own."""
    sent = await bench.refer()
    manifest = bench.statement(sent, GRANT, HEALTH).model_copy(update=changes)

    answer = await bench.post_statement(manifest)

    assert answer.json()["code"] == code


async def test_an_appointment_that_has_ended(bench: Bench) -> None:
    """A coordinator whose appointment has ended records nothing any more."""
    sent = await bench.refer()
    bench.clock.at = NOW + 2 * YEAR

    answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH))

    assert answer.json()["code"] == "appointment_not_valid"


async def test_the_token_must_be_the_coordinators(bench: Bench) -> None:
    """The agency's own program cannot bring a coordinator's statement as its own."""
    sent = await bench.refer()

    answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH), subject=f"system:{CLINIC.id}")

    assert answer.json()["code"] == "actor_mismatch"


async def test_a_token_of_another_agency(bench: Bench) -> None:
    """An agency cannot bring what another one has signed, even for a coordinator it vouches for."""
    sent = await bench.refer()
    raw = CLINIC.message(bench.statement(sent, GRANT, HEALTH)).to_bytes()
    headers = bench.headers(NPO, f"coordinator:{CLINIC.coordinator}")

    answer = await bench.client.post("/statements", content=raw, headers=headers)

    assert answer.json()["code"] == "sender_mismatch"


async def test_signatures_are_verified(bench: Bench) -> None:
    """A statement in one agency's name with another's signature, or with one byte changed, is refused."""
    sent = await bench.refer()
    manifest = bench.statement(sent, GRANT, HEALTH)
    forged = SendingAgency(id=CLINIC.id).message(manifest).to_bytes()
    raw = bytearray(CLINIC.message(manifest).to_bytes())
    raw[raw.index(b".") + 40] ^= 1

    codes = [
        (await bench.client.post("/statements", content=content, headers=bench.headers(CLINIC))).json()["code"]
        for content in (forged, bytes(raw))
    ]

    assert codes[0] == "unknown_key"
    assert codes[1] in {"signature_invalid", "malformed_json", "not_utf8", "token_malformed"}
    assert not await bench.heard(StatementRecorded)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed_json"),
        (b"[]", "malformed_json"),
        (b'{"manifest": {"payload": "x"}}', "json_serialisation"),
        (b'{"manifest": "x"}', "token_malformed"),
        (b" " * (900 * 1024 + 1), "oversize"),
    ],
)
async def test_bad_input(bench: Bench, raw: bytes, code: str) -> None:
    """What is no message is refused with a stable code."""
    answer = await bench.client.post("/statements", content=raw, headers=bench.headers(CLINIC))

    assert answer.json()["code"] == code


async def test_another_kind_of_message(bench: Bench) -> None:
    """A referral is not a statement."""
    sent = await bench.sealed_referral()
    raw = CLINIC.message(sent.manifest, sent.sealed).to_bytes()

    answer = await bench.client.post("/statements", content=raw, headers=bench.headers(CLINIC))

    assert answer.json()["code"] == "unknown_type"


async def test_statement_and_coverage_are_one_transaction(bench: Bench) -> None:
    """When what a statement changes cannot be said, the statement is not recorded either."""
    sent = await bench.refer()
    async with bench.database.work() as work:
        await work.session.execute(
            sa.text("""
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no room'; END $$
            """)
        )
        await work.session.execute(
            sa.text("""
                CREATE TRIGGER fails BEFORE INSERT ON outbox FOR EACH ROW
                WHEN (NEW.topic = 'consent.coverage') EXECUTE FUNCTION fail()
            """)
        )

    answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH))

    assert answer.status_code == 500
    async with bench.database.reading() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM statements")) == 0


async def test_a_number_is_the_version_of_its_event(bench: Bench) -> None:
    """Where a person's number and the record's stream disagree nothing is recorded: "as of" means one thing."""
    sent = await bench.refer()
    async with bench.database.work() as work:
        await work.session.execute(sa.text("UPDATE streams SET version = 7 WHERE aggregate LIKE 'record:%'"))

    answer = await bench.post_statement(bench.statement(sent, GRANT, HEALTH))

    assert answer.status_code == 500
    assert not await bench.heard(StatementRecorded)


async def test_statements_are_never_edited(bench: Bench) -> None:
    """The database itself refuses to change or remove what was recorded."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)

    for change in ("UPDATE statements SET kind = 'refuse'", "DELETE FROM statements"):
        with pytest.raises(sa.exc.DBAPIError, match="only ever added to"):
            async with bench.database.work() as work:
                await work.session.execute(sa.text(change))


async def test_coverage_for_parties_only(bench: Bench) -> None:
    """Sender and addressee can ask what is covered now; to others the referral does not exist."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)

    answers = [
        await bench.client.get(f"/coverage/{sent.id}", headers=bench.headers(agency)) for agency in (CLINIC, DESK, NPO)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert answers[0].json() == answers[1].json()
    states = {each["category"]: each["state"] for each in answers[0].json()["sections"]}
    assert states == {"identity": "to_ask", "contact": "to_ask", "health": "covered", "narrative": "to_ask"}
