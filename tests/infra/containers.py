"""Kafka and PostgreSQL in containers, with the same settings as the embedded ones.

`python -m tests.infra.containers` fetches the images, or says what is in the way.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from deploy.access import SCRAM, KafkaAccess, PostgresAccess
from deploy.blocking import run_blocking
from deploy.data_folder import make_cluster_id
from deploy.embedded import kafka, postgres
from deploy.embedded.errors import InfrastructureError
from deploy.embedded.ports import LOOPBACK, free_ports, port_answers
from deploy.provisioning.databases import answers
from tests.infra.servers import Server, Servers

KAFKA_IMAGE = ("TSUNAGU_TEST_KAFKA_IMAGE", "apache/kafka:4.3.1")
POSTGRES_IMAGE = ("TSUNAGU_TEST_POSTGRES_IMAGE", "postgres:18")
"""The setting that names another image, and the public one that is taken without it."""

RUN_LABEL = "tsunagu.test-run"
"""On every container: the machine and the folder of the run that it belongs to."""

# The image's own entry point knows no SCRAM users, so the broker is formatted and started by hand; its settings
# come after the start, because only a running container tells the address under which clients will find it.
SETTINGS = "/tmp/server.properties"  # noqa: S108 - in the container
COMPLETE = "/tmp/settings-are-complete"  # noqa: S108 - in the container
DATA = "/tmp/kafka-data"  # noqa: S108 - in the container
START_KAFKA = f"""\
until [ -f {COMPLETE} ]; do sleep 0.1; done
[ -f {DATA}/meta.properties ] || /opt/kafka/bin/kafka-storage.sh format --standalone -t "$CLUSTER" -c {SETTINGS} \
  --add-scram "{SCRAM}=[name={kafka.ADMIN},password=$ADMIN_PASSWORD]" &&
exec /opt/kafka/bin/kafka-server-start.sh {SETTINGS}
"""


def images_at_hand() -> bool:
    """Whether Docker answers and has both images or can fetch them."""
    try:
        docker_with_images()
    except InfrastructureError:
        return False
    return True


def docker_with_images() -> DockerClient:
    """Docker with both images in it, missing ones fetched; InfrastructureError says what is in the way."""
    try:
        docker = DockerClient(timeout=120)
        docker.client.ping()
    except DockerException as error:
        raise InfrastructureError(
            "Docker が答えません。起動するか、DOCKER_HOST に所在を書いてください。 / "
            f"Docker does not answer: start it, or say in DOCKER_HOST where it is.\n{error}"
        ) from error
    for setting, _ in (KAFKA_IMAGE, POSTGRES_IMAGE):
        image = image_of(setting)
        try:
            _fetch(docker, image)
        except DockerException as error:
            raise InfrastructureError(
                f"イメージ {image} を取得できません。{setting} に別の名を書けます（deploy/containers/README.md）。 / "
                f"Docker cannot fetch {image}; {setting} may name another (deploy/containers/README.md).\n{error}"
            ) from error
    try:
        _fetch(docker, testcontainers_config.ryuk_image)
    except DockerException:
        # testcontainers' reaper removes what a killed run leaves behind; without it the next run does so.
        testcontainers_config.ryuk_disabled = True
    return docker


def image_of(setting: str) -> str:
    """The image that a setting names, or the public one."""
    return os.environ.get(setting) or dict((KAFKA_IMAGE, POSTGRES_IMAGE))[setting]


@contextmanager
def containers(folder: Path) -> Iterator[tuple[KafkaAccess, PostgresAccess, Servers]]:
    """One container of each, removed in the end; while this folder is there, no other run takes them for left over."""
    forget_dead_containers(docker_with_images())
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        label = f"{socket.gethostname()}:{folder}"
        postgres_access, database = _postgres(stack, label)
        kafka_access, broker = _kafka(stack, label, host=postgres_access.host)
        yield kafka_access, postgres_access, Servers(broker, database)


def forget_dead_containers(docker: DockerClient) -> None:
    """Remove the containers of this machine's runs whose folder is gone."""
    for container in docker.client.containers.list(all=True, filters={"label": RUN_LABEL}):
        machine, _, folder = container.labels[RUN_LABEL].partition(":")
        if machine == socket.gethostname() and not Path(folder).exists():
            container.remove(force=True, v=True)


def _fetch(docker: DockerClient, image: str) -> None:
    if not docker.client.images.list(name=image):
        docker.client.images.pull(image)


def _postgres(stack: ExitStack, label: str) -> tuple[PostgresAccess, Server]:
    container, port = _published(POSTGRES_IMAGE[0])
    password = secrets.token_urlsafe(24)
    container.with_envs(POSTGRES_PASSWORD=password, POSTGRES_INITDB_ARGS="--encoding=UTF8 --no-locale")
    # The port by the environment, because the image's entry point starts the server first for itself.
    container.with_env("PGPORT", str(port)).with_kwargs(labels={RUN_LABEL: label})
    settings = {name: value for name, value in postgres.SETTINGS.items() if name not in ("listen_addresses", "port")}
    container.with_command(["postgres", *(word for each in settings.items() for word in ("-c", "=".join(each)))])
    stack.enter_context(container)
    access = PostgresAccess(_host(container, port), port, postgres.ADMIN, password, postgres.ADMIN)
    server = _server(container, lambda: run_blocking(answers(access)))
    return access, server


def _kafka(stack: ExitStack, label: str, *, host: str) -> tuple[KafkaAccess, Server]:
    container, port = _published(KAFKA_IMAGE[0])
    passwords = kafka.KafkaSecrets(make_cluster_id(), secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    container.with_envs(CLUSTER=passwords.cluster_id, ADMIN_PASSWORD=passwords.admin_password)
    container.with_kwargs(entrypoint=["bash", "-c", START_KAFKA], labels={RUN_LABEL: label})
    stack.enter_context(container)
    listeners = kafka.Listeners(port, 19093, 19094, advertised=host, bound="0.0.0.0")  # noqa: S104 - in the container
    settings = kafka.render_properties(kafka.server_properties(listeners, passwords, DATA))
    container.copy_into_container(settings.encode(), SETTINGS)
    # A file of its own, so that half of the settings is never taken; the image's user could not rename ours.
    container.copy_into_container(b"", COMPLETE)
    access = KafkaAccess(f"{host}:{port}", kafka.ADMIN, passwords.admin_password)
    return access, _server(container, lambda: kafka.answers(access))


def _published(setting: str) -> tuple[DockerContainer, int]:
    """A container with one port: the same inside and outside, and the same after a restart."""
    [port] = free_ports(1)
    return DockerContainer(image_of(setting)).with_bind_ports(port, port), port


def _host(container: DockerContainer, port: int) -> str:
    """Where published ports are reached.

    testcontainers takes the bridge's gateway wherever there is a file /.dockerenv, also where Docker runs beside us.
    """
    hosts = (container.get_container_host_ip(), LOOPBACK)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for host in hosts:
            if port_answers(f"{host}:{port}"):
                return host
    raise InfrastructureError(f"port {port} of a container is reached at neither of {hosts}")


def _server(container: DockerContainer, ready: Callable[[], bool], *, seconds: float = 180.0) -> Server:
    """A server that has just been started; returns once it is ready."""
    inner = container.get_wrapped_container()

    def wait() -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            inner.reload()
            if inner.status == "exited" or time.monotonic() > deadline:
                log = inner.logs(tail=20).decode(errors="replace")
                raise InfrastructureError(f"{container.image} {inner.status}, not ready; its log ends:\n{log}")
            time.sleep(0.1)

    def start() -> None:
        inner.start()
        wait()

    wait()
    return Server(inner.kill, start)


if __name__ == "__main__":
    try:
        docker_with_images()
    except InfrastructureError as error:
        sys.exit(str(error))
    sys.stdout.write(f"▸ コンテナー / containers: {image_of(KAFKA_IMAGE[0])}, {image_of(POSTGRES_IMAGE[0])}\n")
