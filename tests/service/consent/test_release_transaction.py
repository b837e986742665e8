"""No key leaves without its record, and nothing is handed over on consent that had been withdrawn before."""

import asyncio
import random
from itertools import islice

import httpx
import pytest
import sqlalchemy as sa

from services.consent.domain.decisions import decide
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from services.consent.storage import statements
from services.consent.use_cases import releases
from tests.builders.consent_bench import DESK, Bench, Sent
from tests.infra.eventually import eventually
from tsunagu_contracts.codes import Category, StatementKind
from tsunagu_contracts.events.consent import CoverageDecided, ReleaseGranted, ReleaseRefused
from tsunagu_contracts.sealing import ReleasedKey

GRANT, WITHDRAW = StatementKind.GRANT, StatementKind.WITHDRAW
HEALTH = Category.HEALTH


async def break_commits(bench: Bench, table: str) -> None:
    """Let PostgreSQL fail every commit of a transaction that wrote into this table."""
    async with bench.database.work() as work:
        await work.session.execute(
            sa.text("""
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'the disk is gone'; END $$
            """)
        )
        await work.session.execute(
            sa.text(f"""
                CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON {table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()
            """)
        )


@pytest.mark.parametrize("table", ["releases", "outbox"])
async def test_a_failed_commit_hands_over_nothing(bench: Bench, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the commit fails, for the record or for the event, no key is even wrapped and nothing is kept."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)
    await break_commits(bench, table)
    wrapped: list[ReleasedKey] = []
    monkeypatch.setattr(releases, "wrap_content_key", lambda released, _: wrapped.append(released))

    answer = await bench.ask(sent)

    assert answer.status_code == 500
    assert "key" not in answer.json()
    assert not wrapped
    assert not await bench.heard(ReleaseGranted)
    async with bench.database.reading() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM releases")) == 0
        assert await session.scalar(sa.text("SELECT max(number) FROM persons")) == 3


async def test_a_withdrawal_waits_for_the_row_lock_alone(bench: Bench) -> None:
    """While a release is not yet committed, withdrawals of others go through, and the person's own follows at once."""
    sent, other = await bench.refer(reference="karte-1"), await bench.refer(reference="karte-2")
    await bench.say(sent, GRANT, HEALTH)
    await bench.say(other, GRANT, HEALTH)
    manifest = bench.statement(sent, WITHDRAW, HEALTH)

    async with bench.database.work() as work:
        prepared = await prepare(bench, sent)
        outcome = await releases.decide(work, prepared, bench.custody)
        assert (await bench.post_statement(bench.statement(other, WITHDRAW, HEALTH))).status_code == 201
        waiting = asyncio.create_task(bench.post_statement(manifest))
        await eventually(lambda: blocked(bench))
        assert not waiting.done()
    assert (await waiting).status_code == 201

    # The release was numbered first, so its key may still leave; the next one may not.
    assert releases.hand_over(prepared, outcome)
    assert (await bench.ask(sent)).json()["code"] == "not_covered"


async def test_referral_traffic_does_not_hold_up_a_withdrawal(bench: Bench) -> None:
    """A batch that is changing the referral's row keeps a release waiting, and no withdrawal."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)

    async with bench.database.work() as work:
        await work.session.execute(sa.text("UPDATE referrals SET version = version + 1"))
        asking = asyncio.create_task(bench.ask(sent))
        await eventually(lambda: blocked(bench))
        assert (await bench.post_statement(bench.statement(sent, WITHDRAW, HEALTH))).status_code == 201
    assert (await asking).json()["code"] == "not_covered"


async def prepare(bench: Bench, sent: Sent) -> releases.Prepared:
    """Prepare the desk's release of the health section, as the route does."""
    asked = releases.Request(sent.id, sent.section(HEALTH), None)
    async with bench.database.batch() as work:
        return await releases.prepare(work, bench.caller(DESK), asked, bench.custody)


async def blocked(bench: Bench) -> bool:
    """Whether somebody waits for a row's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with bench.database.reading() as session:
        return bool(await session.scalar(sa.text(query)))


@pytest.mark.parametrize(
    "interleavings", [40, pytest.param(1_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)
async def test_a_race_of_releases_and_withdrawals(bench: Bench, interleavings: int) -> None:
    """Whatever the interleaving on real connections, no release rests on what was withdrawn before it.

    Replayed as of the number before its own, every release is permitted and every refusal denied.
    """
    dice = random.Random(2026)
    answers: dict[str, httpx.Response] = {}
    for turn in range(interleavings):
        sent = await bench.refer(reference=f"karte-{turn}")
        await bench.say(sent, GRANT, HEALTH)
        asked = [asyncio.ensure_future(bench.ask(sent)) for _ in range(4)]
        words = [bench.post_statement(bench.statement(sent, WITHDRAW, HEALTH))]
        if turn % 3 == 0:
            # A grant stated before the withdrawal, on its way at the same time: void wherever it lands after.
            words.append(bench.post_statement(bench.statement(sent, GRANT, HEALTH)))
        dice.shuffle(words)
        # The word comes while none to three of the openings have been answered and the others are under way.
        for answered in islice(asyncio.as_completed(asked), turn % 4):
            await answered
        for answer in await asyncio.gather(*asked, *words):
            answers[answer.json().get("release_id", f"refused-{len(answers)}")] = answer
        assert (await bench.ask(sent)).json()["code"] == "not_covered"

    granted = [data for _, data in await bench.heard(ReleaseGranted)]
    bench.hear_again()
    refused = [data for _, data in await bench.heard(ReleaseRefused)]
    spoken = await everything_said(bench)
    for each in granted:
        withdrawn = [s.number for s in spoken[each.record_id] if s.kind is WITHDRAW]
        assert each.number < min(withdrawn)
        request = Request(each.category, each.recipient, each.purpose, each.decided_at)
        replayed = decide(spoken[each.record_id], request, each.number - 1)
        assert (replayed.permit, replayed.statement_number) == (True, each.statement_number)
    for denial in refused:
        assert denial.record_id is not None
        assert denial.number is not None
        assert denial.category is not None
        request = Request(denial.category, denial.recipient, granted[0].purpose, denial.decided_at)
        assert not decide(spoken[denial.record_id], request, denial.number - 1).permit
    # Both sides of the race were seen, and every key that left has its record.
    assert granted
    assert len(refused) > interleavings
    left = {key for key, answer in answers.items() if "key" in answer.json()}
    assert left == {each.release_id for each in granted}


async def owed_by(bench: Bench) -> int:
    """How many obligations there are."""
    async with bench.database.reading() as session:
        return int(await session.scalar(sa.text("SELECT count(*) FROM obligations")) or 0)


async def everything_said(bench: Bench) -> dict[str, tuple[Statement, ...]]:
    """Every statement by record id."""
    async with bench.database.reading() as session:
        record_ids = (await session.scalars(sa.text("SELECT record_id FROM persons"))).all()
        return await statements.of(session, record_ids)


async def test_numbers_of_a_record_have_no_gaps(bench: Bench) -> None:
    """Statements, releases and refusals at the same time take one number each, without gap or repetition."""
    sent = await bench.refer()
    await bench.say(sent, GRANT, HEALTH)

    await asyncio.gather(
        *(bench.ask(sent) for _ in range(8)),
        *(bench.ask(sent, Category.IDENTITY) for _ in range(4)),
        *(bench.post_statement(bench.statement(sent, WITHDRAW, HEALTH)) for _ in range(4)),
    )

    async with bench.database.reading() as session:
        rows = await session.execute(
            sa.text("""
                SELECT number FROM statements UNION ALL SELECT number FROM releases
                UNION ALL SELECT number FROM obligations ORDER BY number
            """)
        )
        numbers = [row.number for row in rows]
    # Whether the desk had opened something before the first withdrawal is a matter of chance; then it owes an answer.
    assert numbers == list(range(3, 3 + 17 + await owed_by(bench)))
    assert len(await bench.heard(CoverageDecided)) == 6
