"""What a run has found, as it stands in its JSON file, and the medians that tables and comparisons show."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

TOP = "top"
SHARED_PROCESSES = ("kafka", "postgres")
LOAD = "load"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Measure(_Frozen):
    """One step of one system in one round.

    `rate` is referrals per second: what was reached at the top, what was asked for elsewhere. `cpu_ms` is per
    referral and process, `services` says which of these processes work for which service. Latencies are from the
    due moment of a referral to its last notification, `late_ms` how far the publisher fell behind its schedule.
    """

    system: str
    round: int
    step: str
    referrals: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    late_ms: float
    cpu_ms: Mapping[str, float]
    rss_mib: Mapping[str, float]
    services: Mapping[str, str]


class Run(_Frozen):
    """A whole run: where, of which commit, with which settings, and every measure of it.

    `idle_cores` is what each system spends when nothing happens, in processor cores.
    """

    commit: str
    changed: bool
    started: str
    machine: Mapping[str, str]
    settings: Mapping[str, object]
    idle_cores: Mapping[str, float]
    measures: Sequence[Measure]

    @classmethod
    def read(cls, file: Path) -> Run:
        """Read a result file."""
        return cls.model_validate_json(file.read_bytes())

    def write(self, file: Path) -> None:
        """Write a result file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @property
    def systems(self) -> list[str]:
        """The systems measured: ours first, then the more from the less capable reference."""
        order = ("real", "reliable", "bare")
        return sorted({measure.system for measure in self.measures}, key=order.index)

    @property
    def steps(self) -> list[str]:
        """The steps measured, in order."""
        return list(dict.fromkeys(measure.step for measure in self.measures))

    def of(self, system: str, step: str) -> list[Measure]:
        """The measures of one step of one system, a round each."""
        return [measure for measure in self.measures if (measure.system, measure.step) == (system, step)]

    def median(self, system: str, step: str, value: Callable[[Measure], float]) -> float:
        """The median over the rounds; not a number where nothing was measured."""
        return median(value(measure) for measure in self.of(system, step))


def median(values: Iterable[float]) -> float:
    """The median; not a number of nothing."""
    found = list(values)
    return statistics.median(found) if found else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def python_ms(measure: Measure) -> float:
    """Milliseconds of processor time per referral in the system's own processes."""
    return sum(spent for name, spent in measure.cpu_ms.items() if name in measure.services)


def service_ms(service: str) -> Callable[[Measure], float]:
    """Reads the milliseconds per referral of whatever does one service's work."""
    return lambda measure: sum(spent for name, spent in measure.cpu_ms.items() if measure.services.get(name) == service)


def process_ms(name: str) -> Callable[[Measure], float]:
    """Reads the milliseconds per referral of one process."""
    return lambda measure: measure.cpu_ms.get(name, 0.0)


def total_ms(measure: Measure) -> float:
    """Milliseconds per referral of everything but the load itself."""
    return python_ms(measure) + sum(measure.cpu_ms.get(name, 0.0) for name in SHARED_PROCESSES)
