"""The keys that agencies sign with, as whoever checks a token asks for them."""

from services.eventing.database import Database
from services.membership.lookups import agency_keys
from services.runtime.identity import AgencySigningKey
from tsunagu_contracts.keys import PublicKey


def signing_keys_in(database: Database) -> AgencySigningKey:
    """Look signing keys up in this service's own projection; None for an agency that it has not heard of."""

    async def agency_signing_key(agency_id: str, /) -> PublicKey | None:
        async with database.reading() as session:
            keys = await agency_keys(session, [agency_id])
        return keys[agency_id].signing if agency_id in keys else None

    return agency_signing_key
