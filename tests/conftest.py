"""Fixtures for every test: one Kafka and one PostgreSQL per worker, the network on them, fresh databases."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from deploy.access import PostgresAccess
from deploy.data_folder import DataFolder
from deploy.network import EmbeddedNetwork
from tests.infra.databases import MakeDatabase, forget_database, fresh_database
from tests.infra.infrastructure import Infrastructure, infrastructure
from tests.infra.leftovers import PREFIX, forget_dead_runs


def pytest_configure() -> None:
    """Being told to end is the same as Ctrl-C: fixtures stop what they have started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


class _Sharing(LoadFileScheduling):  # type: ignore[misc, no-any-unimported]  # xdist has no types
    """Of several workers one gets what plays on the running network and kills it; else a file stays with one worker."""

    def _split_scope(self, nodeid: str) -> str:
        together = nodeid.startswith(("tests/e2e/", "tests/faults/"))
        return "network" if together else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """How tests are shared out between workers."""
    return _Sharing(config, log)


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder for the state and logs of this run; TSUNAGU_TEST_KEEP=1 leaves it for a look afterwards."""
    forget_dead_runs()
    # Not pytest's own, which only its user may enter: as root, PostgreSQL runs as another one.
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with DataFolder(folder).held():
        yield folder
    if not os.environ.get("TSUNAGU_TEST_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def infra(run_folder: Path) -> Iterator[Infrastructure]:
    """The run's one Kafka and one PostgreSQL, as their administrators see them."""
    with infrastructure(run_folder / "infra") as chosen:
        yield chosen


@pytest.fixture(scope="session")
def provisioned(infra: Infrastructure, run_folder: Path) -> EmbeddedNetwork:
    """The demo network before its processes start: keys, topics, users, permissions, databases."""
    prepared = EmbeddedNetwork(DataFolder(run_folder / "network"), infra.kafka, infra.postgres)
    prepared.provision()
    return prepared


@pytest.fixture(scope="session")
def network(provisioned: EmbeddedNetwork) -> Iterator[EmbeddedNetwork]:
    """The demo network: provisioned, five services and the issuer running as processes, directory loaded.

    One for the whole run: what a test kills is running again before the next one.
    """
    provisioned.start()
    yield provisioned
    provisioned.stop()


@pytest.fixture(autouse=True)
def _network_survives(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "network" in request.fixturenames:
        request.getfixturevalue("network").ensure_running()


@pytest.fixture
def make_database(infra: Infrastructure) -> Iterator[MakeDatabase]:
    """Makes a fresh database with a service's tables: `make_database("referral").url`; dropped after the test."""
    made: list[PostgresAccess] = []

    def make(service: str) -> PostgresAccess:
        made.append(fresh_database(infra.postgres, service))
        return made[-1]

    yield make
    for database in made:
        forget_database(infra.postgres, database)
