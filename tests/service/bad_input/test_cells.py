"""Every kind of bad input at every consumer of the catalogue, on the real handlers and a real PostgreSQL."""

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.infra.databases import forget_database, fresh_database
from tests.infra.infrastructure import Infrastructure
from tests.service.bad_input.cells import Name, cell_names
from tests.service.bad_input.running import Ran, run_by_hand
from tests.service.bad_input.stations import station


async def _run(service: str, url: str, folder: Path) -> Ran:
    async with station(service, url, folder) as opened:
        return await run_by_hand(opened)


@pytest.fixture(scope="module")
def ran(infra: Infrastructure, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    """Every cell of a service, run once and when it is first asked for; the tests only look."""

    @cache
    def of(service: str) -> Ran:
        database = fresh_database(infra.postgres, service)
        try:
            return asyncio.run(_run(service, database.url, tmp_path_factory.mktemp(service)))
        finally:
            forget_database(infra.postgres, database)

    return of


@pytest.mark.parametrize("name", cell_names(), ids=str)
def test_bad_input_gets_its_code_in_its_place_and_its_neighbours_take_effect(
    ran: Callable[[str], Ran], name: Name
) -> None:
    """Between sound messages: parked or refused with its code, or passed over, or harmless; the others go on."""
    ran(name.service).check(name)
