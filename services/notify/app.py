"""The composition root of `notify`: where its parts are chosen and put together."""

from services import membership
from services.notify.api import router
from services.notify.settings import NotifySettings
from services.notify.stream import InboxStream
from services.notify.subscribers import handle
from services.notify.wakeups import Wakeups
from services.runtime.app import Parts, Service
from tsunagu_contracts.keys import PublicKey


def compose(parts: Parts, settings: NotifySettings) -> Service:
    """Put the service together."""
    wakeups = Wakeups(parts.database)
    stream = InboxStream(
        parts.database,
        parts.clock,
        wakeups,
        stopping=parts.stopping,
        look_every=settings.stream_looks_every_seconds,
        ends_after=settings.stream_ends_after_seconds,
    )

    async def agency_signing_key(agency_id: str, /) -> PublicKey | None:
        async with parts.database.reading() as session:
            keys = await membership.agency_keys(session, [agency_id])
        return keys[agency_id].signing if agency_id in keys else None

    return Service(
        name="notify",
        routers=[router(parts.database, parts.clock, stream)],
        agency_signing_key=agency_signing_key,
        handler=handle,
        background=[wakeups.listen, stream.end_when_stopping],
    )
