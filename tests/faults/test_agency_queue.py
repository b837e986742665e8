"""kill -9 while an agency puts and sends: what was put arrives, in order, and takes effect once."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from deploy.network import EmbeddedNetwork
from docs.examples.offline_queue import main as offline_example
from tests.e2e.agencies import CLINIC, DESK, DESK_WORKER, folder_of
from tests.faults.histories import parked, read_topics, rows, settled, versions
from tests.faults.journeys import ACTS
from tests.faults.seeds import Telling, seed_of_run
from tests.faults.traffic import Traffic
from tests.infra.eventually import eventually
from tests.infra.infrastructure import Infrastructure
from tsunagu_agency import (
    AgencyClient,
    AsyncOfflineQueue,
    MessageState,
    Outcome,
    OutgoingMessage,
    Progress,
    ReferralAct,
)
from tsunagu_contracts.topics import REFERRAL_EVENTS, agency_outbound

REFERRALS = 12
LIVES = 6
WAIT_SECONDS = 120.0


@pytest.fixture
async def desk(network: EmbeddedNetwork) -> AsyncIterator[AgencyClient]:
    """The desk's client, with an inbox of its own."""
    async with AgencyClient.from_folder(folder_of(network, DESK), reader="queue") as client:
        yield client


@pytest.fixture
async def traffic(network: EmbeddedNetwork) -> AsyncIterator[Traffic]:
    """A clinic ready to refer persons who have agreed."""
    async with AgencyClient.from_folder(folder_of(network, CLINIC)) as clinic:
        ready = Traffic(clinic, 2)
        before = await parked(network)
        await ready.agree()
        await settled(network, [CLINIC], before)
        yield ready


class Lives:
    """The lives of an agency's programs on one queue, each ended by kill -9 at a moment that follows from a seed."""

    def __init__(self, folder: Path, messages: Sequence[OutgoingMessage], kept: Path, seed: int) -> None:
        self._folder = folder
        self._file = kept
        self._file.write_bytes(b"\n".join(message.raw for message in messages))
        self._count = len(messages)
        self._random = random.Random(seed)
        self.put = 0

    async def run(self, kills: int) -> None:
        """Let programs work, one alone or two side by side, kill them, begin again; the last comes to its end."""
        for life in range(kills):
            # What was put is known by what was said; of the message after that nobody knows.
            end = self._count * (life + 1) // kills
            program = await self._start(self.put, end)
            other = await self._start(end, end) if self._random.random() < 0.5 else None
            word = "sent" if self._random.random() < 0.7 else "put"
            said = await self._read(program, word, self._random.randint(1, end - self.put or 1))
            await asyncio.sleep(self._random.uniform(0, 0.02))
            for each in filter(None, (program, other)):
                if each.returncode is None:
                    each.kill()
                await each.wait()
            said += await self._read(program)
            self.put += said["put"]
            sharing = "alone" if other is None else f"beside one that said {dict(await self._read(other))}"
            print(f"killed after {dict(said)} {sharing}; {self.put} of {self._count} put")  # noqa: T201 - on failure
        last = await self._start(self.put, self._count)
        self.put += (await self._read(last))["put"]
        assert await last.wait() == 0

    async def _start(self, begin: int, end: int) -> asyncio.subprocess.Process:
        arguments = ["-m", "tests.faults.queue_program", str(self._folder), str(self._file), str(begin), str(end)]
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)

    async def _read(self, program: asyncio.subprocess.Process, word: str = "", times: int = 1) -> Counter[str]:
        """Count what a program says, until it has said a word so many times or has ended."""
        said: Counter[str] = Counter()
        assert program.stdout is not None
        while said[word] < times:
            line = await asyncio.wait_for(program.stdout.readline(), WAIT_SECONDS)
            if not line:
                break
            said[line.decode().strip()] += 1
        return said


async def arrived(network: EmbeddedNetwork, agency_id: str, messages: Sequence[OutgoingMessage]) -> list[str]:
    """The ids of these messages as they stand on the agency's topic."""
    ours = {message.raw: message.message_id for message in messages}
    records = await read_topics(network, [agency_outbound(agency_id)])
    return [ours[record.value] for record in records if record.value in ours]


async def all_accepted(client: AgencyClient, messages: Sequence[OutgoingMessage]) -> None:
    """Feed the inbox to the queue until it says of each message that the network has acted on it."""
    open_ids = {message.message_id for message in messages}
    async with AsyncOfflineQueue(client) as queue:
        async for item in client.inbox():
            status = await queue.settle(item)
            if status is not None and status.message_id in open_ids:
                assert status.state is MessageState.ACCEPTED, status
                open_ids.discard(status.message_id)
            if not open_ids:
                return


@pytest.mark.faults
async def test_what_was_put_survives_kill_9_and_takes_effect_once_in_order(
    network: EmbeddedNetwork, traffic: Traffic, desk: AgencyClient, tmp_path: Path
) -> None:
    """A clinic refers, a desk accepts, starts and completes, each through a queue whose programs are killed."""
    seed = seed_of_run()
    Telling(seed)
    before = await parked(network)
    referrals = await traffic.seal(REFERRALS)
    # In this order each act expects the one before it: what overtakes or is missing is refused.
    acts = [
        desk.write_act(
            referral.referral_id,
            act,
            by=DESK_WORKER,
            expected_version=version,
            outcome=Outcome.HELPED_IN_FULL if act is ReferralAct.COMPLETE else None,
        )
        for version, act in enumerate(ACTS, start=2)
        for referral in referrals
    ]
    for agency_id, messages, kills in ((CLINIC, referrals, LIVES // 2), (DESK, acts, LIVES)):
        lives = Lives(folder_of(network, agency_id), messages, tmp_path / agency_id, seed)
        await lives.run(kills)
        assert lives.put == len(messages)
        on_topic = await arrived(network, agency_id, messages)
        assert list(dict.fromkeys(on_topic)) == [message.message_id for message in messages]
        print(f"{agency_id}: {len(on_topic) - len(messages)} of {len(messages)} sent twice")  # noqa: T201
        await settled(network, [agency_id], before)

    ids = [referral.referral_id for referral in referrals]
    query = "SELECT state, version, count(*) FROM referrals WHERE referral_id = ANY($1) GROUP BY state, version"
    assert await rows(network, "referral", query, ids) == [("completed", 5, REFERRALS)]
    streams = versions(await read_topics(network, [REFERRAL_EVENTS.name]), {})
    for referral_id in ids:
        stream = streams[f"referral:{referral_id}"]
        types = [event.type for event in stream.events]
        assert types == ["referral.submitted.v1", "referral.delivered.v1", *ACTS.values()]
        assert stream.misplaced == []
    await asyncio.wait_for(all_accepted(desk, acts), WAIT_SECONDS)


@pytest.mark.faults
async def test_an_outage_of_kafka_is_told_waited_through_and_then_over(
    network: EmbeddedNetwork, infra: Infrastructure, traffic: Traffic
) -> None:
    """Put while Kafka is down, messages go out by themselves once it is back, in order and each once."""
    if infra.servers is None:
        pytest.skip(f"the broker is not ours to kill: {infra.origin}")
    messages = await traffic.seal(5)
    heard: list[Progress] = []
    async with AgencyClient.from_folder(folder_of(network, CLINIC)) as clinic, AsyncOfflineQueue(clinic) as queue:
        infra.servers.broker.kill()
        for message in messages:
            await queue.put(message)
        draining = asyncio.create_task(queue.drain(heard.append))

        async def offline() -> bool:
            return heard[-1:] != [] and heard[-1].trouble is not None

        await eventually(offline)
        await asyncio.to_thread(infra.servers.broker.start)
        end = await asyncio.wait_for(draining, WAIT_SECONDS)
    assert (end.sent, end.waiting, end.trouble) == (len(messages), 0, None)
    assert await arrived(network, CLINIC, messages) == [message.message_id for message in messages]


def test_the_example_of_the_offline_queue_runs(network: EmbeddedNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    """The example runs as it stands: handles kept up, queued, sent when there is a connection, published."""
    offline_example(str(folder_of(network, CLINIC)))
    _handles, first, *progress, last = capsys.readouterr().out.splitlines()
    assert (first, last) == ("queued", "published")
    assert progress[-1] == "送信 / sent 1 of 1"
