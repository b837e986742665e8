"""Agencies at work for the tests that kill what they work with."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from deploy.network import EmbeddedNetwork
from tests.benchmarks.real import KeystoreInMemory
from tests.e2e.agencies import folder_of
from tests.faults.histories import parked, settled
from tests.faults.journeys import CHIYODA, MINATO
from tests.faults.recording import recording
from tests.faults.traffic import Agencies, Desk, Traffic
from tsunagu_agency import AgencyClient, Network

PERSONS = 20


@pytest.fixture
async def agencies(network: EmbeddedNetwork) -> AsyncIterator[Agencies]:
    """Agencies ready to refer persons who have agreed, while every consumer records what it takes."""
    async with AsyncExitStack() as stack:

        async def client(agency_id: str) -> AgencyClient:
            folder = folder_of(network, agency_id)
            made = AgencyClient(KeystoreInMemory.of(folder), Network.from_folder(folder), reader="chaos")
            return await stack.enter_async_context(made)

        waiting = Traffic(await client(CHIYODA.sender), PERSONS, CHIYODA)
        acting = Traffic(await client(MINATO.sender), PERSONS, MINATO)
        parked_before = await parked(network)
        await waiting.agree()
        await acting.agree()
        await settled(network, [CHIYODA.sender, MINATO.sender], parked_before)
        await stack.enter_async_context(recording(network))
        yield Agencies(waiting, acting, Desk(await client(MINATO.addressee), MINATO))
