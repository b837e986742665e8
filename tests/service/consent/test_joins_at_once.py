"""Joins beside everything else that happens at the same moment: real concurrency, nothing overlooked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from services.consent.use_cases import joins, messages
from services.eventing.statements import Conflict
from tests.builders.agency_messages import SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, NPO, WARD, Bench, Sent
from tests.builders.joining import Two, card_of, join, joined, joining_by_card, joining_by_word, two, undo, unjoining
from tests.infra.eventually import eventually
from tsunagu_contracts.codes import Category, CoverageState, StatementKind
from tsunagu_contracts.events.consent import ReleaseGranted, StatementRecorded
from tsunagu_contracts.manifests import JoinHandles

HEALTH = Category.HEALTH
GRANT, REFUSE, WITHDRAW, _ = StatementKind


async def blocked(bench: Bench, *, by: int = 1) -> bool:
    """Whether so many wait for a row's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with bench.database.reading() as session:
        return bool(await session.scalar(sa.text(query)) == by)


async def groups(bench: Bench) -> int:
    """How many persons there are."""
    async with bench.database.reading() as session:
        return int(await session.scalar(sa.text("SELECT count(DISTINCT group_id) FROM persons")))


@asynccontextmanager
async def joining(bench: Bench, manifest: JoinHandles) -> AsyncIterator[None]:
    """A join of the desk's that has been written and commits at the end."""
    async with bench.database.work() as work:
        raw = DESK.message(manifest).to_bytes()
        verified = await messages.verify(work.session, raw, bench.caller(DESK), JoinHandles)
        await joins.join(work, verified, bench.custody)
        await work.flush()
        yield


async def test_a_card_used_by_two_at_once_joins_once(bench: Bench) -> None:
    """Of two agencies that are shown one card at the same moment one joins, and the other's card is not valid."""
    known = await bench.refer(reference="karte-7")
    secret = await card_of(bench, known)
    others = [await bench.refer(reference=by.id, sender=by) for by in (NPO, WARD)]
    manifests = [joining_by_card(bench, by, sent, secret) for by, sent in zip((NPO, WARD), others, strict=True)]

    answers = await asyncio.gather(
        *(join(bench, manifest, by=by) for by, manifest in zip((NPO, WARD), manifests, strict=True))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert await groups(bench) == 2


async def test_the_same_join_twice_at_once(bench: Bench) -> None:
    """One message that comes twice at the same moment joins once and is answered twice alike."""
    both = await two(bench)
    manifest = joining_by_card(bench, NPO, both.npos, await card_of(bench, both.clinics))

    answers = await asyncio.gather(*(join(bench, manifest, by=NPO) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert answers[0].json() == answers[1].json()


async def test_joins_in_a_circle_at_once(bench: Bench) -> None:
    """Three records joined pairwise at the same moment are one person afterwards, and nobody waits for ever."""
    both = await two(bench)
    third = await bench.refer(reference="ward-7", sender=WARD)
    pairs = [(both.clinics, both.npos), (both.npos, third), (third, both.clinics)]

    answers = await asyncio.gather(
        *(join(bench, joining_by_word(bench, DESK, one, other), by=DESK) for one, other in pairs)
    )

    assert [answer.status_code for answer in answers] == [201] * 3
    assert await groups(bench) == 1


async def test_a_release_waits_for_a_withdrawal_on_the_other_record(bench: Bench) -> None:
    """A withdrawal on one record that has committed stops a release on the other, however they meet."""
    both = await joined(bench)
    for _ in range(10):
        await bench.say(both.clinics, GRANT, HEALTH)
        bench.clock.at += bench.custody.bounds.clock_tolerance
        withdrawal = bench.statement(both.clinics, WITHDRAW, HEALTH)
        await asyncio.gather(bench.post_statement(withdrawal), *(bench.ask(both.npos) for _ in range(3)))
        refused = await bench.ask(both.npos)
        assert refused.json()["code"] == "not_covered"

    bench.hear_again()
    said = [(data.recorded_at, data.kind) for _, data in await bench.heard(StatementRecorded)]
    bench.hear_again()
    opened = [(data.decided_at, None) for _, data in await bench.heard(ReleaseGranted)]
    standing = None
    for _, kind in sorted([*said, *opened], key=lambda each: each[0]):
        assert kind is not None or standing is GRANT
        standing = kind or standing


@pytest.mark.parametrize("speaks", [None, NPO, CLINIC], ids=["release", "statement", "on the other record"])
async def test_a_join_under_way(bench: Bench, speaks: SendingAgency | None) -> None:
    """A release and a statement that meet a join wait for it, and then take all that is joined into account."""
    both = await two(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    await bench.say(both.npos, REFUSE, HEALTH, by=NPO)
    one, other = (both.npos, both.clinics) if speaks is NPO else (both.clinics, both.npos)

    async with joining(bench, joining_by_word(bench, DESK, both.clinics, both.npos)):
        if speaks is None:
            waiting = asyncio.create_task(bench.ask(both.clinics))
        else:
            manifest = bench.statement(one, WITHDRAW, Category.CONTACT, by=speaks)
            waiting = asyncio.create_task(bench.post_statement(manifest, by=speaks))
        await eventually(lambda: blocked(bench))
    answer = await waiting

    if speaks is None:
        assert (answer.status_code, answer.json()["code"]) == (403, "not_covered")
    else:
        assert answer.status_code == 201
        bench.hear_again()
        assert (await bench.coverage(other))[Category.CONTACT][0] is CoverageState.REFUSED


async def taking(bench: Bench, sent: Sent, meanwhile: Sequence[object]) -> None:
    """Take in a referral without locking; `meanwhile` happens between its read and its write."""
    async with bench.database.batch() as work:
        await bench.handler(work, [bench.saying.say(f"referral:{sent.id}", sent.submitted)])
        for each in meanwhile:
            await each  # type: ignore[misc]  # awaitables of different results


async def test_a_join_between_read_and_write(bench: Bench) -> None:
    """A join that commits after a batch has read and decided undoes all of the batch, whichever record it names."""
    both = await two(bench)
    third = await bench.refer(reference="ward-7", sender=WARD)
    await join(bench, joining_by_word(bench, DESK, third, both.npos), by=DESK)
    await bench.say(both.clinics, REFUSE, HEALTH)
    await bench.say(both.npos, GRANT, HEALTH, by=NPO, stated_at=bench.clock.now())
    new = await bench.sealed_referral(reference="ward-7", sender=WARD)
    # The person of the batch is joined already; neither of the records that the join names is theirs.
    manifest = joining_by_word(bench, DESK, both.clinics, both.npos)

    with pytest.raises(Conflict):
        await taking(bench, new, [join(bench, manifest, by=DESK)])

    await bench.take_in(new)
    bench.hear_again()
    assert (await bench.coverage(new))[HEALTH][0] is CoverageState.REFUSED


async def test_a_word_on_the_other_record_between_read_and_write(bench: Bench) -> None:
    """A refusal on a joined record that commits after a batch has decided undoes the batch too."""
    both = await joined(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    new = await bench.sealed_referral(reference="npo-7", sender=NPO)

    with pytest.raises(Conflict):
        await taking(bench, new, [bench.say(both.clinics, REFUSE, HEALTH)])

    await bench.take_in(new)
    bench.hear_again()
    assert (await bench.coverage(new))[HEALTH][0] is CoverageState.REFUSED


async def test_undoing_at_once_with_everything_else(bench: Bench) -> None:
    """Undone by two at once while both records are spoken on, a join is undone once, and each keeps its own word."""
    both: Two = await joined(bench)
    await bench.say(both.clinics, GRANT, HEALTH)
    undoings = [(by, unjoining(by, both.join_id)) for by in (NPO, DESK)]
    words = [bench.statement(both.clinics, REFUSE, Category.CONTACT), bench.statement(both.npos, GRANT, HEALTH, by=NPO)]

    answers = await asyncio.gather(
        *(undo(bench, manifest, by=by) for by, manifest in undoings),
        *(bench.post_statement(word, by=by) for word, by in zip(words, (CLINIC, NPO), strict=True)),
        *(bench.ask(both.npos) for _ in range(2)),
    )

    assert sorted(answer.status_code for answer in answers[:2]) == [201, 409]
    assert [answer.status_code for answer in answers[2:4]] == [201, 201]
    assert await groups(bench) == 2
    bench.hear_again()
    assert (await bench.coverage(both.clinics))[Category.CONTACT][0] is CoverageState.REFUSED
    bench.hear_again()
    assert (await bench.coverage(both.npos))[Category.CONTACT][0] is CoverageState.TO_ASK
