"""For which agency a caller acts, and under which appointment."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services import membership
from services.consent.domain.releases import Asker
from services.membership import Appointment
from services.membership.messages import acting
from services.runtime.identity import Caller
from tsunagu_contracts.actors import ActorKind
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

__all__ = ["Coordinator", "acting", "agency_of", "asking", "id_of"]


def agency_of(caller: Caller, known: Collection[Appointment], at: datetime, preferred: Collection[str]) -> str:
    """As `acting`, with the appointments already read."""
    if caller.actor.kind is ActorKind.SYSTEM and caller.agency_id is not None:
        return caller.agency_id
    held = _held(caller, known, at)
    if not held:
        raise Refusal(RefusalCode.APPOINTMENT_NOT_VALID)
    return next((each.agency_id for each in held if each.agency_id in preferred), held[0].agency_id)


def id_of(caller: Caller) -> str | None:
    """The id under which a caller may hold appointments; None for whoever is no coordinator."""
    return caller.actor.id if caller.actor.kind is ActorKind.COORDINATOR else None


@dataclass(frozen=True, slots=True)
class Coordinator:
    """A coordinator who asks for a key: as the rules see them, and under which appointment."""

    coordinator_id: str
    asker: Asker
    appointment_id: str | None


def asking(
    caller: Caller, known: Collection[Appointment], appointment_id: str | None, addressee: str | None, at: datetime
) -> Coordinator:
    """Find under which appointment a coordinator asks: the one named, else one for the addressee, else any.

    Refuses with `not_permitted` whoever is no coordinator. A missing appointment refuses the release itself
    where an agency vouches for the coordinator, and the request with `appointment_not_valid` where nobody does.
    """
    coordinator_id = caller.coordinator_id
    if appointment_id is not None:
        named = next((each for each in known if each.appointment_id == appointment_id), None)
        agency_id = caller.agency_id or (named.agency_id if named else None)
        if agency_id is None:
            raise Refusal(RefusalCode.APPOINTMENT_UNKNOWN)
        refusal = membership.appointment_refusal(named, coordinator_id, agency_id, at)
        return Coordinator(coordinator_id, Asker(agency_id, refusal), None if refusal else appointment_id)
    held = _held(caller, known, at)
    if held:
        chosen = next((each for each in held if each.agency_id == addressee), held[0])
        return Coordinator(coordinator_id, Asker(chosen.agency_id, None), chosen.appointment_id)
    if caller.agency_id is None:
        raise Refusal(RefusalCode.APPOINTMENT_NOT_VALID)
    return Coordinator(coordinator_id, Asker(caller.agency_id, RefusalCode.APPOINTMENT_NOT_VALID), None)


def _held(caller: Caller, known: Collection[Appointment], at: datetime) -> list[Appointment]:
    """What the calling coordinator may act under, for the agency that vouches, if one does."""
    return [
        each
        for each in known
        if each.coordinator_id == caller.coordinator_id
        and caller.agency_id in (None, each.agency_id)
        and each.holds(at)
    ]
