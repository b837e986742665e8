"""A disaster is declared or lifted by a ward office: what was consented to for its sake counts, or ends, at once."""

from dataclasses import dataclass
from datetime import datetime

from services import membership
from services.consent.storage import disasters, due
from services.consent.use_cases import messages
from services.consent.use_cases.messages import Verified
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import AgencyKind, Area, DisasterAct, RefusalCode, Role
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import DisasterDeclared, DisasterLifted
from tsunagu_contracts.manifests import SayDisaster


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a disaster, and in which areas it changed something; none when it was said before."""

    disaster_id: str
    act: DisasterAct
    areas: tuple[Area, ...]
    at: datetime


async def say(work: Work, verified: Verified[SayDisaster]) -> Said:
    """Declare or lift a disaster, effective with the commit; whoever it concerns is covered anew right after.

    Saying it again changes nothing. Refuses with the codes of `appointed`, with `not_permitted` whoever is not a
    supervisor of a ward office appointed for all of these areas, and with `disaster_unknown` to lift what was
    declared in none of them.
    """
    manifest, said = verified.manifest, verified.manifest.data
    appointment = await messages.appointed(work, manifest)
    agency = await membership.agency(work.session, manifest.agency_id)
    if (
        agency is None
        or agency.kind is not AgencyKind.WARD_OFFICE
        or appointment.role is not Role.SUPERVISOR
        or not set(said.areas) <= set(appointment.areas)
    ):
        raise Refusal(RefusalCode.NOT_PERMITTED)
    if said.act is DisasterAct.DECLARE:
        changed = await disasters.declare(work.session, said.disaster_id, said.areas, work.now)
    else:
        if not set(said.areas) & await disasters.areas_of(work.session, said.disaster_id):
            raise Refusal(RefusalCode.DISASTER_UNKNOWN)
        changed = await disasters.lift(work.session, said.disaster_id, said.areas, work.now)
    areas = tuple(area for area in said.areas if area in changed)
    if areas:
        await due.note_conditional(work.session, areas, work.now)
        event = _event(verified, areas, work.now)
        emission = Emission(f"disaster:{said.disaster_id}", event, verified.actor, manifest.appointment)
        await work.emit(emission)
    return Said(said.disaster_id, said.act, areas, work.now)


def _event(verified: Verified[SayDisaster], areas: tuple[Area, ...], at: datetime) -> DisasterDeclared | DisasterLifted:
    manifest = verified.manifest
    facts = {
        "disaster_id": manifest.data.disaster_id,
        "areas": areas,
        "said_by": verified.recorded_by,
        "message_id": manifest.id,
        "manifest": verified.token,
    }
    if manifest.data.act is DisasterAct.DECLARE:
        return DisasterDeclared.model_validate(facts | {"declared_at": at})
    return DisasterLifted.model_validate(facts | {"lifted_at": at})
