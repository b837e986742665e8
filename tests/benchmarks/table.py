"""The results for a person at a terminal, and the same as Markdown for the documentation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from tests.benchmarks.results import (
    LOAD,
    SHARED_PROCESSES,
    TOP,
    Run,
    process_ms,
    python_ms,
    service_ms,
    total_ms,
)

SERVICES = ("referral", "consent", "notify", "audit")
Rows = list[list[str]]


def rates(run: Run) -> tuple[list[str], Rows]:
    """Heading and rows of the rates at the top, with what a referral costs there."""
    heading = ["", "referrals/s", *(f"of {each}" for each in run.systems[1:]), "CPU ms each"]
    heading += [*SERVICES, *SHARED_PROCESSES, LOAD]
    rows: Rows = []
    for system in run.systems:
        top = run.median(system, TOP, lambda measure: measure.rate)
        row = [system, f"{top:.0f}"]
        row += [_share(top, run.median(each, TOP, lambda measure: measure.rate)) for each in run.systems[1:]]
        row.append(f"{run.median(system, TOP, total_ms):.2f}")
        row += [f"{run.median(system, TOP, service_ms(service)):.2f}" for service in SERVICES]
        row += [f"{run.median(system, TOP, process_ms(name)):.2f}" for name in (*SHARED_PROCESSES, LOAD)]
        rows.append(row)
    return heading, rows


def latencies(run: Run) -> tuple[list[str], Rows]:
    """Heading and rows of the latencies p50/p99 in milliseconds, and of the CPU per referral, at each rate."""
    steps = [step for step in run.steps if step != TOP]
    heading = ["p50/p99 ms (CPU ms)", *steps]
    rows: Rows = []
    for system in run.systems:
        row = [system]
        for step in steps:
            p50 = run.median(system, step, lambda measure: measure.p50_ms)
            p99 = run.median(system, step, lambda measure: measure.p99_ms)
            cpu = run.median(system, step, lambda measure: python_ms(measure))
            row.append(f"{p50:.0f}/{p99:.0f} ({cpu:.1f})")
        rows.append(row)
    return heading, rows


def memory(run: Run) -> tuple[list[str], Rows]:
    """Heading and rows of each process's resident memory in MiB after its first and its last step."""
    heading = ["MiB resident", "first step", "last step", "most"]
    rows: Rows = []
    for system in run.systems:
        measures = [measure for measure in run.measures if measure.system == system]
        for name in measures[0].rss_mib:
            if name in measures[0].services:
                seen = [measure.rss_mib[name] for measure in measures]
                rows.append([f"{system} {name}", f"{seen[0]:.0f}", f"{seen[-1]:.0f}", f"{max(seen):.0f}"])
    return heading, rows


def as_rich(title: str, heading: Sequence[str], rows: Rows) -> Table:
    """A table for the terminal."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(heading):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def as_markdown(heading: Sequence[str], rows: Rows) -> str:
    """A table for the documentation."""
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _share(rate: float, of: float) -> str:
    return "–" if math.isnan(of) or not of else f"{rate / of:.0%}"
