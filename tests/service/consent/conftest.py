"""The bench that every test of consent works on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.builders.consent_bench import Bench, consent_bench
from tests.infra.databases import MakeDatabase


@pytest.fixture
async def bench(make_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Bench]:
    """The service on a fresh database, with three agencies enrolled."""
    async with consent_bench(make_database("consent").url, tmp_path) as opened:
        yield opened
