"""Where a process spends its time: py-spy looks into it from outside, and its samples are put in few groups."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROFILER = "py-spy"
_OPTIONS = ("record", "-f", "raw", "-r", "200", "--full-filenames")
# Threads that wait are sampled like those that work.
_WAITING = (
    ("_worker (", "concurrent/futures/thread.py"),
    ("wait (", "threading.py"),
    ("select (", "selectors.py"),
    ("get (", "queue.py"),
)
# The first that a stack's innermost frames name wins; what names none is Python's own or a small library's.
_GROUPS = {
    "sqlalchemy": ("sqlalchemy/",),
    "asyncpg": ("asyncpg/",),
    "kafka client": ("aiokafka/",),
    "faststream": ("faststream/", "fast_depends/"),
    "tracing": ("opentelemetry/", "eventing/tracing.py", "runtime/telemetry.py"),
    "cryptography": ("joserfc/", "cryptography/", "tsunagu_contracts/jose.py", "tsunagu_contracts/sealing.py"),
    "pydantic": ("pydantic/", "pydantic_core/"),
    "json": ("json/",),
    "contracts": ("tsunagu_contracts/",),
    "eventing": ("services/eventing/",),
    "service": ("services/",),
    "event loop": ("asyncio/", "selectors.py", "uvicorn/"),
}


@contextmanager
def profiled(pids: Mapping[str, int], folder: Path, seconds: float) -> Iterator[dict[str, Path]]:
    """Sample these processes meanwhile, at most so long; the files hold one stack and its count a line.

    Does nothing where py-spy is not on the PATH.
    """
    program = shutil.which(PROFILER)
    files = {name: folder / f"{name}.folded" for name in pids} if program else {}
    folder.mkdir(parents=True, exist_ok=True)
    samplers = [
        subprocess.Popen(
            [program, *_OPTIONS, "-d", str(round(seconds)), "-p", str(pids[name]), "-o", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, file in files.items()
        if program
    ]
    try:
        yield files
    finally:
        for sampler in samplers:
            sampler.wait(seconds + 30)


def groups(file: Path) -> Counter[str]:
    """Samples by group of the innermost frame that belongs to one."""
    found: Counter[str] = Counter()
    for frames, count in _stacks(file):
        found[next((group for frame in reversed(frames) if (group := _group(frame))), "other")] += count
    return found


def functions(file: Path, *, ours: bool = True) -> Counter[str]:
    """Samples in which each function is anywhere on the stack; ours only, or every one."""
    found: Counter[str] = Counter()
    for frames, count in _stacks(file):
        for frame in {
            _function(frame) for frame in frames if not ours or "services/" in frame or "contracts/" in frame
        }:
            found[frame] += count
    return found


def _stacks(file: Path) -> Iterator[tuple[list[str], int]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not any(name in frames[-1] and file_ in frames[-1] for name, file_ in _WAITING):
            yield frames, int(count)


def _group(frame: str) -> str | None:
    return next((group for group, marks in _GROUPS.items() if any(mark in frame for mark in marks)), None)


def _function(frame: str) -> str:
    """`name (file:line)` of a frame, without the line and all but the end of the path."""
    name, _, place = frame.partition(" (")
    return f"{name} ({'/'.join(place.rpartition(':')[0].split('/')[-3:])})"
