"""Telling a party of a referral what is covered now."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral, coverage_of
from services.consent.domain.joins import merged
from services.consent.domain.persons import Group
from services.consent.domain.word import SILENCE, Word
from services.consent.storage import persons, referrals, words
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.runtime.identity import Caller
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import CoverageDecided


async def of(session: AsyncSession, caller: Caller, referral_id: str, custody: Custody) -> CoverageDecided:
    """Decide over a referral's sections at this moment, for its sender or its addressee.

    Refuses with `referral_unknown`, for everybody else too, and with the codes of `acting`.
    """
    now = custody.clock.now()
    referral, _ = await of_party(session, caller, referral_id, custody)
    word, group = await word_on(session, referral)
    return CoverageDecided(
        referral_id=referral.referral_id,
        addressee=referral.addressee,
        sections=coverage_of(referral, word, now, group.number),
    )


async def of_party(session: AsyncSession, caller: Caller, referral_id: str, custody: Custody) -> tuple[Referral, str]:
    """A referral to which the caller's agency is a party, and that agency.

    Refuses with `referral_unknown`, for everybody else too, and with the codes of `acting`.
    """
    referral = await referrals.load(session, referral_id)
    agency_id = await acting(session, caller, custody.clock.now(), parties_of(referral))
    return known_to(agency_id, referral), agency_id


def parties_of(referral: Referral | None) -> tuple[str, ...]:
    """The agencies that know of a referral; none of one that is unknown."""
    return (referral.sender, referral.addressee) if referral else ()


def known_to(agency_id: str, referral: Referral | None) -> Referral:
    """The referral, for a party of it; refuses with `referral_unknown` everybody else, and what is unknown."""
    if referral is None or not referral.is_party(agency_id):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    return referral


async def word_on(session: AsyncSession, referral: Referral) -> tuple[Word, Group]:
    """The word of a referral's person with their records; silence and no record of nobody."""
    if referral.record_id is None:
        return SILENCE, Group({})
    group = await persons.look(session, referral.record_id)
    return merged(await words.of(session, group.records)), group
