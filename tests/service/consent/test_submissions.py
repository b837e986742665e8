"""Taking in a referral: what the seals hold is checked against the manifest, whatever anybody else says of it."""

import pytest
import sqlalchemy as sa

from tests.builders.agency_messages import NOW, Handle
from tests.builders.consent_bench import CLINIC, DESK, NPO, YEAR, Bench, Sent, resigned
from tsunagu_contracts.codes import Category, CoverageState, Purpose, RefusalCode, StatementKind
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.events.consent import CoverageDecided, RecordOpened, RecordReferralLinked
from tsunagu_contracts.handles import HandleCertificate, certify
from tsunagu_contracts.keys import EncryptionKey
from tsunagu_contracts.manifests import ToAgency
from tsunagu_contracts.sealing import Capsule, CapsuleSection, open_capsule, seal_capsule

GRANT = StatementKind.GRANT


async def faults(bench: Bench, sent: Sent) -> set[tuple[CoverageState, str]]:
    """What consent last said of the referral's sections, without their categories."""
    return set((await bench.coverage(sent)).values())


def invalid(code: RefusalCode) -> set[tuple[CoverageState, str]]:
    """Every section invalid, for this reason."""
    return {(CoverageState.INVALID, code.value)}


async def recapsuled(bench: Bench, change: dict[str, object], *, sender: str | None = None) -> Sent:
    """A referral whose capsule differs from its manifest in one section, or in the sender."""
    handle = await bench.blank_handle()
    sealed = CLINIC.seal(handle)
    capsule = open_capsule(sealed.capsule, handle.key)
    first = capsule.sections[0].model_copy(update=change)
    other = Capsule(sender=sender or capsule.sender, sections=(first, *capsule.sections[1:]))
    return await bench.refer(handle=handle, sealed=sealed, capsule=seal_capsule(other, handle.key.public))


async def test_a_sound_referral_is_to_be_asked(bench: Bench) -> None:
    """A referral with nothing wrong waits for the person's word, and says so at once with its cause."""
    sent = await bench.refer()

    said = await bench.heard(CoverageDecided)

    assert [event.cause for event, _ in said] == [f"referral:{sent.id}@1"]
    assert said[0][0].aggregate == f"coverage:{sent.id}"
    assert said[0][1].addressee == DESK.id
    assert {(each.state, each.reason.value) for each in said[0][1].sections} == {(CoverageState.TO_ASK, "no_statement")}


async def test_the_same_reference_is_the_same_person(bench: Bench) -> None:
    """Two referrals of one agency with one reference join one record; another agency's opens its own."""
    first = await bench.sealed_referral(reference="karte-7")
    second = await bench.sealed_referral(reference="karte-7")
    other = await bench.sealed_referral(sender=NPO, reference="karte-7")
    await bench.take_in(first, second, other)
    third = await bench.refer(reference="karte-7")

    async with bench.database.reading() as session:
        rows = await session.execute(sa.text("SELECT referral_id, record_id FROM referrals"))
        record = {row.referral_id: row.record_id for row in rows}
    assert record[first.id] == record[second.id] == record[third.id]
    assert record[other.id] != record[first.id]


async def test_numbers_are_the_versions_of_the_record(bench: Bench) -> None:
    """Opening a record and linking referrals to it take the person's numbers, one after the other."""
    first = await bench.sealed_referral(reference="karte-7")
    second = await bench.sealed_referral(reference="karte-7")
    await bench.take_in(first, second)

    async with bench.database.reading() as session:
        rows = (await session.execute(sa.text("SELECT value FROM outbox ORDER BY id"))).scalars().all()
    assert len(rows) == 5  # opened, two links, two coverages
    opened = await bench.heard(RecordOpened)
    assert [event.version for event, _ in opened] == [1]
    bench.hear_again()
    assert [event.version for event, _ in await bench.heard(RecordReferralLinked)] == [2, 3]


async def test_an_earlier_grant_covers_a_later_referral(bench: Bench) -> None:
    """What the person has granted before covers a new referral of the same person at once."""
    first = await bench.refer(reference="karte-7")
    await bench.say(first, GRANT, Category.HEALTH)

    later = await bench.refer(reference="karte-7")

    coverage = await bench.coverage(later)
    assert coverage[Category.HEALTH] == (CoverageState.COVERED, "granted")
    assert coverage[Category.IDENTITY] == (CoverageState.TO_ASK, "no_statement")


async def test_capsule_of_another_manifest(bench: Bench) -> None:
    """A capsule taken from another manifest, under another handle, opens with no key of this one."""
    other = await bench.sealed_referral()

    sent = await bench.refer(capsule=other.sealed.capsule)

    assert await faults(bench, sent) == invalid(RefusalCode.UNKNOWN_KEY)


async def test_capsule_of_another_manifest_resealed_to_this_handle(bench: Bench) -> None:
    """A capsule with another manifest's sections makes every section invalid, also under the right handle."""
    handle = await bench.blank_handle()
    foreign = open_capsule(CLINIC.seal(handle).capsule, handle.key)

    sent = await bench.refer(handle=handle, capsule=seal_capsule(foreign, handle.key.public))

    assert await faults(bench, sent) == invalid(RefusalCode.CAPSULE_SECTION_MISMATCH)


async def test_capsule_naming_another_sender(bench: Bench) -> None:
    """A capsule that another agency made is no capsule of this sender."""
    sent = await recapsuled(bench, {}, sender=NPO.id)

    assert await faults(bench, sent) == invalid(RefusalCode.CAPSULE_SENDER_MISMATCH)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"category": Category.LEGAL}, RefusalCode.CAPSULE_CATEGORY_MISMATCH),
        ({"digest": digest("something else")}, RefusalCode.CAPSULE_DIGEST_MISMATCH),
    ],
)
async def test_capsule_differing_from_the_manifest(bench: Bench, change: dict[str, object], code: RefusalCode) -> None:
    """A section whose category or digest differs inside the capsule is invalid; its neighbours are not."""
    sent = await recapsuled(bench, change)

    coverage = await bench.coverage(sent)
    changed = sent.sealed.sections[0].category
    assert coverage.pop(changed) == (CoverageState.INVALID, code.value)
    assert set(coverage.values()) == {(CoverageState.TO_ASK, "no_statement")}


async def test_capsule_naming_another_section_id(bench: Bench) -> None:
    """A capsule with a section id that the manifest does not have makes every section invalid."""
    sent = await recapsuled(bench, {"section_id": "another-section"})

    assert await faults(bench, sent) == invalid(RefusalCode.CAPSULE_SECTION_MISMATCH)


async def test_one_content_key_for_two_sections(bench: Bench) -> None:
    """Two sections of one manifest under one key are both invalid."""
    handle = await bench.blank_handle()
    sealed = CLINIC.seal(handle)
    held = open_capsule(sealed.capsule, handle.key).sections
    doubled = Capsule(sender=CLINIC.id, sections=(held[0].model_copy(update={"key": held[1].key}), *held[1:]))
    sent = await bench.refer(handle=handle, sealed=sealed, capsule=seal_capsule(doubled, handle.key.public))

    coverage = await bench.coverage(sent)
    reused = (CoverageState.INVALID, RefusalCode.CONTENT_KEY_REUSED.value)
    assert [coverage[each.category] for each in sealed.sections[:2]] == [reused, reused]
    assert {coverage[each.category][0] for each in sealed.sections[2:]} == {CoverageState.TO_ASK}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_one_content_key_across_referrals(bench: Bench, together: bool) -> None:
    """A content key that comes back in another referral makes the section that brings it back invalid."""
    first_handle, second_handle = await bench.blank_handle(), await bench.blank_handle()
    first = await bench.sealed_referral(handle=first_handle)
    known = open_capsule(first.sealed.capsule, first_handle.key).sections[2].key
    sealed = CLINIC.seal(second_handle)
    held = open_capsule(sealed.capsule, second_handle.key).sections
    again = Capsule(sender=CLINIC.id, sections=(held[0].model_copy(update={"key": known}), *held[1:]))
    second = await bench.sealed_referral(
        handle=second_handle, sealed=sealed, capsule=seal_capsule(again, second_handle.key.public)
    )

    if together:
        await bench.take_in(first, second)
    else:
        await bench.take_in(first)
        await bench.take_in(second)

    coverage = await bench.coverage(second)
    assert coverage.pop(sealed.sections[0].category) == (CoverageState.INVALID, "content_key_reused")
    assert {state for state, _ in coverage.values()} == {CoverageState.TO_ASK}


async def test_a_section_id_used_before(bench: Bench) -> None:
    """A section id belongs to the first referral that used it validly."""
    first = await bench.refer()
    handle = await bench.blank_handle()
    sealed = CLINIC.seal(handle)
    taken = first.sealed.sections[0]
    facts = (sealed.sections[0].model_copy(update={"section_id": taken.section_id}), *sealed.sections[1:])
    held = open_capsule(sealed.capsule, handle.key).sections
    renamed = held[0].model_copy(update={"section_id": taken.section_id})
    capsule = Capsule(sender=CLINIC.id, sections=(renamed, *held[1:]))

    second = await bench.refer(
        handle=handle,
        sealed=sealed,
        sections=facts,
        capsule=seal_capsule(capsule, handle.key.public),
    )

    coverage = await bench.coverage(second)
    assert coverage[facts[0].category] == (CoverageState.INVALID, "section_id_reused")


async def test_another_agencys_handle(bench: Bench) -> None:
    """A handle serves the agency that it was issued to, and no other."""
    sent = await bench.refer(handle=await bench.blank_handle(NPO))

    assert await faults(bench, sent) == invalid(RefusalCode.HANDLE_OF_ANOTHER_AGENCY)


async def test_an_expired_handle(bench: Bench) -> None:
    """A handle that had expired when the message arrived serves nothing."""
    handle = await bench.blank_handle()
    bench.clock.at = NOW + YEAR / 2

    sent = await bench.refer(handle=handle)

    assert await faults(bench, sent) == invalid(RefusalCode.HANDLE_EXPIRED)


async def test_a_handle_used_twice(bench: Bench) -> None:
    """A handle serves one referral: the second one is invalid, in the same batch or later."""
    handle = await bench.blank_handle()
    first, second = await bench.sealed_referral(handle=handle), await bench.sealed_referral(handle=handle)
    await bench.take_in(first, second)
    third = await bench.refer(handle=handle)

    assert await faults(bench, third) == invalid(RefusalCode.HANDLE_ALREADY_USED)
    bench.hear_again()
    assert await faults(bench, second) == invalid(RefusalCode.HANDLE_ALREADY_USED)
    bench.hear_again()
    assert {state for state, _ in await faults(bench, first)} == {CoverageState.TO_ASK}


async def test_a_handle_that_consent_did_not_certify(bench: Bench) -> None:
    """A handle certified by another key than consent's is no handle, whatever it says."""
    handle = await bench.blank_handle()
    certificate = HandleCertificate(
        handle_id=handle.id, agency_id=CLINIC.id, public_key=handle.key.public, expires_at=NOW + YEAR
    )
    forged = Handle(handle.id, handle.key, certify(certificate, CLINIC.signing))

    sent = await bench.refer(handle=forged)

    assert await faults(bench, sent) == invalid(RefusalCode.UNKNOWN_KEY)


@pytest.mark.parametrize("kept", [False, True], ids=["no key", "key left by a crash"])
async def test_a_certified_handle_that_was_never_issued(bench: Bench, kept: bool) -> None:
    """A certificate alone does not make a handle: consent must have issued it and hold its key."""
    key = EncryptionKey.generate()
    certificate = HandleCertificate(
        handle_id="handle-of-nobody", agency_id=CLINIC.id, public_key=key.public, expires_at=NOW + YEAR
    )
    forged = Handle("handle-of-nobody", key, certify(certificate, bench.custody.keys.certifying))
    if kept:
        await bench.custody.store.keep({forged.id: key})

    sent = await bench.refer(handle=forged)

    assert await faults(bench, sent) == invalid(RefusalCode.HANDLE_UNKNOWN)


async def test_a_manifest_signed_by_another_agency(bench: Bench) -> None:
    """Consent relies on no one's word that a manifest was signed: another's key makes all of it invalid."""
    sent = resigned(await bench.sealed_referral(), NPO)
    await bench.take_in(sent)

    assert await faults(bench, sent) == invalid(RefusalCode.UNKNOWN_KEY)


@pytest.mark.parametrize(
    "facts",
    [{"purpose": Purpose.DISASTER}, {"addressee": NPO.id}, {"message_id": "another"}, {"sections": ()}],
    ids=lambda facts: next(iter(facts)),
)
async def test_an_event_that_differs_from_the_manifest(bench: Bench, facts: dict[str, object]) -> None:
    """What `referral` says beside the manifest counts only where the sender has signed the same."""
    sent = resigned(await bench.sealed_referral(to=ToAgency(agency=DESK.id)), CLINIC, **facts)
    await bench.take_in(sent)

    assert {code for _, code in (await bench.coverage(sent)).values()} <= {"invalid_content"}


async def test_a_capsule_for_nobody_here(bench: Bench) -> None:
    """A capsule sealed to some other key cannot be opened, and nothing of the referral is valid."""
    handle = await bench.blank_handle()
    capsule = open_capsule(CLINIC.seal(handle).capsule, handle.key)

    sent = await bench.refer(handle=handle, capsule=seal_capsule(capsule, EncryptionKey.generate().public))

    assert await faults(bench, sent) == invalid(RefusalCode.UNKNOWN_KEY)


async def test_an_invalid_referral_leaves_its_neighbours_alone(bench: Bench) -> None:
    """In one batch with invalid ones a sound referral is taken in as ever."""
    bad = resigned(await bench.sealed_referral(), NPO)
    good = await bench.sealed_referral()
    worse = await bench.sealed_referral(handle=await bench.blank_handle(NPO))

    await bench.take_in(bad, good, worse)

    assert {state for state, _ in await faults(bench, good)} == {CoverageState.TO_ASK}


async def test_nothing_kept_opens_anything(bench: Bench) -> None:
    """No table holds a content key, a private key or the sender's reference."""
    handle = await bench.blank_handle()
    sent = await bench.refer(handle=handle, reference="karte-secret-7")
    held: tuple[CapsuleSection, ...] = open_capsule(sent.sealed.capsule, handle.key).sections
    secrets = [each.key for each in held] + [handle.key.private_jwk()["d"], "karte-secret-7"]

    dump = await bench.everything()

    assert sent.id in dump
    assert not [secret for secret in secrets if secret in dump]
