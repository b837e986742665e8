"""Two processes of every service at once, each with its consumer and relay: they share, and either goes on alone."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from confluent_kafka.admin import AdminClient

from deploy.access import KafkaAccess
from deploy.network import EmbeddedNetwork
from tests.faults.checks import check_everything_took_effect_once, look_before, senders
from tests.faults.histories import CONSUMING, settled
from tests.faults.seeds import Telling, seed_of_run
from tests.faults.traffic import Agencies
from tests.infra.eventually import eventually

REFERRALS = 300
PER_SECOND = 40.0
ANSWER_SECONDS = 20.0


def _shares(kafka: KafkaAccess, services: Sequence[str]) -> dict[str, list[int]]:
    """How many partitions each member of each service's group has."""
    # Held until the end: a client that is let go of never answers.
    admin = AdminClient(kafka.librdkafka())
    asked = admin.describe_consumer_groups(list(services), request_timeout=ANSWER_SECONDS)
    groups = {service: answer.result() for service, answer in asked.items()}
    return {
        service: [len(member.assignment.topic_partitions) for member in group.members]
        for service, group in groups.items()
    }


@pytest.mark.faults
async def test_two_replicas_of_every_service_share_the_work_and_either_carries_on_alone(
    network: EmbeddedNetwork, agencies: Agencies
) -> None:
    """Every referral takes its whole effect once, while both work and after one of each pair has been killed."""
    tell = Telling(seed_of_run())
    before = await look_before(network)
    lot = await agencies.seal(REFERRALS)
    with network.two_replicas() as seconds:

        async def both_have_a_share() -> bool:
            shares = await asyncio.to_thread(_shares, network.kafka_admin, CONSUMING)
            return all(len(share) == 2 and min(share) > 0 for share in shares.values())

        await eventually(both_have_a_share)
        tell("two members in every group, each with partitions")
        chance = random.Random(tell.seed)
        victims = [chance.choice(pair) for pair in seconds.items()]

        async def half_are_acknowledged() -> bool:
            return len(agencies.waiting.acknowledged) >= len(lot.waiting) // 2

        async with asyncio.TaskGroup() as working:
            working.create_task(agencies.publish(lot, PER_SECOND))
            working.create_task(agencies.act(lot))
            await eventually(half_are_acknowledged)
            for victim in victims:
                network.kill(victim)
            tell(f"kill -9 {', '.join(victims)}; nobody starts them again")
        await settled(network, senders(lot.journeys), before.parked)
        tell("settled")
    repeated = await check_everything_took_effect_once(network, lot.journeys, agencies.acknowledged, before)
    tell(f"all is as it must be; {repeated} records stand on Kafka more than once")
