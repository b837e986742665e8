"""The one folder in which a network on this machine keeps everything, and the passwords in it."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.demo import private_files
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.kafka import KafkaSecrets

DEFAULT = ".tsunagu"
LOCK = "lock"


@dataclass(frozen=True)
class DataFolder:
    """Where things are below the data folder; `make clean` removes all of it."""

    root: Path

    @classmethod
    def from_environment(cls) -> DataFolder:
        """TSUNAGU_DATA, otherwise `.tsunagu` where the program was started."""
        return cls(Path(os.environ.get("TSUNAGU_DATA") or DEFAULT).resolve())

    @property
    def kafka(self) -> Path:
        """The broker's state."""
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        """The database server's state."""
        return self.root / "postgres"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"

    @property
    def traces(self) -> Path:
        """One file of spans per process."""
        return self.root / "traces"

    @property
    def marks(self) -> Path:
        """One file per running process, by which a later start finds what a crash left behind."""
        return self.root / "processes"

    @property
    def keystore(self) -> Path:
        """Keys that only `consent` reads."""
        return self.root / "consent" / "keystore"

    @property
    def trust(self) -> Path:
        """Public keys that everybody trusts."""
        return self.root / "network" / "trust.json"

    @property
    def known(self) -> Path:
        """Exists once every service has heard of the network's agencies."""
        return self.root / "network" / "known"

    @property
    def secrets(self) -> Path:
        """Passwords, readable by their owner only."""
        return self.root / "secrets.json"

    @property
    def run(self) -> Path:
        """Addresses and process ids of the running network, for other programs of the same user."""
        return self.root / "run.json"

    def agency(self, agency_id: str) -> Path:
        """What one agency's own system has: its keys and its Kafka login."""
        return self.root / "agencies" / agency_id

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the folder for this program alone; InfrastructureError where another one has it.

        The system lets go of it whenever the program ends, however it ends.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InfrastructureError(
                    f"別の `make run` が {self.root} を使っています。先にそれを Ctrl-C で止めてください。 / "
                    f"Another run is using {self.root}; stop it first (Ctrl-C there)."
                ) from None
            yield


@dataclass(frozen=True)
class NetworkSecrets:
    """Every password of a network: random, made once, kept in one file."""

    kafka: KafkaSecrets
    postgres_admin: str
    kafka_users: Mapping[str, str]
    postgres_roles: Mapping[str, str]

    @classmethod
    def load(cls, file: Path, *, kafka_users: Iterable[str] = (), postgres_roles: Iterable[str] = ()) -> NetworkSecrets:
        """Read the file and add what is missing in it; each name keeps the password that it has."""
        content = private_files.read(file) if file.exists() else {}
        kept = {name: str(value) for name, value in content.items()}
        wanted = [
            "kafka.admin",
            "kafka.broker",
            "postgres.admin",
            *(f"kafka.user.{name}" for name in kafka_users),
            *(f"postgres.role.{name}" for name in postgres_roles),
        ]
        complete = {
            "kafka.cluster_id": make_cluster_id(),
            **{name: secrets.token_urlsafe(24) for name in wanted},
            **kept,
        }
        if complete != kept:
            private_files.replace(file, complete, mode=0o600)
        return cls(
            KafkaSecrets(complete["kafka.cluster_id"], complete["kafka.admin"], complete["kafka.broker"]),
            complete["postgres.admin"],
            _below("kafka.user.", complete),
            _below("postgres.role.", complete),
        )


def make_cluster_id() -> str:
    """Random, as Kafka writes it: 16 bytes in URL-safe base64 that do not start with a dash."""
    while (made := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")).startswith("-"):
        pass
    return made


def _below(prefix: str, content: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in content.items() if name.startswith(prefix)}
