"""Two runs side by side, as ratios: `make bench-compare A=… B=…`."""

from __future__ import annotations

import math

from tests.benchmarks.results import TOP, Run, total_ms
from tests.benchmarks.table import Rows


def ratios(one: Run, other: Run) -> tuple[list[str], Rows]:
    """Heading and rows of every figure of both runs with the second's ratio to the first."""
    heading = ["", "", "A", "B", "B/A"]
    rows: Rows = []
    for system in (name for name in one.systems if name in other.systems):
        for step in (name for name in one.steps if name in other.steps):
            figures = {"CPU ms each": total_ms}
            if step == TOP:
                figures = {"referrals/s": lambda measure: measure.rate, **figures}
            else:
                figures = {
                    "p50 ms": lambda measure: measure.p50_ms,
                    "p99 ms": lambda measure: measure.p99_ms,
                    **figures,
                }
            for name, value in figures.items():
                before, after = one.median(system, step, value), other.median(system, step, value)
                ratio = after / before if before and not math.isnan(before) else math.nan
                rows.append([f"{system} {step}", name, f"{before:.2f}", f"{after:.2f}", f"{ratio:.2f}"])
    return heading, rows
