"""The network as processes on this machine: provisioned, started, watched, restarted, stopped."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.access import KafkaAccess, PostgresAccess
from deploy.blocking import run_blocking
from deploy.data_folder import DataFolder, NetworkSecrets
from deploy.demo import private_files
from deploy.demo.keys import agency_keys_file, make_keys
from deploy.embedded.ports import LOOPBACK, free_ports, ports_kept_in
from deploy.embedded.processes import ChildProcess
from deploy.provisioning.broker import provision_broker
from deploy.provisioning.databases import provision_databases
from services.runtime.migrate import upgrade
from tsunagu_contracts.topics import SERVICES, agency_principal

ISSUER = "issuer"
DEMO_NETWORK = Path(__file__).parent / "demo" / "network"
# Generous, because a machine may be busy with other things; an idle one needs 5 s.
READY_SECONDS = 120.0

Report = Callable[[str], None]
"""Called with the name of each process that has become ready."""


@dataclass(frozen=True)
class AgencyAccess:
    """What one agency's own system has in its hands: its Kafka login and where its private keys are."""

    agency_id: str
    kafka: KafkaAccess
    keys_file: Path


class EmbeddedNetwork:
    """Five services and the development issuer as processes on one Kafka and one PostgreSQL.

    Kafka and PostgreSQL belong to the caller, who starts them before and stops them after.
    """

    def __init__(
        self, data: DataFolder, kafka: KafkaAccess, postgres: PostgresAccess, *, files: Path = DEMO_NETWORK
    ) -> None:
        self.data = data
        self._kafka = kafka
        self._postgres = postgres
        self._files = files
        self.agency_ids = agency_ids(files)
        self._secrets = NetworkSecrets.load(
            data.secrets,
            kafka_users=[*SERVICES, *map(agency_principal, self.agency_ids)],
            postgres_roles=SERVICES,
        )
        self._databases: dict[str, PostgresAccess] = {}
        self._ports: dict[str, int] = {}
        self._processes: dict[str, ChildProcess] = {}

    def provision(self) -> None:
        """Bring keys, topics, users, permissions, databases, roles and tables into line; can be repeated."""
        make_keys(self.data.root, self.agency_ids)
        provision_broker(self._kafka, self.agency_ids, self._secrets.kafka_users)
        for agency_id in self.agency_ids:
            self._write_login(agency_id)
        self._databases = run_blocking(provision_databases(self._postgres, self._secrets.postgres_roles))
        for service in SERVICES:
            upgrade(service, self._databases[service].url)

    def start(self, report: Report = lambda name: None) -> None:
        """Start every process and return once all are ready; where one fails, all are stopped again."""
        names = [ISSUER, *SERVICES]
        self._ports = dict(zip(names, ports_kept_in(self.data.root / "ports.json", len(names)), strict=True))
        self._processes = {name: self._process(name, name) for name in names}
        try:
            if not self.data.known.exists():
                # The directory is ready once it has said the network, the others once they have heard what was
                # said before they came. Later starts find all of it in the databases and need not wait.
                self._processes["directory"].start()
                self.wait_ready("directory")
            for process in self._processes.values():
                if not process.alive:
                    process.start()
            for name in names:
                self.wait_ready(name)
                report(name)
            self.data.known.touch()
            self._write_run_file()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask every process to end, wait for all; the issuer goes last. Does nothing to what is not running."""
        _stop_side_by_side([process for name, process in self._processes.items() if name != ISSUER])
        if ISSUER in self._processes:
            self._processes[ISSUER].stop()
        self.data.run.unlink(missing_ok=True)

    @contextmanager
    def two_replicas(self) -> Iterator[Mapping[str, str]]:
        """A second process beside each service while the block lasts; gives the name of each service's second."""
        seconds = {service: f"{service}-2" for service in SERVICES}
        self._ports |= zip(seconds.values(), free_ports(len(seconds)), strict=True)
        self._processes |= {second: self._process(service, second) for service, second in seconds.items()}
        try:
            for second in seconds.values():
                self._processes[second].start()
            for second in seconds.values():
                self.wait_ready(second)
            yield seconds
        finally:
            _stop_side_by_side([self._processes.pop(second) for second in seconds.values()])
            for second in seconds.values():
                del self._ports[second]

    def restart(self, name: str) -> None:
        """Stop a process in order if it runs, start it again at its address, wait until it is ready."""
        self._processes[name].stop()
        self.revive(name)

    def kill(self, name: str) -> None:
        """End a process at once with SIGKILL; `revive` starts it again."""
        self._processes[name].kill()

    def revive(self, name: str) -> None:
        """Start a process that is not running and wait until it is ready."""
        self._processes[name].start()
        self.wait_ready(name)

    def revive_service(self, name: str) -> None:
        """Start a service that is not running and wait until it is alive; it may still have to catch up."""
        self._processes[name].start()
        url = f"{self.address(name)}/health/live"
        self._processes[name].wait_until(lambda: _answers_ok(url), seconds=READY_SECONDS)

    def ensure_running(self) -> list[str]:
        """Start whatever has been killed and wait until it is ready; returns the names."""
        dead = [name for name, process in self._processes.items() if not process.alive]
        for name in dead:
            self.revive(name)
        return dead

    def wait_ready(self, name: str, *, seconds: float = READY_SECONDS) -> None:
        """Return once a process answers that it is ready; InfrastructureError with its log's end if not in time."""
        path = "/.well-known/openid-configuration" if name == ISSUER else "/health/ready"
        url = f"{self.address(name)}{path}"
        self._processes[name].wait_until(lambda: _answers_ok(url), seconds=seconds)

    def address(self, name: str) -> str:
        """The HTTP address of a service or of the issuer."""
        return f"http://{LOOPBACK}:{self._ports[name]}"

    @property
    def addresses(self) -> dict[str, str]:
        """The HTTP address of every process."""
        return {name: self.address(name) for name in self._ports}

    @property
    def pids(self) -> dict[str, int]:
        """The id of every process that runs."""
        return {name: process.pid for name, process in self._processes.items() if process.pid is not None}

    @property
    def bootstrap(self) -> str:
        """Kafka's client address."""
        return self._kafka.bootstrap

    @property
    def kafka_admin(self) -> KafkaAccess:
        """Kafka as its administrator sees it, for tests and sweeps."""
        return self._kafka

    def log(self, name: str) -> Path:
        """A process's log."""
        return self.data.logs / f"{name}.log"

    def agency(self, agency_id: str) -> AgencyAccess:
        """What the system of one agency has; KeyError for an agency that the network does not know."""
        principal = agency_principal(agency_id)
        login = self._kafka.as_user(principal, self._secrets.kafka_users[principal])
        return AgencyAccess(agency_id, login, agency_keys_file(self.data.root, agency_id))

    def service_login(self, service: str) -> KafkaAccess:
        """A service's own Kafka login, for tests of what it may not do."""
        return self._kafka.as_user(service, self._secrets.kafka_users[service])

    def database(self, service: str) -> PostgresAccess:
        """A service's own database as its role sees it, for tests and sweeps."""
        return self._databases[service]

    def _process(self, service: str, name: str) -> ChildProcess:
        module = "deploy.issuer" if service == ISSUER else f"services.{service}"
        return ChildProcess(
            name,
            [sys.executable, "-m", module],
            self.log(name),
            self.data.marks / f"{name}.json",
            environment=self._environment(service, name),
        )

    def _environment(self, service: str, name: str) -> dict[str, str]:
        self.data.traces.mkdir(parents=True, exist_ok=True)
        common = {
            "TSUNAGU_DATA": str(self.data.root),
            "TSUNAGU_HTTP_HOST": LOOPBACK,
            "TSUNAGU_HTTP_PORT": str(self._ports[name]),
            "TSUNAGU_ISSUER_URL": self.address(ISSUER),
            "TSUNAGU_LOG_FILE": str(self.log(name)),
            "PYTHONUNBUFFERED": "1",
        }
        if service == ISSUER:
            return common
        own = {
            "TSUNAGU_DATABASE_URL": self._databases[service].url,
            "TSUNAGU_KAFKA_BOOTSTRAP": self._kafka.bootstrap,
            "TSUNAGU_KAFKA_USERNAME": service,
            "TSUNAGU_KAFKA_PASSWORD": self._secrets.kafka_users[service],
            "TSUNAGU_TRUST_FILE": str(self.data.trust),
            "TSUNAGU_TRACES_FILE": str(self.data.traces / f"{name}.jsonl"),
        }
        special = {
            "consent": {"TSUNAGU_KEYSTORE_DIR": str(self.data.keystore)},
            "directory": {"TSUNAGU_NETWORK_DIR": str(self._files)},
        }
        return common | own | special.get(service, {})

    def _write_login(self, agency_id: str) -> None:
        login = self.agency(agency_id).kafka
        content = {"bootstrap": login.bootstrap, "username": login.username, "password": login.password}
        private_files.replace(self.data.agency(agency_id) / "kafka.json", content, mode=0o600)

    def _write_run_file(self) -> None:
        content = {
            "http": self.addresses,
            "kafka": self.bootstrap,
            "postgres": {"host": self._postgres.host, "port": self._postgres.port},
            "pids": {"runner": os.getpid(), **self.pids},
        }
        private_files.replace(self.data.run, content)


def agency_ids(files: Path) -> list[str]:
    """The ids of all agencies in a network's organisation files (HSDS identifiers of the scheme `tsunagu`)."""
    return sorted(
        identifier["identifier"]
        for file in files.glob("*/organizations.json")
        for organisation in json.loads(file.read_text(encoding="utf-8"))
        for identifier in organisation["organization_identifiers"]
        if identifier["identifier_scheme"] == "tsunagu"
    )


def _stop_side_by_side(processes: Collection[ChildProcess]) -> None:
    """Stop services; each drains what it has in hand and none waits for another."""
    with ThreadPoolExecutor(max_workers=len(SERVICES)) as stopping:
        list(stopping.map(ChildProcess.stop, processes))


def _answers_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
