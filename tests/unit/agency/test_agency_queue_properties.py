"""What holds of the offline queue whatever happens in whatever order: nothing is lost, nothing overtakes."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.agency.fake_kafka import Desk, FakeKafka, Killed, Outcome, no_time
from tsunagu_agency import AsyncOfflineQueue, MessageState, OutgoingMessage

BOUND_SECONDS = 20.0
"""No time passes while these programs wait; whoever takes this long goes round in a circle."""

programs = st.integers(0, 1)
setbacks = st.lists(st.sampled_from([Outcome.AWAY, Outcome.UNANSWERED, Outcome.ACKNOWLEDGED]), max_size=5)
deaths = st.sampled_from([Outcome.KILLED_BEFORE, Outcome.KILLED_AFTER])


class QueueMachine(RuleBasedStateMachine):
    """Two programs put and drain on one folder; now and then the machine loses power and starts from its disk."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="tsunagu-queue-"))
        self.loop = asyncio.Runner()
        self.kafka = FakeKafka()
        self.put_in_order: list[OutgoingMessage] = []
        self.lives = 0
        self.folder = self.root / "0"

    @initialize()
    def start(self) -> None:
        """Both programs open the folder."""
        self.desk = Desk(self.folder, self.kafka)
        self.queues = [AsyncOfflineQueue(self.desk, wait=no_time) for _ in range(2)]

    @rule(program=programs, referral=st.sampled_from(["f-1", "f-2"]))
    def put(self, program: int, referral: str) -> None:
        """A program puts a message."""
        message = self.desk.write(referral)
        self.loop.run(self.queues[program].put(message))
        self.put_in_order.append(message)

    @precondition(lambda self: self.put_in_order)
    @rule(program=programs, data=st.data())
    def put_again(self, program: int, data: st.DataObject) -> None:
        """A program that does not know whether it has put a message puts it again."""
        self.loop.run(self.queues[program].put(data.draw(st.sampled_from(self.put_in_order))))

    @rule(program=programs, setbacks=setbacks)
    def drain(self, program: int, setbacks: list[Outcome]) -> None:
        """A program sends everything, through setbacks."""
        self.kafka.next.extend(setbacks)
        assert self.loop.run(self.queues[program].drain(seconds=BOUND_SECONDS)).waiting == 0
        self.kafka.next.clear()
        assert self.kafka.first_ids == [message.message_id for message in self.put_in_order]

    @rule(program=programs, setbacks=setbacks, steps=st.integers(1, 4))
    def drain_in_part(self, program: int, setbacks: list[Outcome], steps: int) -> None:
        """A program begins to send and is interrupted between two messages."""
        self.kafka.next.extend(setbacks)
        self.loop.run(self._some_steps(self.queues[program], steps))
        self.kafka.next.clear()

    @rule(setbacks=setbacks)
    def both_drain(self, setbacks: list[Outcome]) -> None:
        """Both programs send at the same time."""
        self.kafka.next.extend(setbacks)
        self.loop.run(self._both_drain())
        self.kafka.next.clear()

    @rule(program=programs, setbacks=setbacks, death=deaths)
    def killed_while_sending(self, program: int, setbacks: list[Outcome], death: Outcome) -> None:
        """Power fails between sending and noting, or before the message has arrived."""
        self.kafka.next.extend([*setbacks, death])
        self.kafka.killed = self._keep_disk
        try:
            self.loop.run(self.queues[program].drain(seconds=BOUND_SECONDS))
        except Killed:
            self._start_anew()
        self.kafka.next.clear()

    @rule(program=programs, reached_the_disk=st.booleans(), tried_again=st.booleans())
    def killed_while_putting(self, program: int, reached_the_disk: bool, tried_again: bool) -> None:
        """Power fails before `put` has returned: the message is there whole or not at all."""
        message = self.desk.write()
        if reached_the_disk:
            self.loop.run(self.queues[program].put(message))
        self._keep_disk()
        self._start_anew()
        if tried_again:
            self.loop.run(self.queues[program].put(message))
        if reached_the_disk or tried_again:
            self.put_in_order.append(message)

    @invariant()
    def in_order_without_gap(self) -> None:
        """What has arrived is what was put first, in the order in which it was put; one at a time."""
        assert self.kafka.first_ids == [m.message_id for m in self.put_in_order][: len(self.kafka.first_ids)]
        assert self.kafka.most <= 1

    @invariant()
    def nothing_is_lost(self) -> None:
        """Whatever was put has arrived or waits, byte for byte."""
        if not hasattr(self, "queues"):
            return
        statuses = self.loop.run(self.queues[0].statuses())
        assert [status.message_id for status in statuses] == [message.message_id for message in self.put_in_order]
        waiting = {status.message_id for status in statuses if status.state is MessageState.QUEUED}
        assert waiting | set(self.kafka.ids) == {message.message_id for message in self.put_in_order}
        by_id = {message.message_id: message for message in self.put_in_order}
        assert all(by_id[message.message_id] == message for message in self.kafka.arrived)

    def teardown(self) -> None:
        """At the end everything goes out."""
        if hasattr(self, "queues"):
            self.drain(0, [])
            self._close()
        self.loop.close()
        shutil.rmtree(self.root)

    async def _some_steps(self, queue: AsyncOfflineQueue, steps: int) -> None:
        draining = queue.draining()
        async for _ in draining:
            steps -= 1
            if not steps:
                break
        await draining.aclose()

    async def _both_drain(self) -> None:
        ends = await asyncio.gather(*(queue.drain(seconds=BOUND_SECONDS) for queue in self.queues))
        assert [progress.waiting for progress in ends] == [0, 0]

    def _keep_disk(self) -> None:
        """Copy the files as they are at this moment, with nothing closed: what a power failure leaves behind."""
        self.lives += 1
        kept = self.root / str(self.lives)
        kept.mkdir()
        for name in ("keys.json", "queue.sqlite3", "queue.sqlite3-wal"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, kept / name)

    def _start_anew(self) -> None:
        self._close()
        self.folder = self.root / str(self.lives)
        self.start()

    def _close(self) -> None:
        for queue in self.queues:
            self.loop.run(queue.close())


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
