"""kill -9 of victims and at moments that follow from a seed, again and again, while others work."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from deploy.network import EmbeddedNetwork
from tests.faults.histories import positions
from tests.infra.eventually import eventually
from tests.infra.servers import Servers
from tsunagu_contracts.topics import SERVICES

KAFKA = "kafka"
RECORDS_BETWEEN = (50, 800)
MOMENT_SECONDS = (0.0, 0.5)
DOWN_SECONDS = (0.0, 2.0)
AT_ONCE = (1, 1, 1, 2, 2, 3)
WORK_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Blow:
    """When `notify` has taken so many more records, and a moment later, these are killed, and are down for a while.

    Work comes between two blows, not time, so that a seed means the same on a slow machine. Times are in seconds.
    """

    records: int
    moment: float
    victims: tuple[str, ...]
    down: float


def blows(seed: int, victims: Sequence[str]) -> Iterator[Blow]:
    """Blows without end, the same ones for the same seed and victims; each victim comes once in every round."""
    chance = random.Random(seed)
    waiting: list[str] = []
    while True:
        count = chance.choice(AT_ONCE)
        if len(waiting) < count:
            waiting += chance.sample(victims, len(victims))
        # Two rounds may meet in one victim.
        struck = tuple(dict.fromkeys(waiting[:count]))
        del waiting[:count]
        records, moment = chance.randint(*RECORDS_BETWEEN), chance.uniform(*MOMENT_SECONDS)
        yield Blow(records, moment, struck, chance.uniform(*DOWN_SECONDS))


class Chaos:
    """Strikes blow after blow; whoever was killed is alive again before the next, but may still have to catch up."""

    def __init__(
        self, network: EmbeddedNetwork, servers: Servers | None, seed: int, tell: Callable[[str], None]
    ) -> None:
        """Take the network, and Kafka where it is ours to kill."""
        self._network = network
        self._servers = servers
        self._victims = (*SERVICES, KAFKA) if servers is not None else SERVICES
        self._blows = blows(seed, self._victims)
        self._tell = tell
        self._work_over = False
        self._failed = False
        self.kills: Counter[str] = Counter()

    @asynccontextmanager
    async def raging(self) -> AsyncIterator[None]:
        """Strike until the end of the block, and until nobody has been spared; all are alive again after it."""
        striking = asyncio.create_task(self._strike())
        try:
            yield
        except BaseException:
            self._failed = True
            raise
        finally:
            self._work_over = True
            await striking

    async def _strike(self) -> None:
        for blow in self._blows:
            await self._work_done(blow.records)
            if self._failed or (self._work_over and len(self.kills) == len(self._victims)):
                return
            # Anywhere between two looks and two commits, not only right after one.
            await asyncio.sleep(blow.moment)
            for victim in blow.victims:
                self._kill(victim)
            self._tell(f"kill -9 {' and '.join(blow.victims)}, down for {blow.down:.1f} s")
            await asyncio.sleep(blow.down)
            await asyncio.gather(*(self._raise(victim) for victim in blow.victims))

    async def _work_done(self, records: int) -> None:
        end = await self._taken() + records

        async def done() -> bool:
            return self._work_over or await self._taken() >= end

        await eventually(done, seconds=WORK_SECONDS)

    async def _taken(self) -> int:
        return sum((await positions(self._network, "notify")).values())

    def _kill(self, victim: str) -> None:
        self.kills[victim] += 1
        if victim == KAFKA and self._servers is not None:
            self._servers.broker.kill()
        else:
            self._network.kill(victim)

    async def _raise(self, victim: str) -> None:
        if victim == KAFKA and self._servers is not None:
            await asyncio.to_thread(self._servers.broker.start)
        else:
            await asyncio.to_thread(self._network.revive_service, victim)
