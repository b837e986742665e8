"""Every kind of bad input at every consumer of the catalogue, on the real handlers and a real PostgreSQL."""

import asyncio
from pathlib import Path

import pytest

from deploy.access import PostgresAccess
from tests.infra.infrastructure import Infrastructure
from tests.service.bad_input.cells import Name, cell_names
from tests.service.bad_input.running import Ran, run_by_hand
from tests.service.bad_input.stations import stations


async def _run(postgres: PostgresAccess, folder: Path) -> Ran:
    async with stations(postgres, folder) as opened:
        return await run_by_hand(opened)


@pytest.fixture(scope="module")
def ran(infra: Infrastructure, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every cell, run once; the tests only look."""
    return asyncio.run(_run(infra.postgres, tmp_path_factory.mktemp("keys")))


@pytest.mark.parametrize("name", cell_names(), ids=str)
def test_bad_input_gets_its_code_in_its_place_and_its_neighbours_take_effect(ran: Ran, name: Name) -> None:
    """Between sound messages: parked or refused with its code, or passed over, or harmless; the others go on."""
    ran.check(name)
