from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded.errors import InfrastructureError
from deploy.embedded.ports import free_ports, port_answers, ports_kept_in
from deploy.embedded.processes import ChildProcess, stop_leftover, stop_leftovers

WAITS = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[ChildProcess]:
    """A process that does nothing until it is told to end."""
    made = _python(tmp_path, WAITS)
    yield made
    made.kill()


def _python(folder: Path, program: str) -> ChildProcess:
    return ChildProcess("child", [sys.executable, "-c", program], folder / "child.log", folder / "child.json")


def _started(child: ChildProcess) -> psutil.Process:
    child.start()
    child.wait_until(lambda: "up" in child.log.read_text(), seconds=20)
    return psutil.Process(child.pid)


def test_a_child_has_its_own_process_group(child: ChildProcess) -> None:
    """Ctrl-C at the terminal does not reach a child, because it leads a process group of its own."""
    process = _started(child)
    assert process.status() != psutil.STATUS_ZOMBIE
    assert psutil.Process().pid != process.pid
    assert os.getpgid(process.pid) == process.pid != os.getpgid(0)


def test_stopping_ends_the_child_and_removes_its_mark(child: ChildProcess) -> None:
    """A stopped child is gone and leaves nothing for a later start to clear up."""
    _started(child)
    child.stop()
    assert not child.alive
    assert child.pid is None
    assert not child.mark.exists()


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """Stopping takes no longer than the time given, even where the child does not listen."""
    child = _python(tmp_path, STUBBORN)
    _started(child)
    before = time.monotonic()
    child.stop(seconds=0.2)
    assert not child.alive
    assert time.monotonic() - before < 10


def test_a_child_that_dies_while_starting_says_why(tmp_path: Path) -> None:
    """The error of a failed start names the process, its log and the end of it."""
    child = _python(tmp_path, "raise SystemExit('no such folder')")
    child.start()
    with pytest.raises(InfrastructureError, match="no such folder") as raised:
        child.wait_until(lambda: False, seconds=20)
    assert str(child.log) in str(raised.value)


def test_what_a_crash_left_is_stopped_at_the_next_start(child: ChildProcess, tmp_path: Path) -> None:
    """A second start on the same mark ends the process of the first, as after a crash of the runner."""
    left = _started(child)
    again = _python(tmp_path, WAITS)
    again.start()
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    assert again.alive
    again.stop()


def test_a_process_that_only_has_the_same_id_is_left_alone(child: ChildProcess) -> None:
    """A mark whose start time does not match belongs to a process that is not ours."""
    process = _started(child)
    noted = json.loads(child.mark.read_text())
    child.mark.write_text(json.dumps(noted | {"created": noted["created"] - 100}))
    assert not stop_leftover(child.mark)
    assert process.is_running()
    assert not child.mark.exists()


def test_leftovers_end_before_what_they_use(tmp_path: Path) -> None:
    """Services are stopped before PostgreSQL and Kafka, so that they can finish what they have in hand."""
    children = []
    for name in ("kafka", "audit", "postgres"):
        child = ChildProcess(name, [sys.executable, "-c", WAITS], tmp_path / f"{name}.log", tmp_path / f"{name}.json")
        _started(child)
        children.append(child)
    assert stop_leftovers(tmp_path) == ["audit", "postgres", "kafka"]
    assert not any(child.alive for child in children)


def test_a_mark_without_a_process_is_no_error(tmp_path: Path) -> None:
    """A mark that is missing, torn or names nobody is cleared away."""
    mark = tmp_path / "gone.json"
    assert not stop_leftover(mark)
    mark.write_text('{"pid": 2')
    assert not stop_leftover(mark)
    mark.write_text(json.dumps({"pid": 2**22 - 1, "created": 0.0, "stop_signal": int(signal.SIGTERM)}))
    assert not stop_leftover(mark)
    assert not mark.exists()


def test_ports_are_kept_while_they_are_free(tmp_path: Path) -> None:
    """The same ports are given again, unless somebody else has taken one."""
    file = tmp_path / "ports.json"
    ports = ports_kept_in(file, 3)
    assert len(set(ports)) == 3
    assert ports_kept_in(file, 3) == ports
    with socket.create_server(("127.0.0.1", ports[1])):
        assert port_answers(f"127.0.0.1:{ports[1]}")
        assert ports[1] not in ports_kept_in(file, 3)


def test_free_ports_answer_nobody() -> None:
    """A free port is one at which nobody listens."""
    assert not port_answers(f"127.0.0.1:{free_ports(1)[0]}")
