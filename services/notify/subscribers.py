"""What notify does with a batch from Kafka: learn who is on duty, then tell them what has happened."""

from collections.abc import Sequence

from services import membership
from services.eventing.records import Item
from services.eventing.work import Work
from services.notify import use_cases


async def handle(work: Work, items: Sequence[Item]) -> None:
    """Take a batch of the directory's and of referrals' events."""
    membership.apply(work, [item.event for item in items if item.event is not None])
    await use_cases.tell(work, items)
