"""The run itself: rounds of the same steps, system after system, on one Kafka and one PostgreSQL."""

from __future__ import annotations

import os
import platform
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.load import Outgoing, Passage, Publisher, Watcher, pass_through
from tests.benchmarks.real import RealNetwork
from tests.benchmarks.references import Reference
from tests.benchmarks.results import LOAD, TOP, Measure, Run, percentile
from tests.benchmarks.settings import Settings
from tests.benchmarks.systems import System
from tests.benchmarks.usage import usage
from tests.infra.infrastructure import Infrastructure, infrastructure

Report = Callable[[str], None]
IDLE_SECONDS = 3.0
FAMILIES = ("postgres",)
"""Processes whose children work for them."""


class Bench:
    """The systems side by side, started once; idle ones wait for their messages meanwhile."""

    def __init__(self, infra: Infrastructure, folder: Path, settings: Settings) -> None:
        self.settings = settings
        self.infra = infra
        self.systems: dict[str, System] = {name: _system(name, infra, folder, settings) for name in settings.systems}
        self.publisher = Publisher()
        self.watchers: dict[str, Watcher] = {}
        self._stack = ExitStack()

    def start(self, report: Report) -> None:
        """Start every system."""
        for name, system in self.systems.items():
            report(f"starting {name}")
            self._stack.callback(system.stop)
            system.start()
            self.watchers[name] = Watcher(self.infra.kafka, system.notifications, system.referral_of)
            self._stack.callback(self.watchers[name].close)

    def stop(self) -> None:
        """Stop every system."""
        self._stack.close()

    def step(self, name: str, number: int, step: str, count: int, rate: float | None) -> Measure:
        """Let `count` referrals through one system, at `rate` per second or as fast as they are accepted."""
        system = self.systems[name]
        messages = self.ready(name, count)
        before = usage(self._pids(system), families=FAMILIES)
        passage = self.passage(name, messages, rate)
        after = usage(self._pids(system), families=FAMILIES)
        return _measure(
            name,
            number,
            step,
            passage,
            rate,
            cpu_ms={each: spent * 1000 / count for each, spent in after.cpu_since(before).items()},
            rss_mib=after.rss_mib,
            services=system.services,
        )

    def ready(self, name: str, count: int) -> Sequence[Outgoing]:
        """Have referrals ready and everybody logged in who will publish them."""
        messages = self.systems[name].prepare(count)
        self.publisher.connect(messages)
        return messages

    def passage(self, name: str, messages: Sequence[Outgoing], rate: float | None) -> Passage:
        """Let ready referrals through one system and wait for their notifications."""
        return pass_through(self.publisher, self.watchers[name], messages, rate, seconds=self.settings.patience_seconds)

    def idle_cores(self) -> dict[str, float]:
        """Processor cores that each system, Kafka and PostgreSQL spend while nothing happens."""
        pids = {f"{name}.{each}": pid for name, system in self.systems.items() for each, pid in system.pids.items()}
        pids |= self._shared_pids()
        before = usage(pids, families=FAMILIES)
        time.sleep(IDLE_SECONDS)
        spent = usage(pids, families=FAMILIES).cpu_since(before)
        idle: dict[str, float] = {}
        for name, seconds in spent.items():
            owner = name.partition(".")[0]
            idle[owner] = idle.get(owner, 0.0) + seconds / IDLE_SECONDS
        return idle

    def _shared_pids(self) -> dict[str, int]:
        embedded = self.infra.embedded
        if embedded is None:
            return {}
        found = {"kafka": embedded.broker.process.pid, "postgres": embedded.server.process.pid}
        return {name: pid for name, pid in found.items() if pid is not None}

    def _pids(self, system: System) -> Mapping[str, int]:
        return {**system.pids, **self._shared_pids(), LOAD: os.getpid()}


@contextmanager
def bench(folder: Path, settings: Settings, report: Report) -> Iterator[Bench]:
    """Everything started, and stopped at the end."""
    with infrastructure(folder / "infra") as infra:
        made = Bench(infra, folder, settings)
        try:
            made.start(report)
            yield made
        finally:
            made.stop()


def measure(folder: Path, settings: Settings, report: Report) -> Run:
    """Measure every step of every system in every round, the systems in another order each time."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    order = random.Random(settings.seed)
    with bench(folder, settings, report) as made:
        idle = made.idle_cores()
        for name in settings.systems:
            made.step(name, 0, "warm-up", settings.warm_up, None)
        measures: list[Measure] = []
        for number in range(1, settings.rounds + 1):
            for name in order.sample(settings.systems, len(settings.systems)):
                for found in _round(made, name, number):
                    report(
                        f"round {number} {name:9} {found.step:>5}: {found.rate:7.1f}/s "
                        f"p50 {found.p50_ms:6.1f} p99 {found.p99_ms:7.1f} ms"
                    )
                    measures.append(found)
    hash_, changed = commit()
    return Run(
        commit=hash_,
        changed=changed,
        started=started,
        machine=machine(),
        settings=settings.as_json(),
        idle_cores=idle,
        measures=measures,
    )


def _round(made: Bench, name: str, number: int) -> Iterator[Measure]:
    settings = made.settings
    top = made.step(name, number, TOP, settings.top, None)
    yield top
    steps = [(f"{rate:g}/s", rate) for rate in settings.fixed_rates]
    steps += [(f"{share:.0%}", share * top.rate) for share in settings.shares]
    for step, rate in steps:
        yield made.step(name, number, step, settings.count_at(rate), rate)


def _measure(
    system: str,
    number: int,
    step: str,
    passage: Passage,
    rate: float | None,
    *,
    cpu_ms: Mapping[str, float],
    rss_mib: Mapping[str, float],
    services: Mapping[str, str],
) -> Measure:
    count = len(passage.latencies)
    return Measure(
        system=system,
        round=number,
        step=step,
        referrals=count,
        seconds=passage.duration,
        rate=rate or count / passage.duration,
        p50_ms=percentile(passage.latencies, 0.5) * 1000,
        p99_ms=percentile(passage.latencies, 0.99) * 1000,
        late_ms=passage.lateness * 1000,
        cpu_ms=cpu_ms,
        rss_mib=rss_mib,
        services=services,
    )


def _system(name: str, infra: Infrastructure, folder: Path, settings: Settings) -> System:
    if name == RealNetwork.name:
        return RealNetwork(folder, infra.kafka, infra.postgres, settings)
    return Reference(name, folder, infra.kafka, infra.postgres, settings)


def commit() -> tuple[str, bool]:
    """What is measured: the commit's hash, and whether files differ from it."""
    return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--untracked-files=no"))


def machine() -> dict[str, str]:
    """Where it is measured."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip()
