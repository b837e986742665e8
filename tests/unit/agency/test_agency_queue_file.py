import asyncio
import resource
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.agency.fake_kafka import Desk, FakeKafka, put_some
from tests.unit.agency.fake_services import CLINIC, DESK, FakeServices
from tsunagu_agency import (
    ActingCoordinator,
    Area,
    AsyncOfflineQueue,
    Category,
    Purpose,
    QueueFileError,
    QueueFullError,
    QueueLimits,
    ServiceFamily,
    ToAgency,
)
from tsunagu_agency.queue_file import QueueFile


def files_in(folder: Path) -> list[Path]:
    """Everything in a folder."""
    return list(folder.iterdir())


async def test_a_queue_is_there_for_the_next_program(desk: Desk, kafka: FakeKafka) -> None:
    """What one program has put another one finds and sends, after it and before its own."""
    async with AsyncOfflineQueue(desk) as first:
        messages = await put_some(first, desk, 2)
    async with AsyncOfflineQueue(desk) as second:
        messages += await put_some(second, desk, 1)
        assert (await second.backlog()).messages == 3
        await second.drain()
    assert kafka.arrived == messages


async def test_the_files_are_their_owners_alone(queue: AsyncOfflineQueue, desk: Desk, tmp_path: Path) -> None:
    """Everything that the queue leaves in the folder, while it is open too, is readable by its owner only."""
    await put_some(queue, desk, 1)
    await queue.drain()
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files_in(tmp_path)}
    assert {"queue.sqlite3", "queue.sqlite3-wal", "queue.lock"} <= files.keys()
    assert set(files.values()) == {0o600}
    with sqlite3.connect(tmp_path / "queue.sqlite3") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


async def test_nothing_readable_of_a_person_is_in_the_files(tmp_path: Path) -> None:
    """Of a sealed referral the files hold neither content nor the agency's own reference for the person."""
    services = FakeServices()
    clinic = services.client(tmp_path, CLINIC)
    await clinic.take_handles(1)
    message = clinic.seal_referral(
        by=ActingCoordinator(coordinator_id=CLINIC.coordinator, appointment_id=CLINIC.appointment),
        to=ToAgency(agency=DESK.id),
        area=Area.FUJIMI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents={Category.CONTACT: "03-0000-0000", Category.HEALTH: "通院中"},
        person="karte-1234",
    )
    async with AsyncOfflineQueue(clinic) as queue:
        await queue.put(message)
        kept = b"".join(path.read_bytes() for path in files_in(tmp_path) if path.stem == "queue")
    assert message.message_id.encode() in kept
    for secret in ("03-0000-0000", "通院中", "karte-1234"):
        assert secret.encode() not in kept


async def test_a_full_queue_refuses_and_says_what_to_do(desk: Desk, kafka: FakeKafka) -> None:
    """One message too many is not queued, those before are untouched, and after a drain there is room."""
    async with AsyncOfflineQueue(desk, limits=QueueLimits(messages=2)) as queue:
        messages = await put_some(queue, desk, 2)
        third = desk.write()
        with pytest.raises(QueueFullError) as caught:
            await queue.put(third)
        assert (caught.value.message_id, caught.value.messages) == (third.message_id, 2)
        assert "all 2 messages" in caught.value.kept
        assert "drain()" in caught.value.next
        assert await queue.status(third.message_id) is None
        await queue.put(messages[0])
        await queue.drain()
        await queue.put(third)
        await queue.drain()
    assert kafka.arrived == [*messages, third]


async def test_a_queue_is_bounded_in_bytes_as_well(desk: Desk) -> None:
    """Exactly as many bytes as allowed are queued and not one more."""
    first, second = desk.write(), desk.write()
    size = len(first.raw) + len(second.raw)
    async with AsyncOfflineQueue(desk, limits=QueueLimits(size=size - 1)) as queue:
        await queue.put(first)
        with pytest.raises(QueueFullError):
            await queue.put(second)
    async with AsyncOfflineQueue(desk, limits=QueueLimits(size=size)) as queue:
        await queue.put(second)
        assert (await queue.backlog()).size == size


async def test_of_sent_messages_a_set_number_is_remembered(desk: Desk) -> None:
    """The file does not grow for ever: the state of the oldest sent messages is forgotten, never one that waits."""
    async with AsyncOfflineQueue(desk, limits=QueueLimits(remembered=3)) as queue:
        messages = await put_some(queue, desk, 5)
        await queue.drain()
        waiting = await put_some(queue, desk, 4)
        known = [status.message_id for status in await queue.statuses()]
    assert known == [message.message_id for message in messages[-3:] + waiting]


async def test_the_file_does_not_keep_what_was_sent(queue: AsyncOfflineQueue, desk: Desk, tmp_path: Path) -> None:
    """Once Kafka has a message its bytes are dropped, so that a thousand sent leave room for the next."""
    await put_some(queue, desk, 3)
    await queue.drain()
    await queue.close()
    with sqlite3.connect(tmp_path / "queue.sqlite3") as file:
        assert file.execute("SELECT count(*), count(raw) FROM messages").fetchone() == (3, 0)
    file.close()


@pytest.fixture
def limited_files() -> Iterator[None]:
    """Lets a test forbid files to grow; lifted afterwards."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_takes_no_more_is_told_and_costs_nothing(
    queue: AsyncOfflineQueue, desk: Desk, kafka: FakeKafka, tmp_path: Path, limited_files: None
) -> None:
    """What cannot be written is refused with the reason, what was put before is whole, and later all goes on."""
    [first] = await put_some(queue, desk, 1)
    second = desk.write()
    largest = (tmp_path / "queue.sqlite3-wal").stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    with pytest.raises(QueueFileError) as caught:
        await queue.put(second)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert caught.value.reason.startswith("SQLITE_")
    assert "do not delete" in caught.value.next
    assert await queue.status(second.message_id) is None
    await queue.put(second)
    await queue.drain()
    assert kafka.arrived == [first, second]


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for the head of one", b""])
async def test_a_file_that_is_no_queue_is_told(
    content: bytes, queue: AsyncOfflineQueue, desk: Desk, tmp_path: Path
) -> None:
    """A damaged file or one of another format is never written to, and the error names it."""
    (tmp_path / "queue.sqlite3").write_bytes(content)
    with pytest.raises(QueueFileError) as caught:
        await queue.put(desk.write())
    assert caught.value.path == tmp_path / "queue.sqlite3"
    assert (tmp_path / "queue.sqlite3").read_bytes() == content


async def test_a_file_of_a_later_format_is_left_alone(queue: AsyncOfflineQueue, desk: Desk, tmp_path: Path) -> None:
    """An older program does not write into what a newer one has made."""
    await put_some(queue, desk, 1)
    await queue.close()
    with sqlite3.connect(tmp_path / "queue.sqlite3") as file:
        file.execute("PRAGMA user_version = 2")
    file.close()
    with pytest.raises(QueueFileError, match="format 2"):
        await queue.backlog()


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """SQLite is told to flush at every commit: what was put also outlives a power failure (2 is FULL)."""
    file = QueueFile(tmp_path, QueueLimits())
    file.backlog()
    assert file._opened().execute("PRAGMA synchronous").fetchone() == (2,)
    file.close()


async def test_a_folder_that_is_none_is_told(desk: Desk, tmp_path: Path) -> None:
    """Where the files cannot be made, the error says why."""
    (tmp_path / "queue.sqlite3").mkdir()
    (tmp_path / "queue.lock").mkdir()
    async with AsyncOfflineQueue(desk) as queue:
        with pytest.raises(QueueFileError):
            await queue.backlog()


async def test_many_programs_may_begin_at_once(desk: Desk) -> None:
    """Whoever comes first makes the file; all find the same one."""
    queues = [AsyncOfflineQueue(desk) for _ in range(8)]
    await asyncio.gather(*(queue.put(desk.write()) for queue in queues))
    assert {(await queue.backlog()).messages for queue in queues} == {8}
    for queue in queues:
        await queue.close()
