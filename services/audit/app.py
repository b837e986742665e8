"""The composition root of `audit`: where its parts are chosen and put together."""

from datetime import timedelta

from services import membership
from services.audit.api import router
from services.audit.settings import AuditSettings
from services.audit.subscribers import handle
from services.runtime.app import Parts, Service

_LINGER_SECONDS = 0.15
"""Nobody waits for the log within a blink, and a batch of many events costs hardly more than one of few."""


def compose(parts: Parts, settings: AuditSettings) -> Service:
    """Put the service together; it takes records raw, so that nothing can be held back from the log."""
    return Service(
        name="audit",
        routers=[
            router(
                parts.database,
                parts.clock,
                timedelta(days=settings.provision_days),
                timedelta(hours=settings.opening_hours),
            )
        ],
        agency_signing_key=membership.signing_keys_in(parts.database),
        handler=handle,
        raw=True,
        linger_seconds=_LINGER_SECONDS,
    )
