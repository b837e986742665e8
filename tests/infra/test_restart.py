from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor, wait

import httpx
import psutil
import pytest

from deploy.embedded.infrastructure import EmbeddedInfrastructure
from deploy.network import EmbeddedNetwork
from deploy.provisioning.databases import connect
from tests.infra.databases import MakeDatabase
from tests.infra.infrastructure import Infrastructure
from tests.infra.kafka_clients import read_last, write
from tests.infra.servers import Servers
from tsunagu_contracts.topics import SERVICES, agency_outbound

pytestmark = pytest.mark.faults


@pytest.fixture
def servers(infra: Infrastructure) -> Servers:
    """The run's own Kafka and PostgreSQL; skipped where they belong to somebody else."""
    if infra.servers is None:
        pytest.skip(f"the infrastructure is not ours to stop: {infra.origin}")
    return infra.servers


@pytest.fixture
def embedded(infra: Infrastructure) -> EmbeddedInfrastructure:
    """The run's own Kafka and PostgreSQL as processes of this machine; skipped where they are not."""
    if infra.embedded is None:
        pytest.skip(f"no files or processes of ours: {infra.origin}")
    return infra.embedded


def test_kafka_keeps_everything_over_a_restart(servers: Servers, network: EmbeddedNetwork) -> None:
    """A broker that is killed and started again has its records, logins and address; services find back to it."""
    agency = network.agency(network.agency_ids[-1])
    topic = agency_outbound(agency.agency_id)
    write(agency.kafka, topic, b'{"kept":true}')
    servers.broker.kill()
    servers.broker.start()
    assert read_last(network.service_login("referral"), topic, group="referral") == b'{"kept":true}'
    for service in SERVICES:
        network.wait_ready(service)


def test_a_service_that_starts_while_kafka_is_away_waits_for_it(servers: Servers, network: EmbeddedNetwork) -> None:
    """It is alive and not ready, and ready once the broker is back, without being started again."""
    network.kill("notify")
    servers.broker.kill()
    with ThreadPoolExecutor(max_workers=1) as aside:
        revived = aside.submit(network.revive, "notify")
        try:
            while not revived.done() and not _lives(network.address("notify")):
                wait([revived], 0.1)
        finally:
            servers.broker.start()
        revived.result()


def _lives(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/live").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def test_postgres_keeps_what_was_committed(servers: Servers, make_database: MakeDatabase) -> None:
    """A server that is killed and started again has every committed row, at the same address."""
    database = make_database("notify")
    async with connect(database) as connection:
        await connection.execute("CREATE TABLE kept (what text)")
        await connection.execute("INSERT INTO kept VALUES ('yes')")
    servers.database.kill()
    servers.database.start()
    async with connect(database) as connection:
        assert await connection.fetchval("SELECT what FROM kept") == "yes"


def test_nothing_with_a_password_is_open_to_others(embedded: EmbeddedInfrastructure) -> None:
    """The broker's settings and arguments, which hold passwords, are readable by their owner only."""
    for name in ("server.properties", "start.args"):
        assert stat.S_IMODE((embedded.broker.folder / name).stat().st_mode) == 0o600
    assert not (embedded.broker.folder / "format.args").exists()


def test_passwords_are_not_in_the_list_of_processes(embedded: EmbeddedInfrastructure) -> None:
    """Whoever lists processes sees no password of Kafka or PostgreSQL."""
    words = [
        word
        for process in (embedded.broker.process, embedded.server.process)
        for word in psutil.Process(process.pid).cmdline()
    ]
    assert words
    assert not [word for word in words if embedded.kafka.password in word or embedded.postgres.password in word]
