"""The long run: many referrals one chunk after the other, and how much memory each service holds after each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measuring import Report, bench
from tests.benchmarks.real import RealNetwork
from tests.benchmarks.results import TOP, Measure
from tests.benchmarks.settings import Settings
from tests.benchmarks.table import Rows

CHUNK = 4_000


def soak(folder: Path, settings: Settings, referrals: int, report: Report) -> list[Measure]:
    """Let so many referrals through the real network, a chunk at a time; a measure of each chunk."""
    measures: list[Measure] = []
    with bench(folder, settings, report) as made:
        while (done := sum(measure.referrals for measure in measures)) < referrals:
            count = min(CHUNK, referrals - done)
            found = made.step(RealNetwork.name, len(measures) + 1, TOP, count, None)
            measures.append(found)
            held = ", ".join(f"{name} {found.rss_mib[name]:.0f}" for name in found.services)
            report(f"{done + count:>7} referrals, {found.rate:5.0f}/s, MiB: {held}")
    return measures


def memory_rows(measures: Sequence[Measure]) -> tuple[list[str], Rows]:
    """Heading and rows of each service's MiB resident after each tenth of the run."""
    done = 0
    after: list[tuple[int, Measure]] = []
    for measure in measures:
        done += measure.referrals
        after.append((done, measure))
    shown = after[:: max(1, len(after) // 10)]
    if shown[-1] != after[-1]:
        shown.append(after[-1])
    services = list(measures[0].services)
    rows = [
        [f"{count:,}", f"{measure.rate:.0f}", *(f"{measure.rss_mib[name]:.0f}" for name in services)]
        for count, measure in shown
    ]
    return ["referrals", "per second", *services], rows
