"""kill -9 while many referrals are under way: nothing is lost, nothing happens twice, everybody is told once."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

import pytest

from deploy.network import EmbeddedNetwork
from tests.e2e.agencies import CLINIC, folder_of
from tests.faults.checks import check_everything_took_effect_once, look_before
from tests.faults.histories import parked, positions, settled
from tests.faults.journeys import Journey
from tests.faults.recording import recording
from tests.faults.seeds import Telling, seed_of_run
from tests.faults.traffic import Traffic
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tests.infra.servers import Servers
from tsunagu_agency import AgencyClient, OutgoingMessage
from tsunagu_contracts.topics import SERVICES

pytestmark = pytest.mark.faults

PERSONS = 8
TAKEN_PER_REFERRAL = {"referral": 2, "consent": 2, "notify": 3, "audit": 7}
"""How many records of each referral a service takes in; `directory` takes none and is killed by another's progress."""


@pytest.fixture
async def traffic(network: EmbeddedNetwork) -> AsyncIterator[Traffic]:
    """A clinic ready to refer persons who have agreed."""
    async with AgencyClient.from_folder(folder_of(network, CLINIC), reader="faults") as clinic:
        ready = Traffic(clinic, PERSONS)
        parked_before = await parked(network)
        await ready.agree()
        await settled(network, [CLINIC], parked_before)
        async with recording(network):
            yield ready


class Killing:
    """Kills at moments that follow from a seed, and tells what it did."""

    def __init__(self, network: EmbeddedNetwork, seed: int) -> None:
        self._network = network
        self._random = random.Random(seed)
        self.tell = Telling(seed)

    def shuffled(self) -> list[str]:
        """Every service once, in some order."""
        return self._random.sample(SERVICES, len(SERVICES))

    async def within(self, victim: str, referrals: int) -> None:
        """Return at a random moment while the victim works on this many referrals that are being published."""
        watched = victim if victim in TAKEN_PER_REFERRAL else "referral"
        whole = TAKEN_PER_REFERRAL[watched] * referrals
        wanted = self._random.randint(1, whole // 2)
        begun = await self._taken_by(watched)

        async def taken() -> int:
            now = await self._taken_by(watched) - begun
            return now if now >= wanted else 0

        taken_by_then = await eventually(taken)
        # Anywhere between two looks and two commits, not only right after one.
        await asyncio.sleep(self._random.uniform(0, 0.05))
        self.tell(f"kill -9: {watched} had taken {taken_by_then} of {whole} records")

    async def _taken_by(self, service: str) -> int:
        return sum((await positions(self._network, service)).values())

    async def service(self, victim: str, referrals: int) -> None:
        """Kill a service at such a moment and start it again."""
        self.tell(f"next victim: {victim}")
        await self.within(victim, referrals)
        self._network.kill(victim)
        killed = time.monotonic()
        await asyncio.to_thread(self._network.revive, victim)
        self.tell(f"{victim} ready again after {time.monotonic() - killed:.1f} s")

    async def broker(self, servers: Servers, referrals: int) -> None:
        """Kill Kafka at such a moment and start it again."""
        await self.within("audit", referrals)
        servers.broker.kill()
        killed = time.monotonic()
        await asyncio.to_thread(servers.broker.start)
        self.tell(f"Kafka answers again after {time.monotonic() - killed:.1f} s")

    async def everything(self, servers: Servers, referrals: int) -> None:
        """Kill every service, Kafka and PostgreSQL at such a moment, as a power cut does, and start them again."""
        await self.within("audit", referrals)
        for service in SERVICES:
            self._network.kill(service)
        servers.broker.kill()
        servers.database.kill()
        killed = time.monotonic()
        await asyncio.gather(*(asyncio.to_thread(each.start) for each in (servers.broker, servers.database)))
        self.tell(f"Kafka and PostgreSQL answer again after {time.monotonic() - killed:.1f} s")
        await asyncio.gather(*(asyncio.to_thread(self._network.revive, service) for service in SERVICES))
        self.tell(f"every service ready again after {time.monotonic() - killed:.1f} s")


Kill = Callable[[Killing, Servers, int], Coroutine[None, None, None]]
"""One way of killing what the services stand on, while this many referrals are being published."""


def parts(messages: Sequence[OutgoingMessage], count: int) -> list[Sequence[OutgoingMessage]]:
    """The messages in this many parts of about the same size."""
    return [messages[number::count] for number in range(count)]


async def run(
    network: EmbeddedNetwork, traffic: Traffic, referrals: int, seed: int, victims: Sequence[str] = ()
) -> None:
    """Send referrals, kill each victim in turn within them, and check what was recorded."""
    killing = Killing(network, seed)
    before = await look_before(network)
    messages = await traffic.seal(referrals)
    killing.tell(f"{referrals} referrals sealed")
    chosen = list(victims) or killing.shuffled()
    started = time.monotonic()
    for victim, part in zip(chosen, parts(messages, len(chosen)), strict=True):
        publishing = asyncio.create_task(traffic.publish(part))
        await killing.service(victim, len(part))
        await publishing
    await settled(network, [CLINIC], before.parked)
    killing.tell(f"settled; {referrals} referrals and {len(chosen)} kills in {time.monotonic() - started:.1f} s")
    journeys = [Journey(each.referral_id, traffic.route) for each in messages]
    repeated = await check_everything_took_effect_once(network, journeys, messages, before)
    killing.tell(f"all is as it must be; {repeated} records stand on Kafka more than once")


async def test_each_service_is_killed_in_turn_during_500_referrals(network: EmbeddedNetwork, traffic: Traffic) -> None:
    """Every referral is delivered once, every coordinator on duty told once, and the log has every version once."""
    await run(network, traffic, 500, seed_of_run())


@pytest.mark.parametrize("kill", [Killing.broker, Killing.everything], ids=["kafka", "everything at once"])
async def test_what_the_services_stand_on_is_killed(
    network: EmbeddedNetwork, infra: Infrastructure, traffic: Traffic, kill: Kill
) -> None:
    """A broker, or the whole machine, that dies and comes back loses nothing; every service finds its way again."""
    if infra.servers is None:
        pytest.skip(f"the servers are not ours to kill: {infra.origin}")
    killing = Killing(network, seed_of_run())
    before = await look_before(network)
    messages = await traffic.seal(100)
    publishing = asyncio.create_task(traffic.publish(messages))
    await kill(killing, infra.servers, len(messages))
    await publishing
    await settled(network, [CLINIC], before.parked)
    killing.tell("settled")
    journeys = [Journey(each.referral_id, traffic.route) for each in messages]
    repeated = await check_everything_took_effect_once(network, journeys, messages, before)
    killing.tell(f"all is as it must be; {repeated} records stand on Kafka more than once")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("victim", SERVICES)
async def test_one_service_is_killed_again_and_again(
    network: EmbeddedNetwork, traffic: Traffic, victim: str, seed: int
) -> None:
    """The same holds for 500 referrals with five kills of one service, for several seeds."""
    await run(network, traffic, 500, seed, [victim] * 5)
