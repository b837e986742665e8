from tests.unit.agency.fake_kafka import Desk, FakeKafka, put_some
from tests.unit.agency.fake_services import CLINIC
from tests.unit.agency.inbox_items import refused, taken
from tsunagu_agency import (
    AsyncOfflineQueue,
    Inbound,
    MessageState,
    OutgoingMessage,
)
from tsunagu_contracts.codes import ReferralAct, RefusalCode


async def test_the_inbox_settles_what_was_put(queue: AsyncOfflineQueue, desk: Desk) -> None:
    """Fed with the inbox, the queue tells accepted from refused, with the network's code."""
    first, second = await put_some(queue, desk, 2)
    await queue.drain()
    accepted = await queue.settle(taken(first))
    assert accepted is not None
    assert (accepted.message_id, accepted.state) == (first.message_id, MessageState.ACCEPTED)
    await queue.settle(refused(second, RefusalCode.VERSION_CONFLICT))
    await queue.settle(refused(second, RefusalCode.VERSION_CONFLICT))
    last = await queue.status(second.message_id)
    assert last is not None
    assert (last.state, last.code, last.referral_id) == (
        MessageState.REFUSED,
        RefusalCode.VERSION_CONFLICT,
        second.referral_id,
    )


async def test_what_the_network_has_is_not_sent_again(queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka) -> None:
    """Where a crash has hidden an acknowledgement, the inbox's word is as good."""
    first, second = await put_some(queue, desk, 2)
    await queue.settle(taken(first))
    await queue.drain()
    assert kafka.arrived == [second]


async def test_what_has_taken_effect_stays_accepted(queue: AsyncOfflineQueue, desk: Desk) -> None:
    """A second copy that is refused changes nothing, while a refusal yields to the news that it has taken effect."""
    first, second = await put_some(queue, desk, 2)
    await queue.drain()
    for item in (taken(first), refused(first, RefusalCode.UNKNOWN_KEY)):
        await queue.settle(item)
    for item in (refused(second, RefusalCode.AGENCY_UNKNOWN), taken(second)):
        await queue.settle(item)
    assert [(status.state, status.code) for status in await queue.statuses()] == [(MessageState.ACCEPTED, None)] * 2


async def test_another_agency_cannot_settle_a_message_by_its_id(
    queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka
) -> None:
    """What another agency has written under the same id does not keep a message from being sent."""
    [message] = await put_some(queue, desk, 1)
    act = CLINIC.act(message.referral_id, ReferralAct.ACCEPT).model_copy(update={"id": message.message_id})
    alike = OutgoingMessage(act.id, message.referral_id, CLINIC.message(act).to_bytes())
    assert await queue.settle(taken(alike)) is None
    assert await queue.settle(refused(alike, RefusalCode.DUPLICATE_ID)) is None
    await queue.drain()
    assert kafka.arrived == [message]


async def test_what_concerns_no_message_of_the_queue_settles_nothing(queue: AsyncOfflineQueue, desk: Desk) -> None:
    """Messages that were never put, and items that cannot be read, are passed over."""
    assert await queue.settle(taken(desk.write())) is None
    assert await queue.settle(Inbound.read(b"{}")) is None
