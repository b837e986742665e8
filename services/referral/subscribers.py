"""What `referral` does with a batch from Kafka: learn members, take agencies' messages, follow coverage."""

from collections.abc import Sequence

from services import membership
from services.eventing.processing import Handler
from services.eventing.records import Item
from services.eventing.work import Work
from services.membership import MemberCache
from services.referral.domain.checking import Incoming, Place, Rules
from services.referral.use_cases.batch import Batch
from services.referral.use_cases.coverage import Coverage, follow_coverage
from services.referral.use_cases.messages import answer_messages, check_all
from tsunagu_contracts.events.consent import CoverageDecided


def batch_handler(rules: Rules, cache: MemberCache) -> Handler:
    """Return the handler of this service's batches; members are learned before anybody is judged by them."""

    async def handle(work: Work, items: Sequence[Item]) -> None:
        events = [item.event for item in items if item.event is not None]
        members = (await cache.members(work)).after(events)
        membership.apply(work, events)
        incoming = [_incoming(item, item.record.agency_id) for item in items if item.record.agency_id]
        decided = [
            Coverage(item.event, item.event.data, item.trace)
            for item in items
            if item.event is not None and isinstance(item.event.data, CoverageDecided)
        ]
        checked = check_all(incoming, members, rules, work.now)
        batch = await Batch.read(work, checked, {one.decided.referral_id for one in decided})
        await answer_messages(work, checked, batch, members)
        await follow_coverage(work, decided, batch)
        batch.write(work)

    return handle


def _incoming(item: Item, agency_id: str) -> Incoming:
    record = item.record
    return Incoming(record.value, agency_id, Place(record.topic, record.partition, record.offset), trace=item.trace)
