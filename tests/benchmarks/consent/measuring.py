"""The run: a `consent` process and the reference on one PostgreSQL, asked in turns, at one size and then the other."""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.data_folder import DataFolder
from deploy.embedded.ports import free_ports
from deploy.embedded.processes import ChildProcess
from deploy.network import EmbeddedNetwork
from deploy.provisioning.databases import connect, drop_database, provision_databases
from tests.benchmarks.consent.filling import DESK, STATEMENTS_EACH, Openable, fill, referral_of
from tests.benchmarks.consent.load import Target, ask
from tests.benchmarks.consent.results import ASKED, DECISION, RELEASE, SELECT, Run, Step
from tests.benchmarks.measuring import commit, machine
from tests.benchmarks.results import percentile
from tests.benchmarks.usage import usage
from tests.builders.agency_messages import IDS
from tests.infra.infrastructure import Infrastructure, infrastructure
from tsunagu_contracts.assertions import sign_assertion

Report = Callable[[str], None]
_READY_SECONDS = 60.0
_TOKEN_SECONDS = 60.0
_REFERENCE = "bench_reference"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run can be told; its results repeat all of it."""

    rounds: int = 5
    seconds: float = 4.0
    warm_up: float = 2.0
    callers: int = 8
    sizes: tuple[int, ...] = (10_000, 1_000_000)
    seed: int = 20_261_128


FULL = Settings()
"""What `make bench` measures."""

QUICK = Settings(rounds=1, seconds=2.0, warm_up=1.0, sizes=(10_000, 100_000))
"""A look while developing; its figures prove nothing."""


class Bench:
    """The two processes, and what they are asked."""

    def __init__(self, infra: Infrastructure, folder: Path, settings: Settings) -> None:
        self._infra = infra
        self._folder = folder
        self._settings = settings
        self._random = random.Random(settings.seed)
        self._network = EmbeddedNetwork(DataFolder(folder / "network"), infra.kafka, infra.postgres)
        self._network.provision()
        self._processes: dict[str, ChildProcess] = {}
        self._ports: dict[str, int] = {}
        self._openable: list[Openable] = []
        self._filled = 0
        self._token = ("", 0.0)

    def grow(self, statements: int) -> None:
        """Stop both, fill the database up to so many statements, give the reference a copy, start both."""
        self.stop()
        admin, consent = self._infra.postgres, self._network.database("consent")
        found = run_blocking(fill(admin, consent, self._network.data.keystore, self._filled, statements))
        self._openable = found or self._openable
        self._filled = statements
        copied = run_blocking(_copy(admin, consent))
        self._ports = dict(zip(("consent", _REFERENCE), free_ports(2), strict=True))
        for name, module in (("consent", "services.consent"), (_REFERENCE, "tests.benchmarks.consent.reference")):
            self._processes[name] = ChildProcess(
                name,
                [sys.executable, "-m", module],
                self._folder / f"{name}.log",
                self._network.data.marks / f"{name}.json",
                environment=self._environment(name, consent if name == "consent" else copied),
            )
            self._processes[name].start()
        for name, process in self._processes.items():
            process.wait_until(partial(self._answers, name), seconds=_READY_SECONDS)

    def stop(self) -> None:
        """End both processes."""
        for process in self._processes.values():
            process.stop()

    def step(self, asked: str, number: int, seconds: float) -> Step:
        """Ask for so long and say what came of it."""
        name = _REFERENCE if asked == SELECT else "consent"
        pids = self._pids(name)
        before = usage(pids, families=("postgres",))
        answered = asyncio.run(ask(self._target(asked, name), callers=self._settings.callers, seconds=seconds))
        spent = usage(pids, families=("postgres",)).cpu_since(before)
        count = len(answered.latencies)
        return Step(
            asked=asked,
            statements=self._filled,
            round=number,
            requests=count,
            rate=count / answered.duration,
            p50_ms=percentile(answered.latencies, 0.5) * 1000,
            p99_ms=percentile(answered.latencies, 0.99) * 1000,
            cpu_ms={name: each * 1000 / count for name, each in spent.items()},
        )

    def _target(self, asked: str, name: str) -> Target:
        port = self._ports[name]
        if asked == RELEASE:
            return Target(port, "/releases", self._caller, self._section, lambda: {"Idempotency-Key": IDS.new()})
        return Target(port, "/decisions" if asked == DECISION else "/select", self._caller, self._referral)

    def _section(self) -> Mapping[str, str]:
        return asdict(self._random.choice(self._openable))

    def _referral(self) -> Mapping[str, str]:
        return {"referral_id": referral_of(self._random.randint(1, self._filled // STATEMENTS_EACH))}

    def _caller(self) -> str:
        token, until = self._token
        if time.monotonic() > until:
            now = datetime.now(UTC)
            token = sign_assertion(DESK.id, f"coordinator:{DESK.coordinator}", DESK.signing, now=now, ids=IDS)
            self._token = (token, time.monotonic() + _TOKEN_SECONDS)
        return token

    def _environment(self, name: str, database: PostgresAccess) -> dict[str, str]:
        """What `make run` gives to `consent`; nobody signs in here, so that there is no issuer."""
        login = self._network.service_login("consent")
        return {
            "TSUNAGU_DATABASE_URL": database.url,
            "TSUNAGU_KAFKA_BOOTSTRAP": login.bootstrap,
            "TSUNAGU_KAFKA_USERNAME": login.username,
            "TSUNAGU_KAFKA_PASSWORD": login.password,
            "TSUNAGU_HTTP_PORT": str(self._ports[name]),
            "TSUNAGU_ISSUER_URL": "http://127.0.0.1:1",
            "TSUNAGU_LOG_FILE": str(self._folder / f"{name}.log"),
            "TSUNAGU_TRUST_FILE": str(self._network.data.trust),
            "TSUNAGU_TRACES_FILE": str(self._folder / f"{name}.traces.jsonl"),
            "TSUNAGU_KEYSTORE_DIR": str(self._network.data.keystore),
        }

    def _answers(self, name: str) -> bool:
        try:
            asyncio.run(ask(self._target(SELECT if name == _REFERENCE else DECISION, name), callers=1, seconds=0.1))
        except OSError:
            return False
        return True

    def _pids(self, name: str) -> dict[str, int]:
        embedded = self._infra.embedded
        postgres = embedded.server.process.pid if embedded else None
        found = {"python": self._processes[name].pid, "postgres": postgres}
        return {name: pid for name, pid in found.items() if pid is not None}


def measure(folder: Path, settings: Settings, report: Report) -> Run:
    """Measure every step in every round at every size, what is asked in another order each time."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    order = random.Random(settings.seed)
    steps: list[Step] = []
    with infrastructure(folder / "infra") as infra:
        bench = Bench(infra, folder, settings)
        try:
            for statements in settings.sizes:
                report(f"filling up to {statements:,} statements")
                bench.grow(statements)
                for asked in ASKED:
                    bench.step(asked, 0, settings.warm_up)
                for number in range(1, settings.rounds + 1):
                    for asked in order.sample(ASKED, len(ASKED)):
                        found = bench.step(asked, number, settings.seconds)
                        report(
                            f"round {number} {asked:9} over {statements:,}: {found.rate:7.1f}/s "
                            f"p50 {found.p50_ms:6.2f} p99 {found.p99_ms:7.2f} ms"
                        )
                        steps.append(found)
        finally:
            bench.stop()
    hash_, changed = commit()
    return Run(
        commit=hash_, changed=changed, started=started, machine=machine(), settings=asdict(settings), steps=steps
    )


async def _copy(admin: PostgresAccess, consent: PostgresAccess) -> PostgresAccess:
    """Copy `consent`'s database for the reference, under a role of its own: a role may enter its own database only."""
    await drop_database(admin, _REFERENCE)
    copied = (await provision_databases(admin, {_REFERENCE: secrets.token_urlsafe(12)}))[_REFERENCE]
    async with connect(admin) as connection:
        await connection.execute(f"DROP DATABASE {_REFERENCE}")
        await connection.execute(
            f"CREATE DATABASE {_REFERENCE} OWNER {_REFERENCE} TEMPLATE {consent.database} STRATEGY FILE_COPY"
        )
    async with connect(admin.as_role(admin.username, admin.password, _REFERENCE)) as connection:
        for things in ("TABLES", "SEQUENCES"):
            await connection.execute(f"GRANT ALL ON ALL {things} IN SCHEMA public TO {_REFERENCE}")
    return copied
