"""The composition root of `directory`: where its parts are chosen and put together."""

import asyncio
import logging

from services import membership
from services.directory.api import TrustView, router
from services.directory.domain.problems import NetworkFilesError
from services.directory.network_files import read_network
from services.directory.settings import DirectorySettings
from services.directory.use_cases.loading import load_network
from services.eventing import outbox
from services.eventing.database import Database
from services.runtime.app import Parts, Service

_SAID_WITHIN_SECONDS = 20

_log = logging.getLogger("tsunagu.directory")


def compose(parts: Parts, settings: DirectorySettings) -> Service:
    """Put the service together; it consumes nothing, and loads the network's files before it is ready."""
    trust = TrustView.model_validate_json(settings.trust_file.read_bytes())

    async def load() -> None:
        try:
            network = await asyncio.to_thread(read_network, settings.network_dir, settings.keys_file)
            async with parts.database.work() as work:
                loaded = await load_network(work, network)
        except NetworkFilesError as error:
            for problem in error.problems:
                _log.error("network refused, nothing loaded: %s", problem)
            raise
        _log.info(
            "network loaded agencies=%d granted=%d ended=%d mandates=%d",
            loaded.agencies,
            loaded.appointments_granted,
            loaded.appointments_ended,
            loaded.mandates,
        )
        await _until_said(parts.database)

    return Service(
        name="directory",
        routers=[router(parts.database, parts.clock, trust)],
        agency_signing_key=membership.signing_keys_in(parts.database),
        on_start=load,
    )


async def _until_said(database: Database) -> None:
    """Wait until Kafka has everything, so that whoever starts after us hears of the network at once.

    Kafka may be away for long; then we start all the same, and readiness tells of the unpublished rows.
    """
    try:
        async with asyncio.timeout(_SAID_WITHIN_SECONDS):
            # The outbox tells nobody when it is empty.
            while await _unpublished(database):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        _log.warning("the network is loaded and not yet published; the relay goes on trying")


async def _unpublished(database: Database) -> bool:
    async with database.engine.connect() as connection:
        return await outbox.oldest_age(connection) > 0
