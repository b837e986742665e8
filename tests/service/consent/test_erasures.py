"""Erasing a person: nothing opens from the commit on, keys are destroyed, what was opened is owed for good."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from services.consent.keystore.files import key_path
from services.consent.use_cases.erasures import destroy_again, destroy_due
from tests.builders.agency_messages import SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, WARD, Bench, Sent
from tests.builders.erasing import erasure
from tests.infra.eventually import eventually
from tsunagu_contracts.codes import (
    Category,
    CoverageState,
    ObligationCause,
    RefusalCode,
    StatementKind,
)
from tsunagu_contracts.events.consent import (
    CoverageDecided,
    ObligationEnded,
    ObligationIncurred,
    RecordErased,
    RecordOpened,
    ReleaseGranted,
    ReleaseRefused,
)
from tsunagu_contracts.manifests import ErasePerson

HEALTH, CONTACT = Category.HEALTH, Category.CONTACT
GRANT = StatementKind.GRANT


async def erase(bench: Bench, manifest: ErasePerson, *, by: SendingAgency = WARD) -> httpx.Response:
    """Bring an erasure over HTTP, a moment after everything before."""
    bench.clock.at += timedelta(seconds=1)
    return await bench.post("/erasures", manifest, by=by)


async def granted(bench: Bench, reference: str = "one", *categories: Category) -> Sent:
    """A referral of the ward office's to the desk, which may open health and what is named besides."""
    sent = await bench.refer(sender=WARD, reference=reference)
    await bench.say(sent, GRANT, HEALTH, *categories, by=WARD)
    return sent


async def rows(bench: Bench, query: str) -> list[tuple[object, ...]]:
    """What a query finds in consent's database."""
    async with bench.database.reading() as session:
        return [tuple(row) for row in await session.execute(sa.text(query))]


async def test_nothing_opens_from_the_commit_on(bench: Bench) -> None:
    """Every release is refused and recorded, capsules are gone, coverage says erased, for every referral of theirs."""
    first, second = await granted(bench), await bench.refer(sender=WARD, reference="one")
    bench.opened(await bench.ask(first))

    answer = await erase(bench, manifest := erasure(first))

    assert answer.status_code == 201, answer.text
    assert answer.json()["erasure_id"] == manifest.data.erasure_id
    for sent in (first, second):
        refused = await bench.ask(sent)
        assert (refused.status_code, refused.json()["code"]) == (409, RefusalCode.PERSON_ERASED)
        bench.hear_again()
        assert set((await bench.coverage(sent)).values()) == {(CoverageState.REFUSED, "erased")}
    bench.hear_again()
    assert [data.reason for _, data in await bench.heard(ReleaseRefused)] == [RefusalCode.PERSON_ERASED] * 2
    bench.hear_again()
    [(event, erased)] = await bench.heard(RecordErased)
    assert event.version == erased.number
    assert set(erased.handle_ids) == {first.submitted.handle_id, second.submitted.handle_id}
    assert await rows(bench, "SELECT count(*) FROM referrals WHERE capsule IS NOT NULL") == [(0,)]


async def test_the_keys_are_destroyed_after_the_commit(bench: Bench) -> None:
    """The key files are gone and noted as gone, other persons' keys stay, and doing it again changes nothing."""
    theirs, others = await granted(bench), await granted(bench, "two")
    await erase(bench, erasure(theirs))

    for _ in range(2):
        await destroy_due(bench.database, bench.custody)

    kept = await bench.custody.store.load([theirs.submitted.handle_id, others.submitted.handle_id])
    assert set(kept) == {others.submitted.handle_id}
    assert await rows(bench, "SELECT count(*) FROM erasures WHERE destroyed_at IS NULL") == [(0,)]
    bench.opened(await bench.ask(others))


async def test_what_was_opened_is_owed_and_no_grant_lifts_it(bench: Bench) -> None:
    """The desk owes what it has opened because of the erasure; a later grant neither lifts it nor opens anything."""
    sent = await granted(bench, "one", CONTACT)
    bench.opened(await bench.ask(sent))
    await erase(bench, erasure(sent))

    await bench.say(sent, GRANT, HEALTH, CONTACT, by=WARD)

    assert len(await bench.owed()) == 1
    bench.hear_again()
    owed = [(data.category, data.cause) for _, data in await bench.heard(ObligationIncurred)]
    assert owed == [(HEALTH, ObligationCause.ERASED)]
    bench.hear_again()
    assert await bench.heard(ObligationEnded) == []
    assert (await bench.ask(sent, CONTACT)).json()["code"] == RefusalCode.PERSON_ERASED


async def test_the_same_reference_begins_a_new_record(bench: Bench) -> None:
    """Who comes back under the agency's old reference is nobody known: a new record, silent, and open to a new word."""
    sent = await granted(bench)
    await erase(bench, erasure(sent))
    bench.hear_again()
    before = await bench.heard(RecordOpened)

    again = await bench.refer(sender=WARD, reference="one")

    [(_, opened)] = await bench.heard(RecordOpened)
    assert opened.record_id not in {data.record_id for _, data in before}
    bench.hear_again()
    assert (await bench.coverage(again))[HEALTH] == (CoverageState.TO_ASK, "no_statement")
    await bench.say(again, GRANT, HEALTH, by=WARD)
    bench.opened(await bench.ask(again))


async def test_the_record_before_reads_as_it_was(bench: Bench) -> None:
    """As of a moment before the erasure the referral was covered, after it it is not."""
    sent = await granted(bench)
    before = bench.clock.now()
    await erase(bench, erasure(sent))

    async def covered(at: object) -> str:
        asked = {"referral_id": sent.id, "at": at}
        answer = await bench.client.post("/decisions", json=asked, headers=bench.headers(WARD))
        return next(str(each["reason"]) for each in answer.json()["sections"] if each["category"] == HEALTH)

    assert await covered(before.isoformat()) == "granted"
    assert await covered(bench.clock.now().isoformat()) == "erased"


async def test_the_same_message_again_changes_nothing(bench: Bench) -> None:
    """Repeated it is answered alike and said once; other content under its ids is refused, and so is erasing twice."""
    sent, other = await granted(bench), await granted(bench, "two")
    manifest = erasure(sent)
    first, again = await erase(bench, manifest), await erase(bench, manifest)
    edited = manifest.model_copy(update={"data": manifest.data.model_copy(update={"referral_id": other.id})})
    same_id = erasure(other, erasure_id=manifest.data.erasure_id)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    for refused in (edited, same_id):
        assert (await erase(bench, refused)).json()["code"] == RefusalCode.DUPLICATE_ID
    assert (await erase(bench, erasure(sent))).json()["code"] == RefusalCode.PERSON_ERASED
    bench.hear_again()
    assert len(await bench.heard(RecordErased)) == 1
    bench.opened(await bench.ask(other))


@pytest.mark.parametrize(
    ("by", "code"),
    [(CLINIC, RefusalCode.REFERRAL_UNKNOWN), (NPO, RefusalCode.REFERRAL_UNKNOWN), (DESK, RefusalCode.NOT_PERMITTED)],
    ids=["another agency", "yet another", "a party without a supervisor"],
)
async def test_who_may_not_erase_changes_nothing(bench: Bench, by: SendingAgency, code: RefusalCode) -> None:
    """An agency that is no party learns nothing, a party's coordinator who supervises nobody is refused."""
    sent = await granted(bench)
    await bench.heard(CoverageDecided)

    answer = await erase(bench, erasure(sent, by=by), by=by)

    assert answer.json()["code"] == code
    assert await bench.heard(RecordErased) == []
    assert await rows(bench, "SELECT count(*) FROM erasures") == [(0,)]
    await destroy_due(bench.database, bench.custody)
    bench.opened(await bench.ask(sent))


async def test_an_erasure_of_tomorrow_is_refused(bench: Bench) -> None:
    """What cannot be taken back is not done on a date that has yet to come."""
    sent = await granted(bench)
    answer = await erase(bench, erasure(sent, stated_at=bench.clock.now() + timedelta(hours=1)))

    assert answer.json()["code"] == RefusalCode.STATED_IN_FUTURE
    bench.opened(await bench.ask(sent))


async def test_a_supervisor_of_no_party_erases_nobody(bench: Bench) -> None:
    """The ward office's supervisor may not erase a person of whom the ward office has no referral."""
    sent = await bench.refer()
    answer = await erase(bench, erasure(sent))

    assert answer.json()["code"] == RefusalCode.REFERRAL_UNKNOWN


async def test_no_release_commits_after_an_erasure(bench: Bench) -> None:
    """Of releases that race an erasure, those that win have lower numbers and are owed; the others are refused."""
    for number in range(6):
        sent = await granted(bench, f"person-{number}")
        await bench.heard(ReleaseGranted)
        asked = [bench.ask(sent) for _ in range(4)]
        answers = await asyncio.gather(*asked[:2], erase(bench, erasure(sent)), *asked[2:])

        codes = [answer.status_code for answer in answers]
        assert codes[2] == 201, answers[2].text
        assert set(codes) <= {201, 409}
        found = await rows(
            bench,
            "SELECT bool_and(releases.number < erasures.number), count(*) FROM releases "  # noqa: S608 - an id of ours
            f"JOIN erasures USING (record_id) WHERE granted AND releases.referral_id = '{sent.id}'",
        )
        assert found[0][0] in (True, None)
        assert found[0][1] == codes.count(201) - 1
    bench.hear_again()
    owed = {data.referral_id for _, data in await bench.heard(ObligationIncurred)}
    bench.hear_again()
    assert owed == {data.referral_id for _, data in await bench.heard(ReleaseGranted)}


async def test_a_referral_that_races_an_erasure_is_erased_or_begins_anew(bench: Bench) -> None:
    """Whatever comes first, no referral is left open on the erased record."""
    for number in range(4):
        first = await granted(bench, f"person-{number}")
        second = await bench.sealed_referral(sender=WARD, reference=f"person-{number}")
        answer, _ = await asyncio.gather(erase(bench, erasure(first)), bench.take_in(second))
        assert answer.status_code == 201, answer.text
    left = "SELECT count(*) FROM referrals JOIN erasures USING (record_id) WHERE erased IS NULL OR capsule IS NOT NULL"
    assert await rows(bench, left) == [(0,)]


async def test_a_referral_that_comes_in_before_the_lock_goes_too(bench: Bench) -> None:
    """One that commits after the erasure has looked, while it waits for the person, is closed and its key destroyed."""
    sent = await granted(bench)
    one_more = """
        INSERT INTO referrals (
            referral_id, record_id, handle_id, sender, addressee, purpose, state, version, capsule
        )
        SELECT 'one-more', record_id, 'handle-of-one-more', sender, addressee, purpose, state, version, capsule
        FROM referrals
    """
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def waits() -> bool:
        return await rows(bench, waiting) == [(1,)]

    async with bench.database.engine.begin() as other:
        await other.execute(sa.text("SELECT 1 FROM persons FOR UPDATE"))
        erasing = asyncio.create_task(erase(bench, erasure(sent)))
        await eventually(waits)
        await other.execute(sa.text(one_more))
    answer = await erasing

    assert answer.status_code == 201, answer.text
    [(_, erased)] = await bench.heard(RecordErased)
    assert set(erased.handle_ids) == {sent.submitted.handle_id, "handle-of-one-more"}


async def test_an_old_backup_of_the_key_store_opens_nothing(bench: Bench) -> None:
    """A key file put back by hand is not read, and is removed where it is met and at the next start."""
    sent = await granted(bench)
    handle_id = sent.submitted.handle_id
    files = [key_path(folder, handle_id) for folder in bench.store.folders]
    old = [file.read_bytes() for file in files]
    await erase(bench, erasure(sent))
    await destroy_due(bench.database, bench.custody)
    assert not any(file.exists() for file in files)

    for file, content in zip(files, old, strict=True):
        file.write_bytes(content)
    assert await bench.store.load([handle_id]) == {}
    assert not any(file.exists() for file in files)

    for file, content in zip(files, old, strict=True):
        file.write_bytes(content)
    for folder in bench.store.folders:
        (folder / "erased" / handle_id[-2:] / handle_id).unlink()
    await destroy_again(bench.database, bench.custody)
    assert not any(file.exists() for file in files)
    assert (await bench.ask(sent)).json()["code"] == RefusalCode.PERSON_ERASED


async def test_a_destroyed_handle_carries_no_new_referral(bench: Bench) -> None:
    """The certificate of an erased person's handle is good for nothing, for its own agency too."""
    handle = await bench.blank_handle(WARD)
    sent = await bench.refer(sender=WARD, handle=handle, reference="one")
    await erase(bench, erasure(sent))
    await destroy_due(bench.database, bench.custody)

    again = await bench.refer(sender=WARD, handle=handle, sealed=WARD.seal(handle), reference="two")

    assert {state for state, _ in (await bench.coverage(again)).values()} == {CoverageState.INVALID}
