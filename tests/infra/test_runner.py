"""The runner as a newcomer uses it: from nothing, after a crash, and until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from deploy.data_folder import DataFolder
from deploy.embedded.processes import log_tail, stop_leftovers

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

STEPS = "①②③④⑤⑥⑦⑧⑨"
SECONDS = 240.0
_started: list[subprocess.Popen[bytes]] = []


@dataclass
class Run:
    """One start of `tsunagu run` on a data folder."""

    data: DataFolder
    output: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self, *options: str) -> Run:
        """Start it; what it prints goes to `output`."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", "run", *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TSUNAGU_DATA": str(self.data.root), "COLUMNS": "200"},
            )
        _started.append(self.process)
        return self

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(SECONDS)

    def until(self, text: str) -> None:
        """Wait until it has printed a text."""
        deadline = time.monotonic() + SECONDS
        while text not in self.printed:
            assert time.monotonic() < deadline, self.printed
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)
                assert text in self.printed, self.printed

    @property
    def printed(self) -> str:
        """What it has printed until now."""
        return self.output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(run_folder: Path) -> Iterator[DataFolder]:
    """A data folder of these tests alone; whatever they leave running is stopped."""
    folder = DataFolder(run_folder / "runner")
    yield folder
    for process in _started:
        # A test that failed, or was told to end, may have left its run up.
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)
    stop_leftovers(folder.marks)


def _running(data: DataFolder) -> list[psutil.Process]:
    """The processes that have this data folder's files open as their state or environment."""
    noted = [json.loads(mark.read_text())["pid"] for mark in data.marks.glob("*.json")]
    return [psutil.Process(pid) for pid in noted if psutil.pid_exists(pid)]


def test_one_command_tells_the_story_and_ends(data: DataFolder, tmp_path: Path) -> None:
    """From an empty folder `run --once` tells the nine steps, ends with status 0 and leaves no process behind."""
    run = Run(data, tmp_path / "output").start("--once")
    assert run.ended() == 0, run.printed
    assert [step for step in STEPS if step in run.printed] == list(STEPS)
    assert not list(data.marks.glob("*.json"))
    assert not data.run.exists()


def test_a_crash_of_the_runner_is_cleared_up_and_told(data: DataFolder, tmp_path: Path) -> None:
    """After kill -9 of the runner the next start stops what was left, keeps the state, and ends in order on Ctrl-C."""
    crashed = Run(data, tmp_path / "crashed").start()
    crashed.until("Ctrl-C")
    crashed.process.kill()
    crashed.ended()
    left = _running(data)
    assert len(left) == 8

    again = Run(data, tmp_path / "again").start()
    again.until("Ctrl-C ")
    assert not [process for process in left if process.is_running()]
    assert again.printed.count("stopped a leftover") == 8
    assert [step for step in STEPS if step in again.printed] == list(STEPS)
    busy = Run(data, tmp_path / "busy").start("--once")
    assert busy.ended() == 1
    assert "Another run is using" in busy.printed
    now = _running(data)
    again.process.send_signal(signal.SIGINT)
    assert again.ended() == 0, again.printed
    assert len(now) == 8
    assert not [process for process in now if process.is_running()]


def test_a_start_that_fails_says_what_happened(tmp_path: Path) -> None:
    """A folder that Kafka cannot use ends the run with status 1, the reason and the log's place; nothing stays up."""
    data = DataFolder(tmp_path / "data")
    (data.kafka / "data").mkdir(parents=True)
    (data.kafka / "data" / "meta.properties").write_text("version=1\ncluster.id=other\nnode.id=7\n")
    run = Run(data, tmp_path / "output").start("--once")
    assert run.ended() == 1
    assert "could not start" in run.printed
    assert str(data.logs / "kafka.log") in run.printed.replace("\n", "")
    assert log_tail(data.logs / "kafka.log")
    assert not _running(data)
