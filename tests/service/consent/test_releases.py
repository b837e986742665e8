"""Handing over keys: to the addressee, under an appointment, while the referral is open and the person agrees."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.consent.keystore import FileKeyStore
from services.consent.storage.tables import releases as releases_table
from services.consent.use_cases import coverage, releases
from services.runtime.identity import Caller
from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, Bench, Sent, resigned
from tsunagu_contracts import jose
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import Area, Category, Field, ReferralState, Role, StatementKind
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused, StatementRecorded
from tsunagu_contracts.events.directory import AppointmentEnded, AppointmentGranted
from tsunagu_contracts.keys import EncryptionKey
from tsunagu_contracts.sealing import open_capsule, seal_capsule, unwrap_content_key

GRANT, REFUSE, WITHDRAW = StatementKind.GRANT, StatementKind.REFUSE, StatementKind.WITHDRAW
HEALTH, IDENTITY = Category.HEALTH, Category.IDENTITY


async def granted(bench: Bench, *categories: Category, **options: object) -> Sent:
    """A referral of which the person has granted these categories to the desk."""
    sent = await bench.refer(**options)
    await bench.say(sent, GRANT, *(categories or (HEALTH,)))
    return sent


async def test_the_released_key_opens_the_section(bench: Bench) -> None:
    """The addressee unwraps the key and reads what the sender sealed; the others stay shut."""
    sent = await granted(bench)

    key = bench.opened(await bench.ask(sent))

    section = sent.section(HEALTH)
    assert jose.open_body(sent.sealed.bodies[section], key, section).decode() == "通院中"
    refused = await bench.ask(sent, IDENTITY)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_covered")
    assert refused.json()["detail"] == {"reason": "no_statement"}
    assert "key" not in refused.json()


async def test_a_release_is_recorded_with_its_ground(bench: Bench) -> None:
    """The record says who, what, for what, under which appointment and which statement."""
    sent = await granted(bench)
    [(_, statement)] = await bench.heard(StatementRecorded)

    answer = await bench.ask(sent)

    [(event, said)] = await bench.heard(ReleaseGranted)
    assert said.release_id == answer.json()["release_id"]
    assert event.aggregate == f"record:{said.record_id}"
    assert event.version == said.number == statement.number + 1
    assert (said.statement_id, said.statement_number) == (statement.statement_id, statement.number)
    assert (said.recipient, said.coordinator_id, said.appointment_id) == (
        DESK.id,
        DESK.coordinator,
        DESK.appointment,
    )
    assert (event.actor, event.appointment) == (f"coordinator:{DESK.coordinator}", DESK.appointment)
    assert said.purpose is sent.manifest.data.purpose


async def test_the_answer_is_bound_to_the_release(bench: Bench) -> None:
    """What the agency unwraps names the release, the referral and the section; nobody else can unwrap it."""
    sent = await granted(bench)
    answer = await bench.ask(sent)

    released = unwrap_content_key(answer.json()["key"], DESK.encryption)

    assert (released.release_id, released.referral_id, released.section_id) == (
        answer.json()["release_id"],
        sent.id,
        sent.section(HEALTH),
    )
    assert answer.headers["cache-control"] == "no-store"
    with pytest.raises(Exception, match="unknown_key"):
        unwrap_content_key(answer.json()["key"], CLINIC.encryption)


async def test_a_repeated_call_is_decided_anew(bench: Bench) -> None:
    """The same call under the same Idempotency-Key is another release, wrapped anew; after a withdrawal none."""
    sent = await granted(bench)
    wanted = {"referral_id": sent.id, "section_id": sent.section(HEALTH)}
    headers = bench.headers(DESK)

    first = await bench.client.post("/releases", json=wanted, headers=headers)
    second = await bench.client.post("/releases", json=wanted, headers=headers)
    await bench.say(sent, WITHDRAW, HEALTH)
    third = await bench.client.post("/releases", json=wanted, headers=headers)

    assert first.json()["release_id"] != second.json()["release_id"]
    assert first.json()["key"] != second.json()["key"]
    assert bench.opened(first) == bench.opened(second)
    assert third.json()["code"] == "not_covered"


@pytest.mark.parametrize(("kind", "reason"), [(REFUSE, "refused_by_person"), (WITHDRAW, "withdrawn_by_person")])
async def test_after_a_no_the_next_opening_is_refused(bench: Bench, kind: StatementKind, reason: str) -> None:
    """A no to one category refuses its next opening; what else was granted still opens."""
    sent = await granted(bench, HEALTH, IDENTITY)
    bench.opened(await bench.ask(sent))

    await bench.say(sent, kind, HEALTH)

    refused = await bench.ask(sent)
    assert (refused.json()["code"], refused.json()["detail"]["reason"]) == ("not_covered", reason)
    bench.opened(await bench.ask(sent, IDENTITY))


async def test_a_grant_that_ends(bench: Bench) -> None:
    """Nothing opens after the grant's period, although nobody has said anything since."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH, valid_until=NOW + timedelta(hours=1))
    bench.opened(await bench.ask(sent))

    bench.clock.at = NOW + timedelta(hours=1)

    assert (await bench.ask(sent)).json()["detail"] == {"reason": "grant_expired"}


async def test_the_sender_is_no_addressee(bench: Bench) -> None:
    """The sender of a referral does not get keys by it."""
    sent = await granted(bench)

    answer = await bench.ask(sent, by=CLINIC)

    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_whoever_is_no_party_learns_nothing(bench: Bench) -> None:
    """An agency that is no party gets the answer that it gets for a referral that does not exist."""
    sent = await granted(bench)

    real = await bench.ask(sent, by=NPO)
    invented = await bench.ask(sent, by=NPO, referral_id="no-such-referral")
    wrong_section = await bench.ask(sent, by=NPO, section_id="no-such-section")

    assert real.status_code == 404
    assert real.json() == invented.json() == wrong_section.json()
    assert real.json()["code"] == "referral_unknown"


@pytest.mark.parametrize(
    ("state", "code"), [(ReferralState.DECLINED, "referral_not_open"), (ReferralState.HALTED, "referral_not_open")]
)
async def test_after_the_referral_was_closed(bench: Bench, state: ReferralState, code: str) -> None:
    """A referral that was declined, or rests, opens nothing although the person has agreed."""
    sent = await granted(bench)
    bench.opened(await bench.ask(sent))

    await bench.end(sent, state)

    assert (await bench.ask(sent)).json()["code"] == code


async def test_without_an_appointment(bench: Bench) -> None:
    """A coordinator whom the addressee vouches for but who has no appointment there opens nothing."""
    sent = await granted(bench)

    stranger = await bench.ask(sent, subject="coordinator:c-0999")
    borrowed = await bench.ask(sent, subject="coordinator:c-0999", appointment=DESK.appointment)
    another = await bench.ask(sent, appointment=CLINIC.appointment)

    assert stranger.json()["code"] == "appointment_not_valid"
    assert borrowed.json()["code"] == "appointment_of_another"
    assert another.json()["code"] == "appointment_of_another"
    assert not await bench.heard(ReleaseGranted)


async def test_after_the_appointment_has_ended(bench: Bench) -> None:
    """From the moment an appointment ends, its coordinator opens nothing."""
    sent = await granted(bench)
    ended = AppointmentEnded(
        appointment_id=DESK.appointment,
        coordinator_id=DESK.coordinator,
        agency_id=DESK.id,
        ended_at=bench.clock.now(),
    )

    await bench.handle((f"appointment:{DESK.appointment}", ended))

    assert (await bench.ask(sent)).json()["code"] == "appointment_not_valid"
    assert (await bench.ask(sent, appointment=DESK.appointment)).json()["code"] == "appointment_not_valid"


async def test_an_agencys_program_opens_nothing(bench: Bench) -> None:
    """Only a named coordinator opens a section, never an agency's program by itself."""
    sent = await granted(bench)

    answer = await bench.ask(sent, subject=f"system:{DESK.id}")

    assert answer.json()["code"] == "not_permitted"


async def test_a_section_of_another_referral(bench: Bench) -> None:
    """A section opens by the referral that it belongs to, and by no other of the same person and agencies."""
    sent = await granted(bench, reference="karte-7")
    other = await granted(bench, reference="karte-7")

    answer = await bench.ask(sent, section_id=other.section(HEALTH))

    assert (answer.status_code, answer.json()["code"]) == (404, "section_unknown")


async def test_an_invalid_section_never_opens(bench: Bench) -> None:
    """What is wrong with a seal is not healed by consent."""
    handle = await bench.blank_handle()
    sealed = CLINIC.seal(handle)
    capsule = open_capsule(sealed.capsule, handle.key)
    wrong = [
        each.model_copy(update={"category": Category.LEGAL}) if each.category is HEALTH else each
        for each in capsule.sections
    ]
    broken = capsule.model_copy(update={"sections": tuple(wrong)})
    sent = await granted(
        bench, *Category, handle=handle, sealed=sealed, capsule=seal_capsule(broken, handle.key.public)
    )

    refused = await bench.ask(sent)

    assert refused.json()["code"] == "not_covered"
    assert refused.json()["detail"] == {"reason": "capsule_category_mismatch"}
    bench.opened(await bench.ask(sent, IDENTITY))


async def test_a_referral_that_is_invalid_as_a_whole(bench: Bench) -> None:
    """Without a valid manifest there is no person to ask, and the addressee is told what is wrong."""
    sent = resigned(await bench.sealed_referral(), NPO)
    await bench.take_in(sent)

    refused = await bench.ask(sent)

    assert refused.json()["detail"] == {"reason": "unknown_key"}
    [(event, said)] = await bench.heard(ReleaseRefused)
    assert event.aggregate == f"refusal:{said.release_id}"
    assert said.record_id is None


async def test_a_handle_whose_key_is_gone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a handle's key no longer exists nothing opens, and the record does not claim that it did."""
    sent = await granted(bench)

    def nothing(*_: object) -> dict[str, EncryptionKey]:
        return {}

    monkeypatch.setattr(FileKeyStore, "read", nothing)

    assert (await bench.ask(sent)).json()["code"] == "cannot_open"
    assert not await bench.heard(ReleaseGranted)


async def test_the_clock_stepping_back(bench: Bench) -> None:
    """While the clock stands before what is recorded of the person, no key moves; later it does."""
    sent = await granted(bench)
    bench.clock.at -= timedelta(hours=1)

    refused = await bench.ask(sent)
    bench.clock.at += timedelta(hours=1)

    assert (refused.status_code, refused.json()["code"]) == (503, "clock_stepped_back")
    assert refused.headers["retry-after"]
    bench.opened(await bench.ask(sent))


async def test_refusals_are_recorded(bench: Bench) -> None:
    """Every refusal is said with its reason and takes the person's number, as releases do."""
    sent = await granted(bench)
    await bench.ask(sent, IDENTITY)
    await bench.ask(sent, by=CLINIC)
    await bench.ask(sent, section_id="no-such-section")
    await bench.ask(sent, by=NPO)

    said = await bench.heard(ReleaseRefused)

    assert [(data.reason.value, data.recipient) for _, data in said] == [
        ("no_statement", DESK.id),
        ("not_permitted", CLINIC.id),
        ("section_unknown", DESK.id),
        ("referral_unknown", NPO.id),
    ]
    assert [data.number for _, data in said] == [4, 5, 6, None]
    assert [event.version for event, _ in said] == [4, 5, 6, 1]
    async with bench.database.reading() as session:
        rows = await session.execute(sa.text("SELECT granted, reason FROM releases ORDER BY decided_at"))
        assert {(row.granted, row.reason) for row in rows} == {(False, data.reason.value) for _, data in said}


async def appoint_at_both(bench: Bench) -> None:
    """Let the desk's coordinator work for the NPO too."""
    both = AppointmentGranted(
        appointment_id="ap-0000",
        coordinator_id=DESK.coordinator,
        agency_id=NPO.id,
        role=Role.CSW,
        field=Field.COMMUNITY,
        areas=(Area.FUJIMI,),
        valid_from=NOW,
        valid_until=None,
        granted_by="operator:o-1",
    )
    await bench.handle(("appointment:ap-0000", both))


async def test_a_coordinator_of_two_agencies(bench: Bench) -> None:
    """A coordinator who works for two agencies opens for the addressee, and nothing for the other one."""
    sent = await granted(bench)
    await appoint_at_both(bench)

    by_npo = await bench.ask(sent, by=SendingAgency(NPO.id, DESK.coordinator, signing=NPO.signing))

    assert by_npo.json()["code"] == "referral_unknown"
    bench.opened(await bench.ask(sent))


async def test_a_coordinator_for_whom_no_agency_vouches(bench: Bench) -> None:
    """A coordinator who signed in personally acts for the agency that the referral concerns, if for any."""
    sent = await granted(bench)
    await appoint_at_both(bench)
    asked = releases.Request(sent.id, sent.section(HEALTH), None)

    herself = Caller(Actor.coordinator(DESK.coordinator), None)
    async with bench.database.reading() as session, bench.database.batch() as work:
        prepared = await releases.prepare(work, herself, asked, bench.custody)
        told = await coverage.of(session, herself, sent.id, bench.custody)
        with pytest.raises(Refusal, match="appointment_not_valid"):
            await releases.prepare(work, Caller(Actor.coordinator("c-0999"), None), asked, bench.custody)

    assert prepared.coordinator.appointment_id == DESK.appointment
    assert told.addressee == DESK.id


async def test_writes_need_a_key_and_a_token(bench: Bench) -> None:
    """A release without Idempotency-Key or token is refused before anything is decided."""
    sent = await granted(bench)
    wanted = {"referral_id": sent.id, "section_id": sent.section(HEALTH)}
    headers = bench.headers(DESK)

    keyless = await bench.client.post("/releases", json=wanted, headers={"Authorization": headers["Authorization"]})
    anonymous = await bench.client.post("/releases", json=wanted, headers={"Idempotency-Key": IDS.new()})

    assert keyless.json()["code"] == "idempotency_key_missing"
    assert anonymous.json()["code"] == "unauthenticated"
    assert not await bench.heard(ReleaseGranted)


async def test_no_key_stays_behind(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """After releases neither a table, the outbox nor a log holds the content key or its wrapped form."""
    sent = await granted(bench)
    answer = await bench.ask(sent)
    content_key = unwrap_content_key(answer.json()["key"], DESK.encryption).key

    kept = await bench.everything()

    assert answer.json()["release_id"] in kept
    assert content_key not in kept
    assert answer.json()["key"] not in kept
    assert bench.opened(answer).hex() not in kept
    assert content_key not in caplog.text


@pytest.mark.parametrize(("column", "value"), [("statement_id", None), ("number", None), ("appointment_id", None)])
async def test_the_database_refuses_a_release_without_ground(bench: Bench, column: str, value: None) -> None:
    """Even a faulty program cannot write a granted release that rests on nothing."""
    row = {"release_id": "r-1", "granted": True, "reason": "granted", "decided_at": NOW, "recipient": DESK.id}
    sent = await granted(bench)
    async with bench.database.reading() as session:
        record_id = await session.scalar(sa.text("SELECT record_id FROM persons"))
        statement_id = await session.scalar(sa.text("SELECT statement_id FROM statements"))
    full = row | {
        "referral_id": sent.id,
        "section_id": sent.section(HEALTH),
        "coordinator_id": DESK.coordinator,
        "record_id": record_id,
        "number": 99,
        "appointment_id": DESK.appointment,
        "statement_id": statement_id,
    }
    with pytest.raises(sa.exc.IntegrityError, match="a_release_rests_on_a_statement"):
        async with bench.database.work() as work:
            await work.session.execute(sa.insert(releases_table).values(full | {column: value}))
