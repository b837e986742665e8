"""Agencies' signed messages to consent, and whether the agency is a party to the referral that they are about."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral
from services.consent.domain.persons import Group, Person
from services.consent.storage import persons, referrals
from services.consent.use_cases.records import Speaker
from services.eventing.work import Work
from services.membership.messages import M, Verified, appointed, verify
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import ForConsent

__all__ = ["About", "M", "Verified", "about", "appointed", "party_to", "speaker", "verify"]


def speaker(verified: Verified[M]) -> Speaker:
    """The coordinator who acted, for which agency and under which appointment."""
    return Speaker(verified.actor, verified.manifest.agency_id, verified.manifest.appointment)


class About(NamedTuple):
    """Whom a message is about: its referral, the record which that is of, and all that are joined with it, locked."""

    referral: Referral
    person: Person
    group: Group


async def about(work: Work, manifest: ForConsent, referral_id: str) -> About:
    """Lock the person whom a message is about; refuses with the codes of `appointed` and `party_to`."""
    await appointed(work, manifest)
    referral, record_id = await party_to(work.session, referral_id, manifest.agency_id)
    group = await persons.lock_one(work.session, record_id)
    return About(referral, group.records[record_id], group)


async def party_to(session: AsyncSession, referral_id: str, agency_id: str) -> tuple[Referral, str]:
    """A referral of which the agency is a party, with the record id of its person; else `referral_unknown`."""
    referral = await referrals.load(session, referral_id)
    if referral is None or referral.record_id is None or not referral.is_party(agency_id):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    return referral, referral.record_id
