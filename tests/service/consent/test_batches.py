"""Batches: as few statements as there are kinds of effect, and nothing doubled or stuck between replicas."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.builders.consent_bench import Bench, Sent
from tsunagu_contracts.codes import Category, CoverageState, ReferralState, StatementKind
from tsunagu_contracts.events.consent import CoverageDecided, RecordOpened


@contextmanager
def counted(bench: Bench) -> Iterator[list[str]]:
    """Note every SQL statement that is sent."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    engine = bench.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(engine, "before_cursor_execute", note)


async def sealed(bench: Bench, count: int, *, reference: str = "karte") -> list[Sent]:
    """Seal so many referrals, each of another person."""
    return [await bench.sealed_referral(reference=f"{reference}-{n}") for n in range(count)]


async def test_statements_per_batch_do_not_grow(bench: Bench) -> None:
    """A batch of twenty referrals costs as many SQL statements as one referral."""
    one, many = await sealed(bench, 1, reference="one"), await sealed(bench, 20, reference="many")

    with counted(bench) as for_one:
        await bench.take_in(*one)
    with counted(bench) as for_many:
        await bench.take_in(*many)

    assert len(for_many) == len(for_one)
    assert len(await bench.heard(CoverageDecided)) == 21


async def test_two_replicas_at_the_same_time(bench: Bench) -> None:
    """Batches of the same persons taken in at the same time open each record once, and none waits for ever."""
    first, second = await sealed(bench, 6), list(reversed(await sealed(bench, 6)))

    await asyncio.gather(bench.take_in(*first), bench.take_in(*second))

    assert len(await bench.heard(RecordOpened)) == 6
    bench.hear_again()
    said = {data.referral_id for _, data in await bench.heard(CoverageDecided)}
    assert said == {sent.id for sent in (*first, *second)}
    async with bench.database.reading() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM persons")) == 6


async def test_batches_beside_releases_and_statements(bench: Bench) -> None:
    """Referrals that come in, statements and releases of the same persons do not block one another for good."""
    known = await sealed(bench, 4)
    await bench.take_in(*known)
    for sent in known:
        await bench.say(sent, StatementKind.GRANT, Category.HEALTH)
    more = [await sealed(bench, 4), list(reversed(await sealed(bench, 4)))]
    statements = [bench.statement(sent, StatementKind.GRANT, Category.CONTACT) for sent in known]

    answers = await asyncio.gather(
        *(bench.ask(sent) for sent in known),
        *(bench.take_in(*batch) for batch in more),
        *(bench.post_statement(statement) for statement in statements),
        *(bench.ask(sent) for sent in reversed(known)),
        *(bench.end(sent, ReferralState.HALTED) for sent in known),
    )

    codes = {answer.status_code for answer in answers if answer is not None}
    assert codes <= {201, 409}
    await bench.say(known[0], StatementKind.GRANT, Category.IDENTITY)
    assert (await bench.coverage(more[0][0]))[Category.IDENTITY][0] is CoverageState.COVERED


async def test_a_referral_that_is_over_within_its_first_batch(bench: Bench) -> None:
    """Later events of a new referral in the same batch count: it is known in its last state."""
    sent = await bench.sealed_referral()
    declined = bench.declined(sent)

    await bench.handle((f"referral:{sent.id}", sent.submitted), (f"referral:{sent.id}", declined))

    async with bench.database.reading() as session:
        row = (await session.execute(sa.text("SELECT state, version FROM referrals"))).one()
    assert (row.state, row.version) == ("declined", 2)
    assert len(await bench.heard(CoverageDecided)) == 1
