"""Child processes with a memory: each leaves a mark of itself, so that a later start can clear up after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.embedded.errors import InfrastructureError

LOG_TAIL_LINES = 12


@dataclass
class ChildProcess:
    """One process of the network: started in its own process group, stopped by its own id.

    `mark` is a file with the process id, its start time and the signal that ends it in order; only a process
    that matches id and start time is ours.
    """

    name: str
    command: Sequence[str]
    log: Path
    mark: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _ready: bool = field(default=False, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether it was started here and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, after clearing away a leftover of an earlier crash; output is appended to the log."""
        stop_leftover(self.mark)
        self._ready = False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            # Its own session: Ctrl-C at the terminal reaches the runner only, which stops things in order.
            self._process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
            )
        created = psutil.Process(self._process.pid).create_time()
        noted = {"pid": self._process.pid, "created": created, "stop_signal": int(self.stop_signal)}
        self.mark.write_text(json.dumps(noted))

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, every: float = 0.1) -> None:
        """Return once `ready()`; InfrastructureError with the log's end when it dies or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise self._failure("ended while starting")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {seconds:.0f} s")
            time.sleep(every)
        self._ready = True

    def stop(self, *, seconds: float = 30.0) -> None:
        """Ask it to end and wait; killed when it has not ended in time. Does nothing when it is not running.

        What has not become ready yet has nothing in hand and is killed at once.
        """
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(self.stop_signal if self._ready else signal.SIGKILL)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.mark.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once with SIGKILL, as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _failure(self, what: str) -> InfrastructureError:
        return InfrastructureError(f"{self.name} {what}; log: {self.log}\n{log_tail(self.log)}")


def stop_leftover(mark: Path, *, seconds: float = 20.0) -> bool:
    """Stop the process that `mark` names if it still runs and is ours; says whether there was one."""
    try:
        noted = json.loads(mark.read_text())
        process = psutil.Process(int(noted["pid"]))
        # Process ids are used again: only the same start time makes it the process that we started.
        ours = abs(process.create_time() - float(noted["created"])) < 1.0
    except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
        mark.unlink(missing_ok=True)
        return False
    if ours and process.status() != psutil.STATUS_ZOMBIE:
        try:
            process.send_signal(int(noted["stop_signal"]))
            process.wait(seconds)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)
        except psutil.NoSuchProcess:
            pass  # it ended by itself in between
    mark.unlink(missing_ok=True)
    return ours


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log, for an error message; empty when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def stop_leftovers(marks: Path) -> list[str]:
    """Stop every process that an earlier crash left behind: what uses Kafka and PostgreSQL first, those last."""
    last = ("postgres", "kafka")
    files = sorted(marks.glob("*.json"), key=lambda mark: last.index(mark.stem) if mark.stem in last else -1)
    return [mark.stem for mark in files if stop_leftover(mark)]
