"""A plot of the latencies over the rate, as SVG written by hand: two logarithmic axes and a line per system."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from tests.benchmarks.results import TOP, Measure, Run

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, UPPER, LOWER = 70, 150, 40, 50
# Told apart by people who do not see colours alike too, and by the dashes of p99.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")

Point = tuple[float, float]


def latencies(run: Run) -> str:
    """The plot: p50 (full line) and p99 (dashed) of each system at each rate that was asked for."""
    lines: list[tuple[str, str, bool, list[Point]]] = []
    for number, system in enumerate(run.systems):
        for name, dashed, value in (("p50", False, _p50), ("p99", True, _p99)):
            lines.append((f"{system} {name}", COLOURS[number % len(COLOURS)], dashed, _points(run, system, value)))
    xs = [x for *_, points in lines for x, _ in points]
    ys = [y for *_, points in lines for _, y in points]
    across = _Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    upward = _Axis(min(ys), max(ys), HEIGHT - LOWER, UPPER)
    return "\n".join(["<?xml version='1.0' encoding='UTF-8'?>", *_drawn(lines, across, upward), "</svg>", ""])


def _drawn(lines: Sequence[tuple[str, str, bool, list[Point]]], across: _Axis, upward: _Axis) -> Iterator[str]:
    yield (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' "
        "font-family='sans-serif' font-size='12'>"
    )
    yield f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>"
    yield f"<text x='{LEFT}' y='20' font-size='14'>Publish to last notification, milliseconds</text>"
    yield f"<text x='{(LEFT + WIDTH - RIGHT) / 2}' y='{HEIGHT - 12}' text-anchor='middle'>referrals per second</text>"
    for value in across.ticks():
        x = across.at(value)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{UPPER}' y2='{HEIGHT - LOWER}' stroke='#ddd'/>"
        yield f"<text x='{x:.1f}' y='{HEIGHT - LOWER + 18}' text-anchor='middle'>{value:g}</text>"
    for value in upward.ticks():
        y = upward.at(value)
        yield f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='#ddd'/>"
        yield f"<text x='{LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{value:g}</text>"
    for number, (name, colour, dashed, points) in enumerate(lines):
        style = f"stroke='{colour}' stroke-width='2' fill='none'" + (" stroke-dasharray='6 4'" if dashed else "")
        path = " ".join(f"{across.at(x):.1f},{upward.at(y):.1f}" for x, y in points)
        yield f"<polyline points='{path}' {style}/>"
        y = UPPER + 16 * number
        yield f"<line x1='{WIDTH - RIGHT + 14}' x2='{WIDTH - RIGHT + 44}' y1='{y}' y2='{y}' {style}/>"
        yield f"<text x='{WIDTH - RIGHT + 50}' y='{y + 4}'>{escape(name)}</text>"


class _Axis:
    """A logarithmic axis from pixel `begin` to pixel `end`."""

    def __init__(self, least: float, most: float, begin: float, end: float) -> None:
        self._least, self._most = math.log10(least) - 0.05, math.log10(most) + 0.05
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (math.log10(value) - self._least) / (self._most - self._least)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        """Round values of 1, 2 and 5 within the axis."""
        powers = range(math.floor(self._least), math.ceil(self._most) + 1)
        values = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        return [value for value in values if self._least <= math.log10(value) <= self._most]


def _points(run: Run, system: str, value: Callable[[Measure], float]) -> list[Point]:
    steps = [step for step in run.steps if step != TOP]
    return sorted((run.median(system, step, lambda each: each.rate), run.median(system, step, value)) for step in steps)


def _p50(measure: Measure) -> float:
    return measure.p50_ms


def _p99(measure: Measure) -> float:
    return measure.p99_ms
