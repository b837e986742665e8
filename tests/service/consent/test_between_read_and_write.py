"""A batch reads unlocked and writes at the end: what comes in between is never overlooked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
import sqlalchemy as sa

from services.consent.domain.persons import Person
from services.consent.storage import persons, referrals
from services.consent.use_cases import messages, releases, statements
from services.eventing.records import Item
from services.eventing.statements import Conflict
from tests.builders.consent_bench import CLINIC, DESK, Bench, Sent
from tests.infra.eventually import eventually
from tsunagu_contracts.codes import Category, CoverageState, RefusalCode, StatementKind
from tsunagu_contracts.events.consent import CoverageDecided, RecordOpened, ReleaseGranted, ReleaseRefused
from tsunagu_contracts.manifests import RecordStatement
from tsunagu_contracts.sealing import Capsule, CapsuleSection, open_capsule, seal_capsule

GRANT, REFUSE, WITHDRAW = StatementKind.GRANT, StatementKind.REFUSE, StatementKind.WITHDRAW
HEALTH = Category.HEALTH
TO_ASK = (CoverageState.TO_ASK, "no_statement")


def said(bench: Bench, *referrals: Sent) -> list[Item]:
    """What `referral` says of new referrals."""
    return [bench.saying.say(f"referral:{sent.id}", sent.submitted) for sent in referrals]


async def at_once(bench: Bench, items: Sequence[Item], *, meanwhile: Awaitable[object] | None = None) -> None:
    """Do a batch in the way that locks nothing; `meanwhile` happens between its read and its write."""
    async with bench.database.batch() as work:
        await bench.handler(work, items)
        if meanwhile is not None:
            await meanwhile


async def blocked(bench: Bench, *, by: int = 1) -> bool:
    """Whether so many wait for a row's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with bench.database.reading() as session:
        return bool(await session.scalar(sa.text(query)) == by)


async def numbers(bench: Bench) -> list[int]:
    """The last number of each person."""
    async with bench.database.reading() as session:
        return list(await session.scalars(sa.text("SELECT number FROM persons ORDER BY record_id")))


async def granted(bench: Bench) -> tuple[Sent, Sent]:
    """A referral whose person has granted health, and another of the same person that is not taken in yet."""
    known, new = await bench.sealed_referral(reference="karte-7"), await bench.sealed_referral(reference="karte-7")
    await bench.take_in(known)
    await bench.say(known, GRANT, HEALTH)
    return known, new


@pytest.mark.parametrize("kind", [WITHDRAW, REFUSE, GRANT])
async def test_a_word_between_read_and_write(bench: Bench, kind: StatementKind) -> None:
    """A statement that commits after a batch has read and decided undoes all of the batch, which is done anew."""
    known, new = await granted(bench)
    items = said(bench, new)

    with pytest.raises(Conflict):
        await at_once(bench, items, meanwhile=bench.say(known, kind, HEALTH))

    assert new.id not in {data.referral_id for _, data in await bench.heard(CoverageDecided)}
    assert await numbers(bench) == [4]
    await bench.hand_over(items)
    state, _ = (await bench.coverage(new))[HEALTH]
    assert state is (CoverageState.COVERED if kind is GRANT else CoverageState.REFUSED)


async def test_a_release_between_read_and_write(bench: Bench) -> None:
    """A release takes its number from a batch that has read before it: no number ever means two things."""
    known, new = await granted(bench)
    items = said(bench, new)

    with pytest.raises(Conflict):
        await at_once(bench, items, meanwhile=bench.ask(known))

    assert len(await bench.heard(ReleaseGranted)) == 1
    assert await numbers(bench) == [4]
    await bench.hand_over(items)
    assert await numbers(bench) == [5]


@asynccontextmanager
async def withdrawing(bench: Bench, sent: Sent) -> AsyncIterator[None]:
    """A withdrawal that has been written and commits at the end."""
    manifest = bench.statement(sent, WITHDRAW, HEALTH)
    async with bench.database.work() as work:
        raw = CLINIC.message(manifest).to_bytes()
        verified = await messages.verify(work.session, raw, bench.caller(CLINIC), RecordStatement)
        await statements.record(work, verified, bench.custody)
        await work.flush()
        yield


async def test_a_withdrawal_under_way_when_a_batch_writes(bench: Bench) -> None:
    """A batch that writes while a withdrawal is about to commit waits for it, and then keeps nothing."""
    known, new = await granted(bench)
    items = said(bench, new)

    async with withdrawing(bench, known):
        writing = asyncio.create_task(at_once(bench, items))
        await eventually(lambda: blocked(bench))
    with pytest.raises(Conflict):
        await writing

    await bench.hand_over(items)
    assert (await bench.coverage(new))[HEALTH][0] is CoverageState.REFUSED


async def test_a_withdrawal_under_way_when_a_transaction_reads(bench: Bench) -> None:
    """In a transaction a batch waits for the withdrawal before it reads, and so decides on it at once."""
    known, new = await granted(bench)
    items = said(bench, new)

    async def take_in() -> None:
        async with bench.database.work() as work:
            await bench.handler(work, items)

    async with withdrawing(bench, known):
        reading = asyncio.create_task(take_in())
        await eventually(lambda: blocked(bench))
    await reading

    assert (await bench.coverage(new))[HEALTH][0] is CoverageState.REFUSED


async def test_a_withdrawal_after_a_transaction_has_read(bench: Bench) -> None:
    """What a transaction has read of a person stays so: a withdrawal gets the next number and covers anew."""
    known, new = await granted(bench)

    async with bench.database.work() as work:
        await bench.handler(work, said(bench, new))
        withdrawal = asyncio.create_task(bench.post_statement(bench.statement(known, WITHDRAW, HEALTH)))
        await eventually(lambda: blocked(bench))
    assert (await withdrawal).status_code == 201

    assert await numbers(bench) == [5]
    decided = [data for _, data in await bench.heard(CoverageDecided) if data.referral_id == new.id]
    states = [next(each.state for each in data.sections if each.category is HEALTH) for data in decided]
    assert states == [CoverageState.COVERED, CoverageState.REFUSED]


async def test_a_withdrawal_while_a_batch_writes(bench: Bench) -> None:
    """A withdrawal that comes while a batch is writing waits for it, and covers anew what the batch took in."""
    known, new = await granted(bench)
    other = await bench.sealed_referral()

    async with bench.database.work() as holding:
        await holding.session.execute(sa.text("SELECT 1 FROM handles FOR UPDATE"))
        writing = asyncio.create_task(at_once(bench, said(bench, new, other)))
        await eventually(lambda: blocked(bench))
        withdrawal = asyncio.create_task(bench.post_statement(bench.statement(known, WITHDRAW, HEALTH)))
        await eventually(lambda: blocked(bench, by=2))
    await writing
    assert (await withdrawal).status_code == 201

    assert (await bench.coverage(new))[HEALTH][0] is CoverageState.REFUSED


async def same_handle(bench: Bench) -> tuple[Sent, Sent]:
    """Two referrals of different persons with one handle."""
    handle = await bench.blank_handle()
    return (
        await bench.sealed_referral(handle=handle, reference="karte-1"),
        await bench.sealed_referral(handle=handle, reference="karte-2"),
    )


async def same_content_key(bench: Bench) -> tuple[Sent, Sent]:
    """Two referrals whose first sections have one key."""
    return await twins(bench, lambda first: {"key": first.key})


async def same_section(bench: Bench) -> tuple[Sent, Sent]:
    """Two referrals whose first sections have one id."""
    return await twins(bench, lambda first: {"section_id": first.section_id})


async def twins(bench: Bench, likeness: Callable[[CapsuleSection], dict[str, str]]) -> tuple[Sent, Sent]:
    """Two referrals of different persons, the first section of the second of which is like that of the first."""
    handles = await bench.blank_handle(), await bench.blank_handle()
    first = await bench.sealed_referral(handle=handles[0], reference="karte-1")
    like = likeness(open_capsule(first.sealed.capsule, handles[0].key).sections[0])
    sealed = CLINIC.seal(handles[1])
    held = open_capsule(sealed.capsule, handles[1].key).sections
    capsule = Capsule(sender=CLINIC.id, sections=(held[0].model_copy(update=like), *held[1:]))
    facts = sealed.sections
    if "section_id" in like:
        facts = (facts[0].model_copy(update=like), *facts[1:])
    second = await bench.sealed_referral(
        handle=handles[1],
        reference="karte-2",
        sealed=sealed,
        sections=facts,
        capsule=seal_capsule(capsule, handles[1].key.public),
    )
    return first, second


@pytest.mark.parametrize("under_way", [False, True], ids=["committed", "under way"])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (same_handle, RefusalCode.HANDLE_ALREADY_USED),
        (same_content_key, RefusalCode.CONTENT_KEY_REUSED),
        (same_section, RefusalCode.SECTION_ID_REUSED),
    ],
)
async def test_two_replicas_with_one_and_the_same(
    bench: Bench, make: Callable[[Bench], Awaitable[tuple[Sent, Sent]]], code: RefusalCode, under_way: bool
) -> None:
    """What two replicas take in at the same moment and only one referral may have, only the first one gets."""
    first, second = await make(bench)
    items = said(bench, second)

    await overtaken(bench, items, said(bench, first), under_way=under_way)

    await bench.hand_over(items)
    category = second.manifest.data.sections[0].category
    assert (await bench.coverage(second))[category] == (CoverageState.INVALID, code.value)
    bench.hear_again()
    assert set((await bench.coverage(first)).values()) == {TO_ASK}


@pytest.mark.parametrize("under_way", [False, True], ids=["committed", "under way"])
async def test_two_replicas_with_a_new_reference(bench: Bench, under_way: bool) -> None:
    """Two replicas that meet a person for the first time at the same moment open one record."""
    first, second = await bench.sealed_referral(reference="karte-7"), await bench.sealed_referral(reference="karte-7")
    items = said(bench, second)

    await overtaken(bench, items, said(bench, first), under_way=under_way)

    await bench.hand_over(items)
    assert len(await bench.heard(RecordOpened)) == 1
    assert await numbers(bench) == [3]


async def overtaken(bench: Bench, items: Sequence[Item], by: Sequence[Item], *, under_way: bool) -> None:
    """Let a batch read, and write only when another has committed, or has written and is about to commit."""
    read, write = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        read.set()
        await write.wait()

    slow = asyncio.create_task(at_once(bench, items, meanwhile=pause()))
    await read.wait()
    if under_way:
        async with bench.database.work() as work:
            await bench.handler(work, by)
            await work.flush()
            write.set()
            await eventually(lambda: blocked(bench))
    else:
        await at_once(bench, by)
        write.set()
    with pytest.raises(Conflict):
        await slow


async def test_a_number_is_taken_once(bench: Bench) -> None:
    """Of two that have read a person's number only the first can take the next one."""
    await bench.refer()
    async with bench.database.reading() as session:
        row = (await session.execute(sa.text("SELECT * FROM persons"))).one()

    async def take() -> None:
        person = Person(row.record_id, row.number, row.latest_at, row.group_id)
        person.take_number(row.latest_at)
        async with bench.database.batch() as work:
            persons.save(work, [person])

    await take()
    with pytest.raises(Conflict):
        await take()
    assert await numbers(bench) == [row.number + 1]


async def test_a_referral_moves_while_it_is_being_opened(bench: Bench) -> None:
    """A batch takes referrals' rows before persons' rows, as a release does: neither waits in a circle."""
    known, new = await granted(bench)
    items = [bench.saying.say(f"referral:{known.id}", bench.halted(known)), *said(bench, new)]
    asked = releases.Request(known.id, known.section(HEALTH), None)
    async with bench.database.batch() as work:
        prepared = await releases.prepare(work, bench.caller(DESK), asked, bench.custody)

    async with bench.database.work() as work:
        assert prepared.referral is not None
        await referrals.hold(work.session, prepared.referral)
        writing = asyncio.create_task(at_once(bench, items))
        await eventually(lambda: blocked(bench))
        outcome = await releases.decide(work, prepared, bench.custody)
    with pytest.raises(Conflict):
        await writing

    assert releases.hand_over(prepared, outcome)
    await bench.hand_over(items)
    assert (await bench.coverage(new))[HEALTH][0] is CoverageState.COVERED


async def withdraw(bench: Bench, sent: Sent) -> None:
    """The person takes the health section back."""
    await bench.say(sent, WITHDRAW, HEALTH)


async def decline(bench: Bench, sent: Sent) -> None:
    """The desk declines the referral; the person's number stays."""
    await bench.end(sent)


@pytest.mark.parametrize(
    ("happens", "refusal"), [(withdraw, RefusalCode.NOT_COVERED), (decline, RefusalCode.REFERRAL_NOT_OPEN)]
)
async def test_what_happens_while_a_section_is_being_opened_counts(
    bench: Bench, happens: Callable[[Bench, Sent], Awaitable[None]], refusal: RefusalCode
) -> None:
    """A release that was read before a withdrawal, or before the end of its referral, is decided anew and refused."""
    sent, _ = await granted(bench)
    asked = releases.Request(sent.id, sent.section(HEALTH), None)
    async with bench.database.batch() as work:
        prepared = await releases.prepare(work, bench.caller(DESK), asked, bench.custody)
    await happens(bench, sent)

    outcome = await bench.database.at_once(partial(releases.decide, prepared=prepared, custody=bench.custody))

    assert outcome.refusal is not None
    assert outcome.refusal.code is refusal
    assert len(await bench.heard(ReleaseRefused)) == 1
