"""Kafka and PostgreSQL in containers, with the same settings as the embedded ones."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import docker
from confluent_kafka.admin import AdminClient
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from deploy.access import SCRAM, KafkaAccess, PostgresAccess
from deploy.data_folder import make_cluster_id
from deploy.embedded.kafka import ADMIN, KafkaSecrets, Listeners, render_properties, server_properties
from deploy.embedded.ports import free_ports

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"

# The image's own entry point knows no SCRAM users, so the broker is formatted and started by hand; its settings
# come after the start, because only a running container tells the address under which clients will find it.
START_KAFKA = f"""\
until [ -f /tmp/server.properties ]; do sleep 0.1; done
/opt/kafka/bin/kafka-storage.sh format --standalone -t "$CLUSTER" -c /tmp/server.properties \
  --add-scram "{SCRAM}=[name={ADMIN},password=$ADMIN_PASSWORD]" &&
exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties
"""


def images_at_hand() -> bool:
    """Whether Docker answers and has both images or can fetch them."""
    try:
        client = docker.from_env(timeout=120)
        client.ping()
        for image in _images():
            if not client.images.list(name=image):
                client.images.pull(image)
    except DockerException:
        return False
    return True


@contextmanager
def containers() -> Iterator[tuple[KafkaAccess, PostgresAccess]]:
    """One container of each, removed in the end."""
    with ExitStack() as stack:
        yield _kafka(stack), _postgres(stack)


def _images() -> tuple[str, str]:
    return (
        os.environ.get("TSUNAGU_TEST_KAFKA_IMAGE", KAFKA_IMAGE),
        os.environ.get("TSUNAGU_TEST_POSTGRES_IMAGE", POSTGRES_IMAGE),
    )


def _kafka(stack: ExitStack) -> KafkaAccess:
    # The same number inside and outside, because the broker has to tell clients the outside one.
    [port] = free_ports(1)
    passwords = KafkaSecrets(make_cluster_id(), secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    container = DockerContainer(_images()[0]).with_bind_ports(port, port)
    container.with_kwargs(entrypoint=["bash", "-c", START_KAFKA])
    container.with_env("CLUSTER", passwords.cluster_id).with_env("ADMIN_PASSWORD", passwords.admin_password)
    stack.enter_context(container)
    host = container.get_container_host_ip()
    listeners = Listeners(port, 19093, 19094, advertised=host, bound="0.0.0.0")  # noqa: S104 - in the container
    properties = server_properties(listeners, passwords, "/tmp/kafka-data")  # noqa: S108 - in the container
    container.copy_into_container(render_properties(properties).encode(), "/tmp/given")  # noqa: S108
    # Renamed when it is whole, so that half of it is never taken.
    container.exec(["mv", "/tmp/given", "/tmp/server.properties"])  # noqa: S108
    access = KafkaAccess(f"{host}:{port}", ADMIN, passwords.admin_password)
    AdminClient(access.librdkafka()).list_topics(timeout=90)
    return access


def _postgres(stack: ExitStack) -> PostgresAccess:
    password = secrets.token_urlsafe(24)
    container = DockerContainer(_images()[1]).with_env("POSTGRES_PASSWORD", password).with_exposed_ports(5432)
    # The first start sets up and stops again; only the second one stays.
    container.waiting_for(LogMessageWaitStrategy("database system is ready to accept connections", times=2))
    stack.enter_context(container)
    port = int(container.get_exposed_port(5432))
    return PostgresAccess(container.get_container_host_ip(), port, "postgres", password, "postgres")
