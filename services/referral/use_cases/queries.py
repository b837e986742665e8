"""What an agency may see: its own referrals, and the same answer for another's as for one that does not exist."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.referral.domain.states import Party
from services.referral.storage import bodies, referrals
from services.referral.storage.referrals import Stored
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import ReferralState, RefusalCode
from tsunagu_contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as the addressee's inbound topic had it: the event as text, and the bodies by section id."""

    event: str
    bodies: dict[str, str]


async def agencies_of(session: AsyncSession, actor: Actor, agency_id: str | None, at: datetime) -> frozenset[str]:
    """Return the agencies that this actor may look and act for at `at`.

    `agency_id` is the agency whose system signed the token, if one did: it can speak for no other. Refuses
    with `not_permitted` who is neither an agency's system nor a coordinator with a valid appointment.
    """
    if actor.kind is ActorKind.SYSTEM and agency_id is not None and actor.id == agency_id:
        return frozenset({agency_id})
    if actor.kind is not ActorKind.COORDINATOR or actor.id is None:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    held = await membership.appointments_of(session, actor.id, at)
    agencies = frozenset(appointment.agency_id for appointment in held)
    if agency_id is not None:
        agencies &= {agency_id}
    if not agencies:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    return agencies


async def list_referrals(
    session: AsyncSession,
    agencies: Collection[str],
    *,
    states: Collection[ReferralState],
    after: str | None,
    limit: int,
) -> list[Stored]:
    """Return the referrals that these agencies sent or had delivered, in the order of their ids."""
    return await referrals.visible_to(session, agencies, states=states, after=after, limit=limit)


async def find_referral(session: AsyncSession, agencies: Collection[str], referral_id: str) -> Stored:
    """Return a referral to one of its parties; refuses with `referral_unknown` anybody else."""
    stored = await referrals.find(session, referral_id)
    if stored is None or not any(stored.referral.party_of(agency) for agency in agencies):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN, referral_id=referral_id)
    return stored


async def find_delivery(session: AsyncSession, agencies: Collection[str], referral_id: str) -> Delivery:
    """Return what was delivered, to its recipient; refuses with `referral_unknown` anybody else.

    The bodies are absent once they have been deleted.
    """
    stored = await referrals.find(session, referral_id)
    recipient = stored is not None and any(stored.referral.party_of(agency) is Party.RECIPIENT for agency in agencies)
    event = await referrals.delivery_of(session, referral_id) if recipient else None
    if event is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN, referral_id=referral_id)
    return Delivery(event, (await bodies.bodies_of(session, [referral_id]))[referral_id])
