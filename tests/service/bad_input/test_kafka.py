"""One log with every kind of bad input in it, on a Kafka of its own, and every service's real consumer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from deploy.provisioning.broker import make_topics, planned_topics
from tests.builders.referral_bench import CLINIC, DESK, NPO
from tests.infra.infrastructure import Infrastructure, infrastructure
from tests.service.bad_input.agency_kinds import STRANGER
from tests.service.bad_input.cells import cell_names
from tests.service.bad_input.running import Ran, run_on_kafka
from tests.service.bad_input.stations import stations


@pytest.fixture
def apart(run_folder: Path) -> Iterator[Infrastructure]:
    """A Kafka whose topics have the names of the catalogue, and nobody else's events in them."""
    with infrastructure(run_folder / "bad-input") as chosen:
        if chosen.origin == "environment":
            pytest.skip("the Kafka named in the environment has the network of the other tests on it")
        agencies = [agency.id for agency in (CLINIC, DESK, NPO, STRANGER)]
        make_topics(AdminClient(chosen.kafka.librdkafka()), planned_topics(agencies))
        yield chosen


async def _run(where: Infrastructure, folder: Path) -> Ran:
    async with stations(where.postgres, folder) as opened:
        return await run_on_kafka(opened, where.kafka)


@pytest.mark.timeout(600)
def test_every_consumer_goes_through_a_log_of_bad_input_to_its_end(apart: Infrastructure, tmp_path: Path) -> None:
    """Nothing on the wire stops it, and every cell of the matrix comes out as it does by hand."""
    ran = asyncio.run(_run(apart, tmp_path))
    wrong = []
    for name in cell_names():
        try:
            ran.check(name)
        except (AssertionError, KeyError) as error:
            wrong.append(f"{name}: {error}")
    assert wrong == []
