"""kill -9 of services and of Kafka every few seconds: every acknowledged referral takes its whole effect, once."""

import asyncio
import os
import time
from collections.abc import Sequence
from itertools import islice

import pytest

from deploy.network import EmbeddedNetwork
from tests.faults.chaos import KAFKA, Blow, Chaos, blows
from tests.faults.checks import check_everything_took_effect_once, look_before, senders
from tests.faults.histories import rows, settled
from tests.faults.seeds import Telling, seed_of_run
from tests.faults.traffic import Agencies
from tests.infra.infrastructure import Infrastructure
from tsunagu_contracts.topics import SERVICES

pytestmark = pytest.mark.faults

REFERRALS_VARIABLE = "TSUNAGU_TEST_REFERRALS"
PER_SECOND = 40.0
TELL_EVERY_SECONDS = 5.0
STILL_SECONDS = 300.0


async def rage(network: EmbeddedNetwork, infra: Infrastructure, agencies: Agencies, count: int, tell: Telling) -> None:
    """Send referrals at a fixed rate, kill whatever comes next meanwhile, and check what was recorded."""
    before = await look_before(network)
    lot = await agencies.seal(count)
    tell(f"{count} referrals sealed")
    chaos, journeys = Chaos(network, infra.servers, tell.seed, tell), lot.journeys
    async with asyncio.TaskGroup() as working:
        working.create_task(agencies.publish(lot, PER_SECOND))
        working.create_task(agencies.act(lot))
        async with chaos.raging():
            await _all_told(network, agencies, chaos, [each.referral_id for each in journeys], tell)
    tell("all told of, all killed, all alive again")
    await settled(network, senders(journeys), before.parked)
    tell("settled")
    repeated = await check_everything_took_effect_once(network, journeys, agencies.acknowledged, before)
    assert len(agencies.acknowledged) == sum(len(journey.types) - 1 for journey in journeys)
    tell(f"all is as it must be; {repeated} records stand on Kafka more than once; killed: {_counts(chaos)}")


async def _all_told(
    network: EmbeddedNetwork, agencies: Agencies, chaos: Chaos, referral_ids: Sequence[str], tell: Telling
) -> None:
    """Say every few seconds how far it has come; returns when somebody has been told of every referral."""
    query = """
        SELECT count(DISTINCT referral_id), count(*) FROM inbox_items
        WHERE message = 'referral_waits' AND referral_id = ANY($1)
    """
    told, moved = 0, time.monotonic()
    while told < len(referral_ids):
        await asyncio.sleep(TELL_EVERY_SECONDS)
        [(now_told, items)] = await rows(network, "notify", query, list(referral_ids))
        if now_told != told:
            told, moved = int(str(now_told)), time.monotonic()
        sent = len(agencies.waiting.acknowledged) + len(agencies.acting.acknowledged)
        tell(
            f"{sent} of {len(referral_ids)} referrals acknowledged, {told} told of in {items} items, "
            f"{len(agencies.desk.acknowledged)} acts; {chaos.kills.total()} kills"
        )
        assert time.monotonic() - moved < STILL_SECONDS, f"nobody has been told of anything for {STILL_SECONDS:.0f} s"


def _counts(chaos: Chaos) -> str:
    return f"{chaos.kills.total()} ({', '.join(f'{name} {count}' for name, count in sorted(chaos.kills.items()))})"


async def test_everybody_is_killed_during_600_referrals(
    network: EmbeddedNetwork, infra: Infrastructure, agencies: Agencies
) -> None:
    """Each service and Kafka at least once: all that was acknowledged is told once, in order, everywhere."""
    await rage(network, infra, agencies, 600, Telling(seed_of_run()))


@pytest.mark.long
@pytest.mark.timeout(5400)
async def test_everybody_is_killed_again_and_again_during_10_000_referrals(
    network: EmbeddedNetwork, infra: Infrastructure, agencies: Agencies, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same holds for many referrals and somebody killed every few seconds, as long as it takes."""
    count = int(os.environ.get(REFERRALS_VARIABLE, "10000"))
    await rage(network, infra, agencies, count, Telling(seed_of_run(), capsys.disabled))


def test_the_same_seed_strikes_the_same_blows() -> None:
    """What a seed has found can be tried again; another seed is another run, and every round spares nobody."""
    victims = (*SERVICES, KAFKA)

    def first(seed: int) -> list[Blow]:
        return list(islice(blows(seed, victims), 30))

    assert first(7) == first(7) != first(8)
    struck = [victim for blow in first(7) for victim in blow.victims]
    assert set(struck[: len(victims)]) == set(victims)
    assert {len(blow.victims) for blow in first(7)} == {1, 2, 3}
