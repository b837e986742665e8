"""What notify does with a batch from Kafka: learn who is on duty, then tell them what has happened."""

from collections.abc import Sequence

from services import membership
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.eventing.work import Work
from services.membership import MemberCache
from services.notify import use_cases


def batch_handler() -> Handler:
    """Return the handler of this service's batches."""
    cache = MemberCache()

    async def handle(work: Work, items: Sequence[Item]) -> None:
        events = [item.event for item in items if item.event is not None]
        members = (await cache.members(work)).after(events)
        membership.apply(work, events)
        await use_cases.tell(work, items, members)

    return handle
