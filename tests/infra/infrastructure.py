"""Which Kafka and PostgreSQL the tests use: those named in the environment, containers, embedded ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from deploy.access import KafkaAccess, PostgresAccess
from deploy.data_folder import DataFolder
from deploy.embedded.infrastructure import EmbeddedInfrastructure
from tests.infra.containers import containers, images_at_hand
from tests.infra.servers import Servers, embedded_servers

KAFKA_VARIABLES = (
    "TSUNAGU_TEST_KAFKA_BOOTSTRAP",
    "TSUNAGU_TEST_KAFKA_USERNAME",
    "TSUNAGU_TEST_KAFKA_PASSWORD",
)
POSTGRES_VARIABLE = "TSUNAGU_TEST_POSTGRES_URL"
CHOICE_VARIABLE = "TSUNAGU_TEST_INFRA"


@dataclass
class Infrastructure:
    """One Kafka and one PostgreSQL, both as their administrators see them.

    `servers` are there only where this run started them itself, `embedded` only where it did so without containers;
    tests that kill a server, or look at its files and process, skip without.
    """

    kafka: KafkaAccess
    postgres: PostgresAccess
    origin: str
    servers: Servers | None = None
    embedded: EmbeddedInfrastructure | None = None


@contextmanager
def infrastructure(folder: Path) -> Iterator[Infrastructure]:
    """The first that is to be had; TSUNAGU_TEST_INFRA=environment|containers|embedded asks for one of them."""
    choice = os.environ.get(CHOICE_VARIABLE)
    named = all(os.environ.get(name) for name in (*KAFKA_VARIABLES, POSTGRES_VARIABLE))
    if choice == "environment" or (choice is None and named):
        yield _from_environment()
    elif choice == "containers" or (choice is None and images_at_hand()):
        with containers(folder) as (kafka, postgres, servers):
            yield Infrastructure(kafka, postgres, "containers", servers)
    else:
        with EmbeddedInfrastructure(DataFolder(folder)) as embedded:
            servers = embedded_servers(embedded)
            yield Infrastructure(embedded.kafka, embedded.postgres, "embedded", servers, embedded)


def _from_environment() -> Infrastructure:
    bootstrap, username, password = (os.environ[name] for name in KAFKA_VARIABLES)
    url = make_url(os.environ[POSTGRES_VARIABLE])
    # A Unix socket's folder stands in the query, a host name in its place or there.
    host, port = (str(url.query.get(name, "")) for name in ("host", "port"))
    postgres = PostgresAccess(
        host=url.host or host or "localhost",
        port=url.port or int(port or 5432),
        username=url.username or "postgres",
        password=str(url.password or ""),
        database=url.database or "postgres",
    )
    return Infrastructure(KafkaAccess(bootstrap, username, password), postgres, "environment")
