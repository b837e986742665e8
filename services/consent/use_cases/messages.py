"""Agencies' signed messages to consent, and whether the agency is a party to the referral that they are about."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral
from services.consent.storage import referrals
from services.consent.use_cases.records import Speaker
from services.membership.messages import M, Verified, appointed, verify
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

__all__ = ["M", "Verified", "appointed", "party_to", "speaker", "verify"]


def speaker(verified: Verified[M]) -> Speaker:
    """The coordinator who acted, for which agency and under which appointment."""
    return Speaker(verified.actor, verified.manifest.agency_id, verified.manifest.appointment)


async def party_to(session: AsyncSession, referral_id: str, agency_id: str) -> tuple[Referral, str]:
    """A referral of which the agency is a party, with the record id of its person; else `referral_unknown`."""
    referral = await referrals.load(session, referral_id)
    if referral is None or referral.record_id is None or not referral.is_party(agency_id):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    return referral, referral.record_id
