"""An agency whose Kafka is a list in memory, on which whatever can happen to a connection can be made to happen."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

import httpx

from tests.builders.agency_messages import NOW
from tests.unit.agency.fake_services import DESK, FakeServices, StoppedClock
from tsunagu_agency import (
    ActingCoordinator,
    AgencyClient,
    AsyncOfflineQueue,
    Keystore,
    NotPublishedError,
    OutgoingMessage,
    Published,
)
from tsunagu_agency.files import write_private
from tsunagu_contracts.codes import ReferralAct

SERVICES = FakeServices()
WORKER = ActingCoordinator(coordinator_id=DESK.coordinator, appointment_id=DESK.appointment)


class Outcome(Enum):
    """What becomes of one attempt to publish."""

    ACKNOWLEDGED = auto()
    AWAY = auto()
    UNANSWERED = auto()  # it has arrived, but its sender never learns of it
    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()


class Killed(Exception):
    """The sending program has ended here."""


@dataclass
class FakeKafka:
    """What has arrived, in order; what becomes of the next attempts (then all are acknowledged); how many at once.

    While `held` is there and not set, whoever publishes waits.
    """

    arrived: list[OutgoingMessage] = field(default_factory=list)
    next: deque[Outcome] = field(default_factory=deque)
    killed: Callable[[], None] = lambda: None
    held: asyncio.Event | None = None
    now: int = 0
    most: int = 0

    @property
    def ids(self) -> list[str]:
        """The ids of what has arrived."""
        return [message.message_id for message in self.arrived]

    @property
    def first_ids(self) -> list[str]:
        """The same, each id only where it stands first: what takes effect."""
        return list(dict.fromkeys(self.ids))

    async def publish(self, message: OutgoingMessage) -> None:
        """Take a message, or do what is to happen instead."""
        outcome = self.next.popleft() if self.next else Outcome.ACKNOWLEDGED
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await (asyncio.sleep(0) if self.held is None else self.held.wait())
            if outcome in {Outcome.ACKNOWLEDGED, Outcome.UNANSWERED, Outcome.KILLED_AFTER}:
                self.arrived.append(message)
            if outcome in {Outcome.AWAY, Outcome.UNANSWERED}:
                raise NotPublishedError(message.message_id, outcome.name)
            if outcome in {Outcome.KILLED_BEFORE, Outcome.KILLED_AFTER}:
                self.killed()
                raise Killed
        finally:
            self.now -= 1


class Desk(AgencyClient):
    """The client of the desk, on a Kafka in memory."""

    def __init__(self, folder: Path, kafka: FakeKafka) -> None:
        """Use the desk's folder; its keys are put there where it is new."""
        if not (folder / "keys.json").exists():
            private = {"signing": DESK.signing.private_jwk(), "encryption": DESK.encryption.private_jwk()}
            write_private(folder / "keys.json", json.dumps({"agency_id": DESK.id, **private}).encode())
        transport = httpx.MockTransport(SERVICES.answer)
        super().__init__(Keystore.open(folder), SERVICES.network(), clock=StoppedClock(), transport=transport)
        self.kafka = kafka

    async def publish(self, message: OutgoingMessage) -> Published:
        """Publish to the list."""
        await self.kafka.publish(message)
        return Published("memory", 0, len(self.kafka.arrived) - 1)

    def write(self, referral_id: str = "f-1") -> OutgoingMessage:
        """Sign a small message about a referral."""
        return self.write_act(referral_id, ReferralAct.ACCEPT, by=WORKER, expected_version=3)


async def no_time(seconds: float) -> None:
    """Wait as long as the others need to do something, whatever the time."""
    await asyncio.sleep(0)


@dataclass
class Pauses:
    """A clock that only waiting moves, and how long was waited each time."""

    seconds: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The start, and what has been waited since."""
        return NOW + timedelta(seconds=sum(self.seconds))

    async def wait(self, seconds: float) -> None:
        """Note it and go on."""
        self.seconds.append(seconds)
        await asyncio.sleep(0)


async def put_some(queue: AsyncOfflineQueue, desk: Desk, count: int) -> list[OutgoingMessage]:
    """Messages about two referrals in turn, put in this order."""
    messages = [desk.write(f"f-{number % 2}") for number in range(count)]
    for message in messages:
        await queue.put(message)
    return messages
