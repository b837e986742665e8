"""The composition root of `notify`: where its parts are chosen and put together."""

from services import membership
from services.notify.api import router
from services.notify.settings import NotifySettings
from services.notify.stream import InboxStream
from services.notify.subscribers import batch_handler
from services.notify.wakeups import Wakeups
from services.runtime.app import Parts, Service


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

    return Service(
        name="notify",
        routers=[router(parts.database, parts.clock, stream)],
        agency_signing_key=membership.signing_keys_in(parts.database),
        handler=batch_handler(),
        background=[wakeups.listen, stream.end_when_stopping],
    )
