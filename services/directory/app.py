"""The composition root of `directory`: where its parts are chosen and put together."""

import asyncio
import logging

from services import membership
from services.directory.api import TrustView, router
from services.directory.network_files import read_network
from services.directory.settings import DirectorySettings
from services.directory.use_cases.loading import load_network
from services.runtime.app import Parts, Service
from tsunagu_contracts.keys import PublicKey

_log = logging.getLogger("tsunagu.directory")


def compose(parts: Parts, settings: DirectorySettings) -> Service:
    """Put the service together; it consumes nothing, and loads the network's files before it is ready."""
    trust = TrustView.model_validate_json(settings.trust_file.read_bytes())

    async def agency_signing_key(agency_id: str, /) -> PublicKey | None:
        async with parts.database.reading() as session:
            keys = await membership.agency_keys(session, [agency_id])
        return keys[agency_id].signing if agency_id in keys else None

    async def load() -> None:
        network = await asyncio.to_thread(read_network, settings.network_dir, settings.keys_file)
        async with parts.database.work() as work:
            loaded = await load_network(work, network)
        _log.info(
            "network loaded agencies=%d granted=%d ended=%d mandates=%d",
            loaded.agencies,
            loaded.appointments_granted,
            loaded.appointments_ended,
            loaded.mandates,
        )

    return Service(
        name="directory",
        routers=[router(parts.database, parts.clock, trust)],
        agency_signing_key=agency_signing_key,
        on_start=load,
    )
