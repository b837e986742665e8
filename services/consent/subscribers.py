"""What consent does with a batch from Kafka: members, where referrals stand, new ones, and last kept evidence."""

from collections.abc import Sequence

from services import membership
from services.consent.use_cases import evidence, following, retaking, submissions
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.submissions import Submission
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.eventing.work import Work
from services.membership import MemberCache
from tsunagu_contracts.events.audit import EvidenceStored
from tsunagu_contracts.events.referral import ReferralSubmitted


def handler(custody: Custody, cache: MemberCache) -> Handler:
    """The handler of a batch, with the keys that it needs and the members as last read."""

    async def handle(work: Work, items: Sequence[Item]) -> None:
        events = [item.event for item in items if item.event is not None]
        membership.apply(work, events)
        standings = following.last_standings(events)
        new = [
            Submission(item.event, item.event.data, item.trace)
            for item in items
            if item.event is not None and isinstance(item.event.data, ReferralSubmitted)
        ]
        if new:
            members = (await cache.members(work)).after(events)
            examined = await submissions.examine(new, members, custody)
            if custody.restored:
                examined = await retaking.take_in_again(work, examined, standings, custody)
            await submissions.take_in(work, examined, standings, custody)
        else:
            following.follow(work, standings)
        for event in events:
            if isinstance(event.data, EvidenceStored):
                await evidence.heed(work, event.data, custody)

    return handle
