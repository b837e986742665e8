"""What audit does with a batch from Kafka: keep it."""

from collections.abc import Sequence

from services.audit.use_cases import keeping
from services.eventing.records import Item
from services.eventing.work import Work


async def handle(work: Work, items: Sequence[Item]) -> None:
    """Take a batch of any service's topic, raw: an item without event is kept like any other."""
    await keeping.keep(work, items)
