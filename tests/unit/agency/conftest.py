"""What the tests of the offline queue share: Kafka as a list, the desk on it, and a queue in a new folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.agency.fake_kafka import Desk, FakeKafka, Pauses
from tsunagu_agency import AsyncOfflineQueue


@pytest.fixture
def kafka() -> FakeKafka:
    """Kafka, empty and at hand."""
    return FakeKafka()


@pytest.fixture
def desk(tmp_path: Path, kafka: FakeKafka) -> Desk:
    """The desk's client."""
    return Desk(tmp_path, kafka)


@pytest.fixture
def pauses() -> Pauses:
    """The time of these tests."""
    return Pauses()


@pytest.fixture
async def queue(desk: Desk, pauses: Pauses) -> AsyncIterator[AsyncOfflineQueue]:
    """The desk's queue."""
    async with AsyncOfflineQueue(desk, clock=pauses, wait=pauses.wait) as opened:
        yield opened
