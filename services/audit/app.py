"""The composition root of `audit`: where its parts are chosen and put together."""

from services import membership
from services.audit.api import router
from services.audit.subscribers import handle
from services.runtime.app import Parts, Service
from tsunagu_contracts.keys import PublicKey


def compose(parts: Parts) -> Service:
    """Put the service together; it takes records raw, so that nothing can be held back from the log."""

    async def agency_signing_key(agency_id: str, /) -> PublicKey | None:
        async with parts.database.reading() as session:
            keys = await membership.agency_keys(session, [agency_id])
        return keys[agency_id].signing if agency_id in keys else None

    return Service(
        name="audit",
        routers=[router(parts.database)],
        agency_signing_key=agency_signing_key,
        handler=handle,
        raw=True,
    )
