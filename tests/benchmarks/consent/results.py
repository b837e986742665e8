"""What was found, as it stands in the JSON file, and the table of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tests.benchmarks.results import median
from tests.benchmarks.table import Rows

SELECT, DECISION, RELEASE = "select", "decision", "release"
ASKED = (SELECT, DECISION, RELEASE)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Frozen):
    """One step: what was asked, over how many statements; processor time is per request."""

    asked: str
    statements: int
    round: int
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: Mapping[str, float]


class Run(_Frozen):
    """A whole run: where, of which commit, with which settings, and every step of it."""

    commit: str
    changed: bool
    started: str
    machine: Mapping[str, str]
    settings: Mapping[str, object]
    steps: Sequence[Step]

    def write(self, file: Path) -> None:
        """Write a result file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def median(self, asked: str, statements: int, value: Callable[[Step], float]) -> float:
        """The median over the rounds."""
        found = [step for step in self.steps if (step.asked, step.statements) == (asked, statements)]
        return median(value(step) for step in found)


def table(run: Run) -> tuple[list[str], Rows]:
    """Heading and rows: what was asked over how many statements, beside the bare SELECT of the same size."""
    heading = [
        "",
        "statements",
        "requests/s",
        "of select",
        "p50 ms",
        "of select",
        "p99 ms",
        "CPU ms python",
        "postgres",
    ]
    rows: Rows = []
    for statements in sorted({step.statements for step in run.steps}):
        for asked in ASKED:
            rate = run.median(asked, statements, lambda step: step.rate)
            p50 = run.median(asked, statements, lambda step: step.p50_ms)
            of_rate = rate / run.median(SELECT, statements, lambda step: step.rate)
            of_p50 = p50 / run.median(SELECT, statements, lambda step: step.p50_ms)
            rows.append(
                [
                    asked,
                    f"{statements:,}",
                    f"{rate:.0f}",
                    f"{of_rate:.0%}",
                    f"{p50:.2f}",
                    f"{of_p50:.1f}",
                    f"{run.median(asked, statements, lambda step: step.p99_ms):.1f}",
                    f"{run.median(asked, statements, lambda step: step.cpu_ms['python']):.2f}",
                    f"{run.median(asked, statements, lambda step: step.cpu_ms['postgres']):.2f}",
                ]
            )
    return heading, rows
