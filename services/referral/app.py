"""The composition root of `referral`: where its parts are chosen and put together."""

import asyncio

from services import membership
from services.membership import MemberCache
from services.referral.api import router
from services.referral.domain.checking import Rules
from services.referral.settings import ReferralSettings, handles_key
from services.referral.subscribers import batch_handler
from services.referral.use_cases.keeping import delete_due_bodies
from services.runtime.app import Parts, Service
from tsunagu_contracts.topics import AGENCY_OUTBOUND_PATTERN

_DELETE_EVERY_SECONDS = 60


def compose(parts: Parts, settings: ReferralSettings) -> Service:
    """Put the service together."""
    cache = MemberCache()
    rules = Rules(handles_key(settings.trust_file), settings.limits)

    async def delete_bodies() -> None:
        async with parts.database.work() as work:
            await delete_due_bodies(work, settings.bodies_kept)
        await asyncio.sleep(_DELETE_EVERY_SECONDS)

    return Service(
        name="referral",
        routers=[router(parts.database, rules, parts.clock, cache)],
        agency_signing_key=membership.signing_keys_in(parts.database),
        handler=batch_handler(rules, cache),
        pattern=AGENCY_OUTBOUND_PATTERN,
        background=[delete_bodies],
    )
