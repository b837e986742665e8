"""For which agency a caller acts, and under which appointment."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.consent.domain.releases import Asker
from services.membership.messages import acting, held_by
from services.runtime.identity import Caller
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

__all__ = ["Coordinator", "acting", "asking"]


@dataclass(frozen=True, slots=True)
class Coordinator:
    """A coordinator who asks for a key: as the rules see them, and under which appointment."""

    coordinator_id: str
    asker: Asker
    appointment_id: str | None


async def asking(
    session: AsyncSession, caller: Caller, appointment_id: str | None, addressee: str | None, at: datetime
) -> Coordinator:
    """Find under which appointment a coordinator asks: the one named, else one for the addressee, else any.

    Refuses with `not_permitted` whoever is no coordinator. A missing appointment refuses the release itself
    where an agency vouches for the coordinator, and the request with `appointment_not_valid` where nobody does.
    """
    coordinator_id = caller.coordinator_id
    if appointment_id is not None:
        named = await membership.appointment(session, appointment_id)
        agency_id = caller.agency_id or (named.agency_id if named else None)
        if agency_id is None:
            raise Refusal(RefusalCode.APPOINTMENT_UNKNOWN)
        refusal = membership.appointment_refusal(named, coordinator_id, agency_id, at)
        return Coordinator(coordinator_id, Asker(agency_id, refusal), None if refusal else appointment_id)
    held = await held_by(session, caller, at)
    if held:
        chosen = next((each for each in held if each.agency_id == addressee), held[0])
        return Coordinator(coordinator_id, Asker(chosen.agency_id, None), chosen.appointment_id)
    if caller.agency_id is None:
        raise Refusal(RefusalCode.APPOINTMENT_NOT_VALID)
    return Coordinator(coordinator_id, Asker(caller.agency_id, RefusalCode.APPOINTMENT_NOT_VALID), None)
