"""`python -m tests.benchmarks run`, `compare A B`: measure, and set two runs side by side."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from tests.benchmarks import plot, probing, soaking, table
from tests.benchmarks.comparing import ratios
from tests.benchmarks.consent import measuring as deciding
from tests.benchmarks.consent import results as decided
from tests.benchmarks.measuring import measure
from tests.benchmarks.results import Run
from tests.benchmarks.settings import FULL, QUICK

RESULTS = Path("build/bench")
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
# As wide as the tables, also where the output goes to a file.
console = Console(width=130)


@app.callback()
def main() -> None:
    """Measure, and set two runs side by side."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    """Being told to end is Ctrl-C: what was started is stopped in order, and a second one does not cut that short."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@app.command()
def run(
    *,
    quick: Annotated[bool, typer.Option(help="A look in two minutes; its figures prove nothing.")] = False,
    rounds: Annotated[int | None, typer.Option(help="How many rounds the medians are of.")] = None,
    top: Annotated[int | None, typer.Option(help="How many referrals are published at once for the top rate.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How long a step at a fixed rate takes.")] = None,
    systems: Annotated[str | None, typer.Option(help="Which of real, reliable, bare; separated by commas.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the order, of persons and of desks.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for results.json, table.md and latencies.svg.")] = RESULTS,
) -> None:
    """Measure the real pipeline and the references, interleaved on one Kafka and one PostgreSQL."""
    chosen = QUICK if quick else FULL
    chosen = replace(
        chosen,
        rounds=rounds or chosen.rounds,
        top=top or chosen.top,
        seconds=seconds or chosen.seconds,
        seed=chosen.seed if seed is None else seed,
        systems=tuple(systems.split(",")) if systems else chosen.systems,
    )
    folder = Path(tempfile.mkdtemp(prefix="tsunagu-bench-"))
    try:
        found = measure(folder, chosen, lambda line: console.print(line, style="dim", highlight=False))
    finally:
        if not os.environ.get("TSUNAGU_TEST_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
    found.write(out / "results.json")
    (out / "latencies.svg").write_text(plot.latencies(found), encoding="utf-8")
    (out / "table.md").write_text(_markdown(found), encoding="utf-8")
    _show(found)
    console.print(f"{out / 'results.json'}, {out / 'table.md'}, {out / 'latencies.svg'}")


@app.command()
def probe(
    *,
    top: Annotated[int, typer.Option(help="How many referrals are published at once.")] = 1_500,
    rate: Annotated[float, typer.Option(help="The fixed rate that is looked at beside it.")] = 40.0,
    seconds: Annotated[float, typer.Option(help="How long the fixed rate is kept up.")] = 10.0,
    out: Annotated[Path, typer.Option(help="Folder for the samples, as folded stacks.")] = RESULTS / "probe",
) -> None:
    """Count the services' SQL statements per batch, and sample where their processor time goes (needs py-spy)."""
    chosen = replace(FULL, systems=("real",), top=top, fixed_rates=(rate,), seconds=seconds)
    folder = Path(tempfile.mkdtemp(prefix="tsunagu-bench-"))
    try:
        found = probing.probe(folder, out, chosen, lambda line: console.print(line, style="dim", highlight=False))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for each in found:
        console.rule(f"{each.name}: {each.referrals} referrals in {each.seconds:.1f} s")
        console.print(table.as_rich("statements", *probing.statement_rows(each)))
        console.print(table.as_rich("samples", *probing.group_rows(each)))
        for service in probing.SERVICES:
            console.print(table.as_rich("", *probing.costliest_rows(each, service)))
            if service in each.samples:
                console.print(table.as_rich("", *probing.function_rows(each, service)))


@app.command()
def soak(
    *,
    referrals: Annotated[int, typer.Option(help="How many referrals go through altogether.")] = 200_000,
    out: Annotated[Path, typer.Option(help="Folder for memory.md.")] = RESULTS,
) -> None:
    """Let many referrals through the real network, and show what memory its services hold meanwhile."""
    chosen = replace(FULL, systems=("real",))
    folder = Path(tempfile.mkdtemp(prefix="tsunagu-bench-"))
    try:
        found = soaking.soak(folder, chosen, referrals, lambda line: console.print(line, style="dim", highlight=False))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    heading, rows = soaking.memory_rows(found)
    out.mkdir(parents=True, exist_ok=True)
    (out / "memory.md").write_text(table.as_markdown(heading, rows), encoding="utf-8")
    console.print(table.as_rich("MiB resident", heading, rows))


@app.command("consent")
def of_consent(
    *,
    quick: Annotated[bool, typer.Option(help="A look in a minute; its figures prove nothing.")] = False,
    rounds: Annotated[int | None, typer.Option(help="How many rounds the medians are of.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for consent.json and consent.md.")] = RESULTS,
) -> None:
    """Measure decisions and releases over HTTP beside a bare SELECT, over few statements and over many."""
    chosen = deciding.QUICK if quick else deciding.FULL
    chosen = replace(chosen, rounds=rounds or chosen.rounds)
    folder = Path(tempfile.mkdtemp(prefix="tsunagu-bench-"))
    try:
        found = deciding.measure(folder, chosen, lambda line: console.print(line, style="dim", highlight=False))
    finally:
        if not os.environ.get("TSUNAGU_TEST_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
    found.write(out / "consent.json")
    (out / "consent.md").write_text(table.as_markdown(*decided.table(found)), encoding="utf-8")
    console.print(f"commit {found.commit[:12]}{' (changed)' if found.changed else ''}, {found.started}")
    console.print(", ".join(f"{name} {value}" for name, value in found.machine.items()))
    console.print(table.as_rich("consent over HTTP", *decided.table(found)))
    console.print(f"{out / 'consent.json'}, {out / 'consent.md'}")


@app.command()
def show(file: Path) -> None:
    """Print the tables of a result file."""
    _show(Run.read(file))


@app.command()
def compare(one: Path, other: Path) -> None:
    """Print the figures of two result files and their ratios."""
    console.print(table.as_rich(f"A = {one}, B = {other}", *ratios(Run.read(one), Run.read(other))))


def _show(found: Run) -> None:
    console.print(f"commit {found.commit[:12]}{' (changed)' if found.changed else ''}, {found.started}")
    console.print(", ".join(f"{name} {value}" for name, value in found.machine.items()))
    console.print("idle cores: " + ", ".join(f"{name} {cores:.3f}" for name, cores in found.idle_cores.items()))
    console.print(table.as_rich("top rate and cost", *table.rates(found)))
    console.print(table.as_rich("latency, publish to last notification", *table.latencies(found)))
    console.print(table.as_rich("memory", *table.memory(found)))


def _markdown(found: Run) -> str:
    parts = [table.rates(found), table.latencies(found), table.memory(found)]
    return "\n".join(table.as_markdown(*part) for part in parts)


if __name__ == "__main__":
    app()
