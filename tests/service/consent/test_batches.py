"""Batches: as few statements as there are kinds of effect, and nothing doubled or stuck between replicas."""

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa
from aiokafka import TopicPartition

from services.eventing.positions import Positions
from services.eventing.processing import Processor
from services.eventing.records import Item
from tests.builders.batches import statements_of
from tests.builders.consent_bench import NPO, Bench, Sent, resigned
from tsunagu_contracts.codes import Category, CoverageState, ReferralState, StatementKind
from tsunagu_contracts.events.consent import CoverageDecided, RecordOpened
from tsunagu_contracts.sealing import open_capsule, seal_capsule


async def sealed(bench: Bench, count: int, *, reference: str = "karte") -> list[Sent]:
    """Seal so many referrals, each of another person."""
    return [await bench.sealed_referral(reference=f"{reference}-{n}") for n in range(count)]


def said(bench: Bench, *referrals: Sent) -> list[Item]:
    """What `referral` says of new referrals."""
    return [bench.saying.say(f"referral:{sent.id}", sent.submitted) for sent in referrals]


def declined(bench: Bench, *referrals: Sent) -> list[Item]:
    """What `referral` says when the desk declines."""
    return [bench.saying.say(f"referral:{sent.id}", bench.declined(sent)) for sent in referrals]


async def test_statements_of_a_batch(bench: Bench) -> None:
    """New referrals are the pipeline's read, one of ours and one write; where others stand is only read and write.

    So it is whatever the number, and whether their persons are known or not.
    """
    partition = TopicPartition("referral.events", 0)
    positions = Positions()
    async with bench.database.engine.connect() as connection:
        await positions.load(connection, [partition])
    processor = Processor(bench.database, bench.handler, frozenset({partition.topic}), "consent")

    async with statements_of(bench.database) as statements:
        for size in (0, 1, 20):
            strangers, known = await sealed(bench, size or 1), await sealed(bench, size or 1)
            costs = []
            for items in (
                said(bench, *strangers),
                [*declined(bench, *strangers), *said(bench, *known)],
                declined(bench, *known),
            ):
                statements.clear()
                nexts = {partition: items[-1].record.offset + 1}
                await processor.process([item.record for item in items], nexts, positions)
                costs.append(len(statements))
            # The first batch of a process learns the members, and the driver the types of the columns.
            assert size == 0 or costs == [3, 3, 2], statements

    assert len(await bench.heard(CoverageDecided)) == 2 * (1 + 1 + 20)


@pytest.mark.parametrize("way", ["at once", "in a transaction", "item by item"])
async def test_each_way_finds_the_same(bench: Bench, way: str) -> None:
    """However a batch is done, what is covered, to be asked and invalid is the same, and so are the numbers."""
    known = await bench.refer(reference="known")
    await bench.say(known, StatementKind.GRANT, Category.HEALTH)
    handle, used = await bench.blank_handle(), await bench.blank_handle()
    first = await bench.sealed_referral(handle=handle, reference="new")
    copied = open_capsule(first.sealed.capsule, handle.key)
    batch = [
        await bench.sealed_referral(reference="known"),
        first,
        await bench.sealed_referral(reference="new"),
        await bench.sealed_referral(handle=used),
        await bench.sealed_referral(handle=used),
        await bench.sealed_referral(
            handle=(last := await bench.blank_handle()),
            sealed=replace(first.sealed, capsule=seal_capsule(copied, last.key.public)),
        ),
        resigned(await bench.sealed_referral(), NPO),
    ]
    items = [*said(bench, *batch), *declined(bench, known)]

    if way == "at once":
        async with bench.database.batch() as work:
            await bench.handler(work, items)
    else:
        async with bench.database.work() as work:
            for part in [items] if way == "in a transaction" else [[item] for item in items]:
                async with work.savepoint():
                    await bench.handler(work, part)

    found = []
    for sent in batch:
        bench.hear_again()
        found.append((await bench.coverage(sent))[Category.HEALTH][1])
    assert found == [
        "granted",
        "no_statement",
        "no_statement",
        "no_statement",
        "handle_already_used",
        "section_id_reused",
        "unknown_key",
    ]
    async with bench.database.reading() as session:
        counted = await session.scalars(sa.text("SELECT number FROM persons ORDER BY number"))
        assert list(counted) == [3, 3, 4]
        assert await session.scalar(sa.text("SELECT count(*) FROM referrals WHERE state = 'declined'")) == 1


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
