"""What the stories are made of: agencies' offices, what they wait for, and what must hold before they go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from deploy.demo.people import Screens, Worker
from deploy.demo.telling import Teller
from tsunagu_agency import ActingCoordinator, AgencyClient, Inbound, OpenedSection, ProblemError
from tsunagu_contracts.codes import Category, DecisionReason, Language, RefusalCode
from tsunagu_contracts.notices import published
from tsunagu_contracts.problems import REASONS, TELLINGS

PATIENCE_SECONDS = 60.0

JA = {
    Category.IDENTITY: "氏名",
    Category.CONTACT: "連絡先",
    Category.HEALTH: "健康",
    Category.FINANCE: "家計",
}
"""The categories of the stories in Japanese."""

NOTICE = published(Language.JA).shown
"""What the stories' persons are shown before they speak."""

_T = TypeVar("_T")


class StoryError(Exception):
    """The story did not go as it must; the message says at which point."""


def require(holds: bool, what: str) -> None:
    """Go on only where this holds; raises `StoryError`."""
    if not holds:
        raise StoryError(f"not so: {what}")


async def until(look: Callable[[], Awaitable[list[_T]]]) -> list[_T]:
    """What is found, as soon as something is; events take a moment to go round."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await look()):  # noqa: ASYNC110 - another process answers when it is there
            await asyncio.sleep(0.1)
        return found


def sections_of(delivery: Inbound) -> dict[Category, str]:
    """The ids of a delivery's sections by category."""
    delivered = delivery.delivery
    if delivered is None:
        raise StoryError("a delivery names its sections")
    return {section.category: section.section_id for section in delivered.sections}


@dataclass(frozen=True, slots=True)
class Office:
    """One agency: its program with the agency's keys, the worker who acts in it, and its inbox."""

    client: AgencyClient
    worker: Worker
    inbox: AsyncIterator[Inbound]
    screens: Screens
    teller: Teller

    async def acting(self) -> ActingCoordinator:
        """The worker, signed in."""
        return await self.screens.acting(self.worker)

    async def hears(self, referral_id: str, wanted: str) -> Inbound:
        """The next item of this type about this referral; what earlier stories left is passed over."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for item in self.inbox:
                    if item.referral_id == referral_id and item.type == wanted:
                        return item
                    if item.referral_id == referral_id and item.type == "message.refused":
                        raise StoryError(f"refused instead of {wanted}: {item.event}")
        except TimeoutError:
            raise StoryError(f"{wanted} did not come within {PATIENCE_SECONDS:.0f} s") from None
        raise StoryError("the inbox ended")

    async def opens(self, delivery: Inbound, category: Category, expected: str) -> OpenedSection:
        """Open a section, which must say what was sealed."""
        opened = await self.client.open_section(delivery, sections_of(delivery)[category], by=await self.acting())
        require(opened.text == expected, "a section opens to what was sealed")
        return opened

    async def is_refused(self, delivery: Inbound, category: Category, reason: DecisionReason | RefusalCode) -> None:
        """Try to open a section, which must not open for this reason, and tell of it."""
        try:
            await self.client.open_section(delivery, sections_of(delivery)[category], by=await self.acting())
        except ProblemError as problem:
            require(reason in (problem.code, problem.detail.get("reason")), f"refused because of {reason.value}")
            if isinstance(reason, DecisionReason):
                japanese, english = REASONS[reason]
            else:
                japanese, english = TELLINGS[reason].ja, TELLINGS[reason].en
            self.teller.refused(f"{JA[category]}は開きません: {japanese}", english)
        else:
            raise StoryError(f"{category.value} was opened although it must not be")
