"""What to do with an authentic message, given what is known of members and referrals."""

from datetime import datetime

from services import membership
from services.membership import Members
from services.referral.domain.checking import Authentic
from services.referral.domain.referral import Decision, Request, SignedMessage, act, submit
from services.referral.domain.routing import resolve_addressee
from services.referral.use_cases.batch import Batch
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import Accountable
from tsunagu_contracts.manifests import ActOnReferral, SubmitReferral, ToAgency


def decide(one: Authentic, batch: Batch, members: Members, now: datetime) -> Decision:
    """Decide on one message, or refuse it with its code."""
    manifest = one.manifest
    if one.refusal is not None:
        raise one.refusal
    code = membership.appointment_refusal(
        members.appointments.get(manifest.appointment), manifest.coordinator_id, manifest.agency_id, now
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
        return _submit(manifest, one.handle_id, by, signed, members)
    if isinstance(manifest, ActOnReferral):
        return _act(manifest, by, signed, batch)
    raise Refusal(RefusalCode.UNKNOWN_TYPE)


def _submit(
    manifest: SubmitReferral, handle_id: str, by: Accountable, signed: SignedMessage, members: Members
) -> Decision:
    data = manifest.data
    route = resolve_addressee(
        sender=manifest.agency_id,
        named=data.to.agency if isinstance(data.to, ToAgency) else None,
        area=data.area if isinstance(data.to, ToAgency) else data.to.area,
        agencies=members.agencies.keys(),
        desks=members.desks,
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


def _act(manifest: ActOnReferral, by: Accountable, signed: SignedMessage, batch: Batch) -> Decision:
    data = manifest.data
    referral = batch.referral(data.referral_id)
    # Who is no party hears the same as for an id that does not exist, before versions or states are compared.
    if referral is None or referral.party_of(by.agency_id) is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN, referral_id=data.referral_id)
    if manifest.expectedversion != referral.version:
        raise Refusal(RefusalCode.VERSION_CONFLICT, referral_id=data.referral_id, version=str(referral.version))
    return act(referral, data.act, by, signed, reason=data.reason, outcome=data.outcome)
