"""The two references as systems: topics, a login and databases of their own, five processes each."""

from __future__ import annotations

import base64
import json
import random
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from deploy.access import KafkaAccess, PostgresAccess
from deploy.blocking import run_blocking
from deploy.embedded.processes import ChildProcess
from deploy.provisioning.broker import TopicPlan, make_topics, set_users
from deploy.provisioning.databases import connect, provision_databases
from tests.benchmarks.load import Outgoing
from tests.benchmarks.reference import bare, reliable
from tests.benchmarks.reference.hops import HOPS, NOTIFICATIONS, PERSONS, SENDERS, TOPICS, outbound
from tests.benchmarks.settings import Settings

MANIFEST_BYTES, BODY_BYTES = 5_200, 1_350
"""As large as those of the real network's referrals in this benchmark: four bodies make a message of 11 kB."""

_TABLES = {"bare": bare.TABLES, "reliable": reliable.TABLES}
_USER = "bench"


class Reference:
    """One reference: `bare` or `reliable`."""

    def __init__(
        self, name: str, folder: Path, kafka: KafkaAccess, postgres: PostgresAccess, settings: Settings
    ) -> None:
        self.name = name
        self.notifications = f"bench.{name}.{NOTIFICATIONS}"
        self._folder = folder / name
        self._kafka = kafka
        self._login = kafka.as_user(_USER, secrets.token_urlsafe(24))
        self._postgres = postgres
        self._settings = settings
        self._random = random.Random(f"{settings.seed} {name}")
        self._sent = 0
        self._processes: dict[str, ChildProcess] = {}

    def start(self) -> None:
        """Make topics, login and databases, then start the five processes."""
        self._provision_kafka()
        roles = {f"bench_{self.name}_{hop.service}": secrets.token_urlsafe(12) for hop in HOPS}
        databases = run_blocking(provision_databases(self._postgres, roles))
        run_blocking(self._make_tables(databases))
        for hop in HOPS:
            ready = self._folder / f"{hop.name}.ready"
            ready.unlink(missing_ok=True)
            process = ChildProcess(
                f"{self.name} {hop.name}",
                [sys.executable, "-m", "tests.benchmarks.reference", hop.name, str(ready)],
                self._folder / f"{hop.name}.log",
                self._folder / f"{hop.name}.json",
                environment=self._environment(databases[f"bench_{self.name}_{hop.service}"]),
            )
            process.start()
            self._processes[hop.name] = process
        for name, process in self._processes.items():
            process.wait_until((self._folder / f"{name}.ready").exists, seconds=60)

    def stop(self) -> None:
        """End the processes."""
        for process in self._processes.values():
            process.stop()

    def prepare(self, count: int) -> Sequence[Outgoing]:
        """Make referrals of the real ones' size, of persons who have a standing consent."""
        return [self._referral() for _ in range(count)]

    def referral_of(self, notification: bytes) -> str | None:
        """The referral that a notification tells of."""
        return str(json.loads(notification)["referral_id"])

    @property
    def pids(self) -> Mapping[str, int]:
        """The five processes."""
        return {name: process.pid for name, process in self._processes.items() if process.pid is not None}

    @property
    def services(self) -> Mapping[str, str]:
        """Whose work each process does."""
        return {hop.name: hop.service for hop in HOPS}

    def _referral(self) -> Outgoing:
        number, self._sent = self._sent, self._sent + 1
        sender = number % SENDERS
        referral_id = f"{self._random.getrandbits(128):032x}"
        message = {
            "referral_id": referral_id,
            "sender": f"clinic-{sender}",
            "addressee": f"desk-{number % 11}",
            "person": f"person-{number // self._settings.referrals_per_person % PERSONS}",
            "manifest": self._text(MANIFEST_BYTES),
            "bodies": {f"section-{each}": self._text(BODY_BYTES) for each in range(4)},
        }
        return Outgoing(
            login=self._login,
            topic=f"bench.{self.name}.{outbound(sender)}",
            referral_id=referral_id,
            value=json.dumps(message).encode(),
            traceparent=f"00-{self._random.getrandbits(128):032x}-{self._random.getrandbits(64):016x}-01",
            notifications=1,
        )

    def _text(self, length: int) -> str:
        """Text that compresses as badly as what is sealed and signed."""
        return base64.urlsafe_b64encode(self._random.randbytes(length * 3 // 4)).decode()

    def _provision_kafka(self) -> None:
        client = AdminClient(self._kafka.librdkafka())
        make_topics(client, [TopicPlan(f"bench.{self.name}.{topic}", count, 1) for topic, count in TOPICS.items()])
        user = f"{_USER}.{self.name}"
        self._login = self._kafka.as_user(user, self._login.password)
        set_users(client, {user: self._login.password})
        wanted = [
            AclBinding(
                kind, f"bench.{self.name}.", ResourcePatternType.PREFIXED, f"User:{user}", "*", operation,
                AclPermissionType.ALLOW,
            )
            for kind, operation in (
                (ResourceType.TOPIC, AclOperation.READ),
                (ResourceType.TOPIC, AclOperation.WRITE),
                (ResourceType.GROUP, AclOperation.READ),
            )
        ]  # fmt: skip
        for made in client.create_acls(wanted).values():
            made.result(timeout=20)

    async def _make_tables(self, databases: Mapping[str, PostgresAccess]) -> None:
        for hop in HOPS:
            async with connect(databases[f"bench_{self.name}_{hop.service}"]) as connection:
                await _execute(connection, hop.tables, _TABLES[self.name])

    def _environment(self, database: PostgresAccess) -> dict[str, str]:
        return {
            "BENCH_KIND": self.name,
            "BENCH_BOOTSTRAP": self._login.bootstrap,
            "BENCH_USERNAME": self._login.username,
            "BENCH_PASSWORD": self._login.password,
            "BENCH_POSTGRES_HOST": database.host,
            "BENCH_POSTGRES_PORT": str(database.port),
            "BENCH_DATABASE": database.database,
            "BENCH_DATABASE_PASSWORD": database.password,
        }


async def _execute(connection: asyncpg.Connection[asyncpg.Record], *statements: str) -> None:
    for statement in statements:
        if statement.strip():
            await connection.execute(statement)
