"""A benchmark that is told to end leaves nothing running."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded.processes import stop_leftovers
from tests.infra.eventually import eventually


@pytest.fixture
def benchmark(run_folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A benchmark of consent that has just begun, and the folder in which it makes its own."""
    folder = run_folder / "benchmark"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder), "TSUNAGU_TEST_INFRA": "embedded"}
    command = [sys.executable, "-m", "tests.benchmarks", "consent", "--quick", "--out", str(folder / "out")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process, folder
    process.kill()
    process.wait()
    for marks in folder.glob("tsunagu-bench-*/*/processes"):
        stop_leftovers(marks)


async def test_a_benchmark_told_to_end_stops_what_it_started(
    benchmark: tuple[subprocess.Popen[bytes], Path],
) -> None:
    """On SIGTERM the service, the reference, PostgreSQL and Kafka are stopped, and no file is left."""
    process, folder = benchmark
    marks: dict[str, dict[str, float]] = {}

    async def both_started() -> bool:
        assert process.poll() is None, "it ended by itself"
        for mark in folder.glob("tsunagu-bench-*/*/processes/*.json"):
            if mark.stem in ("consent", "bench_reference", "postgres", "kafka") and (text := mark.read_text()):
                marks[mark.stem] = json.loads(text)
        return len(marks) == 4

    await eventually(both_started, seconds=120)
    process.send_signal(signal.SIGTERM)
    process.wait(60)

    left = [
        name
        for name, mark in marks.items()
        if psutil.pid_exists(int(mark["pid"])) and psutil.Process(int(mark["pid"])).create_time() == mark["created"]
    ]
    assert left == []
    assert not list(folder.glob("tsunagu-bench-*"))
