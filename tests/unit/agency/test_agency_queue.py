import asyncio
import json
from collections import deque
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders.agency_messages import NOW
from tests.infra.eventually import eventually
from tests.unit.agency.fake_kafka import WORKER, Desk, FakeKafka, Outcome, Pauses, no_time, put_some
from tests.unit.agency.fake_services import CLINIC
from tests.unit.agency.inbox_items import taken
from tsunagu_agency import (
    AsyncOfflineQueue,
    Category,
    MessageState,
    OfflineQueue,
    OutgoingMessage,
    Progress,
    Purpose,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.codes import Language, ReferralAct, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.notices import published


async def is_sending(kafka: FakeKafka) -> bool:
    """Whether a message is on its way."""
    return kafka.now > 0


async def test_what_was_put_goes_out_in_order_as_the_same_bytes(
    queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka
) -> None:
    """Draining publishes the very messages that were put, first put first sent, and says how far it is."""
    messages = await put_some(queue, desk, 5)
    heard: list[Progress] = []
    end = await queue.drain(heard.append)
    assert kafka.arrived == messages
    assert [(step.sent, step.total, step.waiting) for step in heard] == [(n, 5, 5 - n) for n in range(6)]
    assert heard[0].waiting_since == NOW
    assert (end, end.waiting_since) == (heard[-1], None)
    assert {status.state for status in await queue.statuses()} == {MessageState.PUBLISHED}


async def test_progress_is_an_async_iterator_too(queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka) -> None:
    """Whoever iterates decides when to stop, and what was not sent waits on."""
    messages = await put_some(queue, desk, 3)
    async with aclosing(queue.draining()) as steps:
        async for progress in steps:
            if progress.sent == 2:
                break
    assert kafka.arrived == messages[:2]
    assert (await queue.backlog()).messages == 1
    assert (await queue.drain()).sent == 1


async def test_putting_again_changes_nothing(queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka) -> None:
    """A program that does not know whether it has put a message puts it again, before and after it was sent."""
    messages = await put_some(queue, desk, 2)
    assert (await queue.put(messages[0])).state is MessageState.QUEUED
    await queue.drain()
    assert (await queue.put(messages[0])).state is MessageState.PUBLISHED
    await queue.drain()
    assert kafka.arrived == messages


async def test_other_bytes_under_a_known_id_are_refused(queue: AsyncOfflineQueue, desk: Desk) -> None:
    """An id stands for one message: as in the network, the second content under it is refused."""
    [message] = await put_some(queue, desk, 1)
    with pytest.raises(Refusal) as caught:
        await queue.put(replace(message, raw=message.raw.replace(b"{", b"{ ", 1)))
    assert caught.value.code is RefusalCode.DUPLICATE_ID


async def test_only_what_the_agency_has_signed_is_queued(queue: AsyncOfflineQueue, desk: Desk, tmp_path: Path) -> None:
    """Plain text, bytes that were changed, another agency's message or ids that are not its own never enter."""
    message = desk.write()
    signed = json.loads(message.raw)
    changed = json.dumps(signed | {"manifest": signed["manifest"][:-4] + "AAAA"}).encode()
    act = CLINIC.act("f-1", ReferralAct.ACCEPT)
    foreign = OutgoingMessage(act.id, "f-1", CLINIC.message(act).to_bytes())
    wrong = [
        OutgoingMessage("m-1", "f-1", "通院中".encode()),
        replace(message, raw=changed),
        foreign,
        replace(message, message_id="m-1"),
        replace(message, referral_id="f-2"),
    ]
    for one in wrong:
        with pytest.raises(Refusal):
            await queue.put(one)
    assert not (tmp_path / "queue.sqlite3").exists()


async def test_the_persons_word_is_not_queued(queue: AsyncOfflineQueue, desk: Desk) -> None:
    """A statement counts from its recording with `consent`, which a queue could only pretend."""
    statement = desk.write_statement(
        "f-1",
        StatementKind.WITHDRAW,
        by=WORKER,
        categories=[Category.CONTACT],
        recipients=None,
        purposes=[Purpose.ASSESSMENT],
        how=StatementMethod.SPOKEN,
        notice=published(Language.JA).shown,
    )
    with pytest.raises(Refusal) as caught:
        await queue.put(statement)
    assert (caught.value.code, caught.value.detail["belongs_to"]) == (RefusalCode.UNKNOWN_TYPE, "consent")


async def test_while_offline_it_waits_longer_and_longer_and_resumes_by_itself(
    queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka, pauses: Pauses
) -> None:
    """Pauses double up to half a minute, each shortened by chance to no less than half; then everything goes out."""
    messages = await put_some(queue, desk, 2)
    kafka.next = deque([Outcome.AWAY] * 10)
    heard: list[Progress] = []
    await queue.drain(heard.append)
    assert kafka.arrived == messages
    longest = [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert all(bound / 2 < pause <= bound for pause, bound in zip(pauses.seconds, longest, strict=True))
    assert len({pause / bound for pause, bound in zip(pauses.seconds, longest, strict=True)}) > 5
    assert [step.trouble for step in heard] == [None, *["AWAY"] * 10, None, None]
    assert {step.offline_since for step in heard[1:11]} == {NOW}
    assert heard[11].offline_since is None


async def test_a_later_outage_begins_with_a_short_pause_again(
    queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka, pauses: Pauses
) -> None:
    """What went wrong before the last acknowledgement no longer counts."""
    await put_some(queue, desk, 2)
    kafka.next = deque([Outcome.AWAY] * 4 + [Outcome.ACKNOWLEDGED, Outcome.AWAY])
    await queue.drain()
    assert pauses.seconds[-1] <= 0.5
    assert pauses.seconds[-2] > 1


async def test_what_was_not_acknowledged_goes_out_again_before_anything_else(
    queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka
) -> None:
    """A message whose acknowledgement got lost is sent a second time, and the next one only then."""
    first, second = await put_some(queue, desk, 2)
    kafka.next = deque([Outcome.UNANSWERED])
    assert (await queue.drain()).sent == 2
    assert kafka.arrived == [first, first, second]


async def test_two_programs_do_not_send_at_once(desk: Desk, kafka: FakeKafka) -> None:
    """Of two that drain one folder only one has a message on its way, and every message goes out once."""
    async with AsyncOfflineQueue(desk, wait=no_time) as one, AsyncOfflineQueue(desk, wait=no_time) as other:
        messages = await put_some(one, desk, 12)
        ends = await asyncio.gather(one.drain(), other.drain(), one.drain())
    assert kafka.arrived == messages
    assert kafka.most == 1
    assert sum(end.sent for end in ends) == 12
    assert {end.waiting for end in ends} == {0}


async def test_a_program_that_is_interrupted_lets_the_next_one_send(desk: Desk, kafka: FakeKafka) -> None:
    """Cancelled in the middle of sending, a program leaves its message queued and the way free."""
    async with AsyncOfflineQueue(desk) as queue, AsyncOfflineQueue(desk, wait=no_time) as other:
        [message] = await put_some(queue, desk, 1)
        kafka.held = asyncio.Event()
        draining = asyncio.create_task(queue.drain())
        await eventually(lambda: is_sending(kafka))
        assert (await other.drain(seconds=0.1)).waiting == 1
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
        kafka.held = None
        assert (await other.drain()).sent == 1
    assert kafka.arrived == [message]


async def test_a_drain_can_be_bounded_in_time(desk: Desk, kafka: FakeKafka) -> None:
    """After its time a drain returns with how far it came, and what waits is sent by the next one."""
    async with AsyncOfflineQueue(desk) as queue:
        messages = await put_some(queue, desk, 2)
        kafka.next = deque([Outcome.ACKNOWLEDGED] + [Outcome.AWAY] * 99)
        end = await queue.drain(seconds=1.0)
        assert (end.sent, end.waiting, end.trouble) == (1, 1, "AWAY")
        kafka.next.clear()
        assert (await queue.drain(seconds=0)).waiting == 1
        assert (await queue.drain()).sent == 1
    assert kafka.arrived == messages


async def test_a_fault_of_the_listener_is_not_taken_for_the_end_of_the_time(
    queue: AsyncOfflineQueue, desk: Desk
) -> None:
    """A TimeoutError raised by the caller's own code comes back to the caller."""
    await put_some(queue, desk, 1)

    def complain(progress: Progress) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await queue.drain(complain, seconds=60)


def test_a_program_without_an_event_loop_has_the_same_queue(desk: Desk, kafka: FakeKafka, tmp_path: Path) -> None:
    """Every call of the synchronous queue does what the asynchronous one does, and returns when it is done."""
    heard: list[Progress] = []
    first, second = desk.write(), desk.write()
    with OfflineQueue(desk) as queue:
        queue.put(first)
        queue.put(second)
        assert queue.backlog().messages == 2
        kafka.next = deque([Outcome.ACKNOWLEDGED] + [Outcome.AWAY] * 99)
        assert queue.drain(seconds=1.0).waiting == 1
        kafka.next.clear()
        assert queue.drain(heard.append).sent == 1
        queue.settle(taken(first))
        status = queue.status(second.message_id)
        states = [one.state for one in queue.statuses()]
    assert kafka.arrived == [first, second]
    assert status is not None
    assert states == [MessageState.ACCEPTED, MessageState.PUBLISHED]
    assert str(heard[0]).startswith("送信 / sent 0 of 1, 待機 / waiting since 20")
