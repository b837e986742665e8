"""What every process measures of itself beside what its consumer does."""

import asyncio

from services.eventing import metrics, outbox
from services.eventing.database import Database

_EVERY_SECONDS = 5.0


async def watch_outbox(database: Database) -> None:
    """Tell, for as long as the process runs, how old the oldest message is that has not reached Kafka."""
    while True:
        async with database.engine.connect() as connection:
            metrics.outbox_age.set(await outbox.oldest_age(connection))
        await asyncio.sleep(_EVERY_SECONDS)
