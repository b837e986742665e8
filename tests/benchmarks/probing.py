"""A look inside the real services under load: statements per batch, and where their processor time goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import profiles, statements
from tests.benchmarks.measuring import Report, bench
from tests.benchmarks.real import RealNetwork
from tests.benchmarks.settings import Settings
from tests.benchmarks.statements import Statements
from tests.benchmarks.table import Rows

SERVICES = ("referral", "consent", "notify", "audit")


@dataclass(frozen=True, slots=True)
class Probe:
    """What was seen at one rate (None: the top): statements by service, and files of samples by service."""

    name: str
    referrals: int
    seconds: float
    statements: dict[str, Statements]
    samples: dict[str, Path]


def probe(folder: Path, out: Path, settings: Settings, report: Report) -> list[Probe]:
    """Look at the top and at the first fixed rate: statements first, then samples, for the log slows things down."""
    chosen = (
        ("top", None, settings.top),
        ("fixed", settings.fixed_rates[0], settings.count_at(settings.fixed_rates[0])),
    )
    found: list[Probe] = []
    with bench(folder, settings, report) as made:
        made.step(RealNetwork.name, 0, "warm-up", settings.warm_up, None)
        for name, rate, count in chosen:
            log = folder / "infra" / "logs" / "postgres.log"
            messages = made.ready(RealNetwork.name, count)
            with statements.logged(made.infra.postgres, log) as logged:
                made.passage(RealNetwork.name, messages, rate)
            report(f"{name}: statements counted")
            messages = made.ready(RealNetwork.name, count)
            pids = {each: made.systems[RealNetwork.name].pids[each] for each in SERVICES}
            seconds = count / rate if rate else max(5.0, count / 100)
            with profiles.profiled(pids, out / name, seconds) as files:
                passage = made.passage(RealNetwork.name, messages, rate)
            report(f"{name}: sampled")
            found.append(Probe(name, count, passage.duration, logged, files))
    return found


def statement_rows(found: Probe) -> tuple[list[str], Rows]:
    """Heading and rows: for each service its batches, statements per batch, time in PostgreSQL per referral."""
    heading = ["service", "batches", "statements", "per batch", "SQL ms per referral"]
    rows: Rows = []
    for service in SERVICES:
        seen = found.statements.get(service, Statements())
        per_batch = seen.runs / seen.batches if seen.batches else float("nan")
        rows.append(
            [service, str(seen.batches), str(seen.runs), f"{per_batch:.1f}", f"{seen.ms / found.referrals:.3f}"]
        )
    return heading, rows


def costliest_rows(found: Probe, service: str, count: int = 12) -> tuple[list[str], Rows]:
    """Heading and rows of the statements on which a service spends most."""
    heading = [f"{service}: statement", "runs", "ms each", "ms per referral"]
    rows: Rows = []
    for text, seen in found.statements.get(service, Statements()).costliest(count):
        each = seen.ms / seen.runs if seen.runs else seen.ms
        rows.append([text[:90], str(seen.runs), f"{each:.2f}", f"{seen.ms / found.referrals:.3f}"])
    return heading, rows


def group_rows(found: Probe) -> tuple[list[str], Rows]:
    """Heading and rows of each service's samples by group, as shares."""
    services = [service for service in SERVICES if service in found.samples]
    counted = {service: profiles.groups(found.samples[service]) for service in services}
    names = [name for name, _ in sum(counted.values(), Counter[str]()).most_common()]
    rows = [
        [name, *(f"{counted[service][name] / max(1, counted[service].total()):.0%}" for service in services)]
        for name in names
    ]
    return ["CPU in", *services], rows


def function_rows(found: Probe, service: str, count: int = 25) -> tuple[list[str], Rows]:
    """Heading and rows of our functions that are on the stack most often, as shares of the service's samples."""
    file = found.samples[service]
    total = max(1, profiles.groups(file).total())
    rows = [[name, f"{seen / total:.0%}"] for name, seen in profiles.functions(file).most_common(count)]
    return [f"{service}: function", "of its CPU"], rows
