"""A clinic that refers many people at once, whose consent was recorded beforehand."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256

from tests.e2e.agencies import CLINIC_WORKER, DESK
from tests.infra.eventually import eventually
from tsunagu_agency import AgencyClient, Notice, NotPublishedError, OutgoingMessage, ProblemError, ToAgency
from tsunagu_contracts.codes import (
    Area,
    Category,
    Language,
    Purpose,
    RefusalCode,
    ServiceFamily,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.ports import Uuid7Ids

CONTENTS: dict[Category, str | bytes] = {Category.IDENTITY: "試験 花子", Category.CONTACT: "00-0000-0000"}
NOTICE = Notice(version="2026-04", language=Language.JA, hash=to_base64url(sha256(b"notice").digest()))
HANDLES_AT_ONCE = 200
AT_ONCE = 10


class Traffic:
    """Referrals of a few persons who have agreed to everything, from one clinic to one desk."""

    def __init__(self, clinic: AgencyClient, persons: int) -> None:
        self._clinic = clinic
        run = Uuid7Ids().new()
        self._persons = [f"chart {run} {number}" for number in range(persons)]
        self.first: list[str] = []

    async def agree(self) -> None:
        """Refer each person once and record the consent that covers every later referral of theirs."""
        await self._clinic.take_handles(len(self._persons))
        messages = [self._seal(person) for person in self._persons]
        self.first = [message.referral_id for message in messages]
        for message in messages:
            await self._clinic.submit(message, by=CLINIC_WORKER)
        for message in messages:
            await eventually(lambda message=message: self._granted(message.referral_id))  # type: ignore[misc]

    async def seal(self, count: int) -> list[OutgoingMessage]:
        """Seal this many referrals, of one person after the other."""
        for begin in range(0, count, HANDLES_AT_ONCE):
            await self._clinic.take_handles(min(HANDLES_AT_ONCE, count - begin))
        return [self._seal(self._persons[number % len(self._persons)]) for number in range(count)]

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish some at a time, each lot when the one before is acknowledged; what is not, is sent again."""
        for begin in range(0, len(messages), AT_ONCE):
            await asyncio.gather(*(self._until_acknowledged(each) for each in messages[begin : begin + AT_ONCE]))

    async def _until_acknowledged(self, message: OutgoingMessage) -> None:
        async def sent() -> bool:
            try:
                await self._clinic.publish(message)
            except NotPublishedError:
                return False
            return True

        await eventually(sent, seconds=120)

    async def _granted(self, referral_id: str) -> bool:
        try:
            await self._clinic.record_statement(
                referral_id,
                StatementKind.GRANT,
                by=CLINIC_WORKER,
                categories=list(CONTENTS),
                recipients=[DESK],
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
            by=CLINIC_WORKER,
            to=ToAgency(agency=DESK),
            area=Area.MANSEIBASHI,
            service_family=ServiceFamily.DAILY_LIFE,
            purpose=Purpose.ASSESSMENT,
            contents=CONTENTS,
            person=person,
        )
