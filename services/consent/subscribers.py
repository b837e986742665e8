"""What consent does with a batch from Kafka: members first, then where referrals stand, then new ones."""

from collections.abc import Sequence

from services import membership
from services.consent.use_cases import following, submissions
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.submissions import Submission
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.eventing.work import Work
from tsunagu_contracts.events.referral import ReferralSubmitted


def handler(custody: Custody) -> Handler:
    """The handler of a batch, with the keys that it needs."""

    async def handle(work: Work, items: Sequence[Item]) -> None:
        events = [item.event for item in items if item.event is not None]
        membership.apply(work, events)
        new = [
            Submission(item.event, item.event.data, item.trace)
            for item in items
            if item.event is not None and isinstance(item.event.data, ReferralSubmitted)
        ]
        examined = await submissions.examine(work, new, custody)
        standings = following.last_standings(events)
        # Rows of referrals before rows of persons: the order in which a release takes them too.
        await following.follow(work, standings)
        await submissions.take_in(work, examined, standings, custody)

    return handle
