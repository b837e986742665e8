"""Agencies that refer many people at once, whose consent was recorded beforehand, and a desk that acts on it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.journeys import ACTS, CHIYODA, MINATO, Journey, Route
from tests.infra.eventually import eventually
from tsunagu_agency import (
    AgencyClient,
    Inbound,
    NotPublishedError,
    Outcome,
    OutgoingMessage,
    ProblemError,
    ToAgency,
    UnreachableError,
)
from tsunagu_contracts.codes import (
    Category,
    Language,
    Purpose,
    ReferralAct,
    RefusalCode,
    ServiceFamily,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.notices import published
from tsunagu_contracts.ports import Uuid7Ids

CONTENTS: dict[Category, str | bytes] = {Category.IDENTITY: "試験 花子", Category.CONTACT: "00-0000-0000"}
NOTICE = published(Language.JA).shown
HANDLES_AT_ONCE = 200
AT_ONCE = 10
ACKNOWLEDGED_WITHIN_SECONDS = 900.0
RETRY_SECONDS = 0.2


class Traffic:
    """Referrals of a few persons who have agreed to everything, along one route."""

    def __init__(self, clinic: AgencyClient, persons: int, route: Route = CHIYODA) -> None:
        self._clinic = clinic
        self.route = route
        run = Uuid7Ids().new()
        self._persons = [f"chart {run} {number}" for number in range(persons)]
        self.first: list[str] = []
        self.acknowledged: list[OutgoingMessage] = []

    async def agree(self) -> None:
        """Refer each person once and record the consent that covers every later referral of theirs."""
        await self._clinic.take_handles(len(self._persons))
        messages = [self._seal(person) for person in self._persons]
        self.first = [message.referral_id for message in messages]
        for message in messages:
            await self._clinic.submit(message, by=self.route.by)
        for message in messages:
            await eventually(lambda message=message: self._granted(message.referral_id))  # type: ignore[misc]

    async def seal(self, count: int) -> list[OutgoingMessage]:
        """Seal this many referrals, of one person after the other."""
        sealed: list[OutgoingMessage] = []
        while len(sealed) < count:
            lot = range(len(sealed), min(len(sealed) + HANDLES_AT_ONCE, count))
            await self._clinic.take_handles(len(lot))
            sealed += [self._seal(self._persons[number % len(self._persons)]) for number in lot]
        return sealed

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish some at a time, each lot when the one before is acknowledged; what is not, is sent again."""
        for begin in range(0, len(messages), AT_ONCE):
            await asyncio.gather(*(self._until_acknowledged(each) for each in messages[begin : begin + AT_ONCE]))

    async def publish_at(self, messages: Sequence[OutgoingMessage], per_second: float) -> None:
        """Publish each when it is due, whatever has become of those before; returns when all are acknowledged."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as publishing:
            for number, message in enumerate(messages):
                await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
                publishing.create_task(self._until_acknowledged(message))

    async def _until_acknowledged(self, message: OutgoingMessage) -> None:
        await until_acknowledged(self._clinic, message)
        self.acknowledged.append(message)

    async def _granted(self, referral_id: str) -> bool:
        try:
            await self._clinic.record_statement(
                referral_id,
                StatementKind.GRANT,
                by=self.route.by,
                categories=list(CONTENTS),
                recipients=[self.route.addressee],
                purposes=[Purpose.ASSESSMENT],
                how=StatementMethod.WRITTEN,
                notice=NOTICE,
            )
        except ProblemError as problem:
            if problem.code != RefusalCode.REFERRAL_UNKNOWN:
                raise
            return False  # `consent` has not heard of it yet
        return True

    def _seal(self, person: str) -> OutgoingMessage:
        return self._clinic.seal_referral(
            by=self.route.by,
            to=ToAgency(agency=self.route.addressee),
            area=self.route.area,
            service_family=ServiceFamily.DAILY_LIFE,
            purpose=Purpose.ASSESSMENT,
            contents=CONTENTS,
            person=person,
        )


class Desk:
    """A desk's program: reads its inbox and takes up, starts and completes what is delivered to it."""

    def __init__(self, client: AgencyClient, route: Route) -> None:
        self._client = client
        self._route = route
        self.heard: list[Inbound] = []
        self.acknowledged: list[OutgoingMessage] = []

    async def act_on(self, referral_ids: Sequence[str]) -> None:
        """Act on each of these once it has been delivered; returns when every act is acknowledged."""
        waiting = set(referral_ids)
        async with asyncio.TaskGroup() as acting:
            while waiting:
                try:
                    async for item in self._client.inbox():
                        self.heard.append(item)
                        if item.delivery is not None and item.referral_id in waiting:
                            waiting.remove(item.referral_id)
                            acting.create_task(self._act(item.referral_id))
                        if not waiting:
                            break
                except UnreachableError:
                    await asyncio.sleep(RETRY_SECONDS)  # Kafka is away just now

    async def _act(self, referral_id: str) -> None:
        # One after the other: each expects the version that the one before it makes.
        for version, act in enumerate(ACTS, start=2):
            message = self._client.write_act(
                referral_id,
                act,
                by=self._route.lead,
                expected_version=version,
                outcome=Outcome.HELPED_IN_FULL if act is ReferralAct.COMPLETE else None,
            )
            await until_acknowledged(self._client, message)
            self.acknowledged.append(message)


@dataclass(frozen=True, slots=True)
class Lot:
    """Sealed referrals: those that wait at their desk, and those that their desk acts on."""

    waiting: Sequence[OutgoingMessage]
    acted_on: Sequence[OutgoingMessage]

    @property
    def journeys(self) -> list[Journey]:
        """What is to become of them."""
        return [
            *(Journey(each.referral_id, CHIYODA) for each in self.waiting),
            *(Journey(each.referral_id, MINATO, acts=True) for each in self.acted_on),
        ]


@dataclass(frozen=True, slots=True)
class Agencies:
    """Two clinics that refer, and the desk of one that acts on what it gets."""

    waiting: Traffic
    acting: Traffic
    desk: Desk

    @property
    def acknowledged(self) -> list[OutgoingMessage]:
        """Every message that Kafka has acknowledged."""
        return [*self.waiting.acknowledged, *self.acting.acknowledged, *self.desk.acknowledged]

    async def seal(self, count: int) -> Lot:
        """Seal this many referrals, one in five of them for the desk that acts."""
        acted_on = await self.acting.seal(count // 5)
        return Lot(await self.waiting.seal(count - len(acted_on)), acted_on)

    async def publish(self, lot: Lot, per_second: float) -> None:
        """Publish what the clinics have sealed, so many a second together; returns when all is acknowledged."""
        whole = len(lot.waiting) + len(lot.acted_on)
        async with asyncio.TaskGroup() as publishing:
            for traffic, messages in ((self.waiting, lot.waiting), (self.acting, lot.acted_on)):
                publishing.create_task(traffic.publish_at(messages, per_second * len(messages) / whole))

    async def act(self, lot: Lot) -> None:
        """Let the desk act on what is delivered to it; returns when every act is acknowledged."""
        await self.desk.act_on([each.referral_id for each in lot.acted_on])


async def until_acknowledged(client: AgencyClient, message: OutgoingMessage) -> None:
    """Publish the same bytes until Kafka has acknowledged them."""

    async def sent() -> bool:
        try:
            await client.publish(message)
        except NotPublishedError:
            return False
        return True

    await eventually(sent, seconds=ACKNOWLEDGED_WITHIN_SECONDS)
