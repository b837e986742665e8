"""What an agency has provided and received, for the records that it must make of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import provisions
from services.consent.storage.provisions import Provision
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.runtime.identity import Caller


async def list_own(session: AsyncSession, caller: Caller, custody: Custody, *, after: str) -> list[Provision]:
    """List openings of which the caller's agency is one side, by release id; refuses with the codes of `acting`."""
    return await provisions.of_agency(session, await acting(session, caller, custody.clock.now()), after=after)
