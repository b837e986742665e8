import asyncio
from collections.abc import AsyncIterator

import pytest

from services.eventing.work import Work
from services.referral.domain.checking import Incoming
from services.referral.use_cases.messages import take_messages
from tests.builders.agency_messages import SendingAgency
from tests.builders.batches import statements_of
from tests.builders.referral_bench import CLINIC, DESK, Bench, referral_bench
from tests.infra.databases import MakeDatabase
from tsunagu_contracts.codes import CoverageState, ReferralAct, RefusalCode
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.referral import MessageRefused

THREE = (CoverageState.COVERED,) * 3 + (CoverageState.TO_ASK,)


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[Bench]:
    """The service on a fresh database, with three agencies enrolled."""
    async with referral_bench(make_database("referral").url) as opened:
        yield opened


async def taken(bench: Bench, *messages: tuple[SendingAgency, bytes]) -> list[Event]:
    """Take each message in a transaction of its own, all at the same time."""

    async def take(agency: SendingAgency, raw: bytes) -> Event:
        async def use_case(work: Work) -> Event:
            members = await bench.members.members(work)
            (answer,) = await take_messages(work, [Incoming(raw, agency.id)], members, bench.rules)
            return answer

        return await bench.database.until_settled(use_case)

    return await asyncio.gather(*(take(agency, raw) for agency, raw in messages))


def codes(answers: list[Event]) -> list[RefusalCode]:
    """Return the codes of those answers that are refusals."""
    return [answer.data.code for answer in answers if isinstance(answer.data, MessageRefused)]


async def test_one_message_by_several_ways_at_once_takes_effect_once(bench: Bench) -> None:
    """Whoever comes second waits for the first and is given the same answer."""
    _, raw = bench.submission()
    answers = await taken(bench, *[(CLINIC, raw)] * 5)
    assert {answer.id for answer in answers} == {answers[0].id}
    assert codes(answers) == []
    assert await bench.count() == (1, 4)


async def test_two_messages_for_one_new_referral_at_once_begin_it_once(bench: Bench) -> None:
    """Of two submissions under one referral id one is taken and the other refused."""
    manifest, raw = bench.submission()
    _, other = bench.submission(referral_id=manifest.data.referral_id)
    assert codes(await taken(bench, (CLINIC, raw), (CLINIC, other))) == [RefusalCode.REFERRAL_EXISTS]
    assert await bench.count() == (1, 4)


async def test_two_acts_at_once_on_the_same_version_let_one_through(bench: Bench) -> None:
    """The row lock puts them in order, and the version refuses the later one."""
    manifest, raw = bench.submission()
    await bench.send((CLINIC, raw))
    await bench.decide_coverage(manifest, *THREE)
    referral_id = manifest.data.referral_id
    acts = [DESK.message(DESK.act(referral_id, ReferralAct.ACCEPT, expected_version=2)).to_bytes() for _ in range(4)]
    answers = await taken(bench, *((DESK, act) for act in acts))
    assert codes(answers) == [RefusalCode.VERSION_CONFLICT] * 3


async def test_many_batches_that_share_referrals_never_deadlock(bench: Bench) -> None:
    """Acts on the same referrals in opposite orders all get an answer."""
    manifests = []
    for _ in range(6):
        manifest, raw = bench.submission()
        await bench.send((CLINIC, raw))
        await bench.decide_coverage(manifest, *THREE)
        manifests.append(manifest)

    async def act_on_all(backwards: bool) -> None:
        ordered = reversed(manifests) if backwards else manifests
        acts = [DESK.act(one.data.referral_id, ReferralAct.ACCEPT, expected_version=2) for one in ordered]
        await bench.send(*((DESK, DESK.message(act).to_bytes()) for act in acts))

    await bench.heard()
    await asyncio.gather(*(act_on_all(backwards) for backwards in (False, True, False, True)))
    types = [one.event.type for one in await bench.heard() if one.topic == "referral.events"]
    assert types.count("referral.accepted.v1") == 6
    assert types.count("message.refused.v1") == 18


async def test_a_batch_of_thirty_costs_two_statements_like_a_batch_of_one(bench: Bench) -> None:
    """One reads what deciding needs, one writes all that was decided; for coverage likewise."""
    async with statements_of(bench.database) as statements:
        for size in (0, 1, 30):
            submissions = [bench.submission() for _ in range(size or 1)]
            costs = []
            for handle in (
                bench.send(*((CLINIC, raw) for _, raw in submissions)),
                bench.decide_coverages([manifest for manifest, _ in submissions], *THREE),
            ):
                statements.clear()
                await handle
                costs.append(len(statements))
            # The first batch of a process learns the members, and the driver the types of the columns.
            assert size == 0 or costs == [2, 2], statements
