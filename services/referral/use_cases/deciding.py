"""What to do with an authentic message, given what is known of members and referrals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.referral.domain.checking import Authentic
from services.referral.domain.referral import Decision, Referral, Request, SignedMessage, act, submit
from services.referral.domain.routing import resolve_addressee
from services.referral.storage import referrals
from tsunagu_contracts.codes import Area, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import Accountable
from tsunagu_contracts.manifests import ActOnReferral, AnyManifest, SubmitReferral, ToAgency


@dataclass(frozen=True, slots=True)
class Known:
    """What the decisions of one turn rest on; the referrals in it are locked."""

    appointments: Mapping[str, membership.Appointment]
    agencies: frozenset[str]
    desks: Mapping[Area, str]
    referrals: Mapping[str, Referral]


async def load_known(session: AsyncSession, manifests: Sequence[AnyManifest]) -> Known:
    """Load what deciding on these messages needs, with one query per kind of thing."""
    submitted = [one.data for one in manifests if isinstance(one, SubmitReferral)]
    acted = [one.data for one in manifests if isinstance(one, ActOnReferral)]
    named = {data.to.agency for data in submitted if isinstance(data.to, ToAgency)}
    areas = {data.to.area for data in submitted if not isinstance(data.to, ToAgency)}
    appointment_ids = {one.appointment for one in manifests}
    desks = await membership.desks(session, areas) if areas else {}
    agencies = await membership.agencies(session, named) if named else {}
    return Known(
        appointments=await membership.appointments(session, appointment_ids) if appointment_ids else {},
        agencies=frozenset(agencies) | frozenset(desks.values()),
        desks=desks,
        referrals=await referrals.lock(session, {data.referral_id for data in acted}),
    )


def decide(one: Authentic, known: Known, now: datetime) -> Decision:
    """Decide on one message, or refuse it with its code."""
    manifest = one.manifest
    if one.refusal is not None:
        raise one.refusal
    code = membership.appointment_refusal(
        known.appointments.get(manifest.appointment), manifest.coordinator_id, manifest.agency_id, now
    )
    if code is not None:
        raise Refusal(code, appointment=manifest.appointment)
    by = Accountable(
        agency_id=manifest.agency_id,
        coordinator_id=manifest.coordinator_id,
        appointment_id=manifest.appointment,
    )
    signed = SignedMessage(manifest.id, one.message.manifest)
    if isinstance(manifest, SubmitReferral) and one.handle_id is not None:
        return _submit(manifest, one.handle_id, by, signed, known)
    if isinstance(manifest, ActOnReferral):
        return _act(manifest, by, signed, known)
    raise Refusal(RefusalCode.UNKNOWN_TYPE)


def _submit(manifest: SubmitReferral, handle_id: str, by: Accountable, signed: SignedMessage, known: Known) -> Decision:
    data = manifest.data
    route = resolve_addressee(
        sender=manifest.agency_id,
        named=data.to.agency if isinstance(data.to, ToAgency) else None,
        area=data.area if isinstance(data.to, ToAgency) else data.to.area,
        agencies=known.agencies,
        desks=known.desks,
    )
    request = Request(
        referral_id=data.referral_id,
        handle_id=handle_id,
        purpose=data.purpose,
        area=data.area,
        service_family=data.service_family,
        urgency=data.urgency,
        language=data.language,
        sections=data.sections,
    )
    return submit(request, by, route, signed)


def _act(manifest: ActOnReferral, by: Accountable, signed: SignedMessage, known: Known) -> Decision:
    data = manifest.data
    referral = known.referrals.get(data.referral_id)
    # Who is no party hears the same as for an id that does not exist, before versions or states are compared.
    if referral is None or referral.party_of(by.agency_id) is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN, referral_id=data.referral_id)
    if manifest.expectedversion != referral.version:
        raise Refusal(RefusalCode.VERSION_CONFLICT, referral_id=data.referral_id, version=str(referral.version))
    return act(referral, data.act, by, signed, reason=data.reason, outcome=data.outcome)
