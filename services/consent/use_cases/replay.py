"""Deciding as of a moment past, and as if the person withdrew: the same decision over another word."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral, Section, coverage_of, decide_section
from services.consent.domain.decisions import Decision
from services.consent.domain.statements import Statement
from services.consent.storage import looking, referrals
from services.consent.use_cases import callers
from services.consent.use_cases.coverage import known_to, of_party, parties_of, word_on
from services.consent.use_cases.custody import Custody
from services.eventing.work import Work
from services.runtime.identity import Caller
from tsunagu_contracts.codes import Category, Purpose, RefusalCode, StatementKind, StatementMethod
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import SectionCoverage


@dataclass(frozen=True, slots=True)
class Reading:
    """What the record says of every section of a referral, as of a number and at a moment.

    `last` is the last number that the person has taken by now; all numbers are 0 where no person is known.
    """

    referral: Referral
    number: int
    last: int
    at: datetime
    decisions: Sequence[tuple[Section, Decision]]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the person might take back: `recipients` None means from every agency."""

    categories: frozenset[Category]
    recipients: frozenset[str] | None
    purposes: frozenset[Purpose]


@dataclass(frozen=True, slots=True)
class Change:
    """A section of a referral as it stands now, and as it would after a withdrawal."""

    referral_id: str
    now: SectionCoverage
    then: SectionCoverage


async def read(session: AsyncSession, referral_id: str, *, as_of: int | None, at: datetime) -> Reading:
    """Read the record as of a number (by default the last one), at a moment; refuses with `referral_unknown`."""
    referral = await referrals.load(session, referral_id)
    if referral is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    word, last = await word_on(session, referral)
    number = last if as_of is None else as_of
    decisions = [(section, decide_section(referral, section, word, at, number)) for section in referral.sections]
    return Reading(referral, number, last, at, decisions)


async def as_of(
    work: Work, caller: Caller, referral_id: str, at: datetime, custody: Custody
) -> tuple[SectionCoverage, ...]:
    """Tell a party of a referral what was covered at a moment; it is not told numbers, which count others' acts.

    Refuses with `referral_unknown`, for everybody else too, with `stated_in_future` a moment that is still to come,
    and with the codes of `acting`.
    """
    now = custody.clock.now()
    seen = await looking.look(work, referral_id, at, coordinator_id=callers.id_of(caller))
    agency_id = callers.agency_of(caller, seen.appointments, now, parties_of(seen.referral))
    referral = known_to(agency_id, seen.referral)
    if at > now + custody.bounds.clock_tolerance:
        raise Refusal(RefusalCode.STATED_IN_FUTURE)
    return coverage_of(referral, seen.word, at, seen.number_then)


async def if_withdrawn(
    session: AsyncSession, caller: Caller, referral_id: str, withdrawal: Withdrawal, custody: Custody
) -> list[Change]:
    """What would change for a party's open referrals of this person if the person withdrew this now.

    Refuses with `referral_unknown`, for everybody else too, and with the codes of `acting`.
    """
    now = custody.clock.now()
    referral, agency_id = await of_party(session, caller, referral_id, custody)
    if referral.record_id is None:
        return []
    word, last = await word_on(session, referral)
    after = replace(word, statements=(*word.statements, _withdrawn(withdrawal, last + 1, now, agency_id)))
    return [
        Change(each.referral_id, before, then)
        for each in await referrals.open_of(session, [referral.record_id])
        if each.is_party(agency_id)
        for before, then in zip(
            coverage_of(each, word, now, last), coverage_of(each, after, now, last + 1), strict=True
        )
        if before != then
    ]


def _withdrawn(withdrawal: Withdrawal, number: int, at: datetime, agency_id: str) -> Statement:
    return Statement(
        statement_id="",
        number=number,
        kind=StatementKind.WITHDRAW,
        categories=withdrawal.categories,
        recipients=withdrawal.recipients,
        purposes=withdrawal.purposes,
        how=StatementMethod.WRITTEN,
        valid_from=at,
        valid_until=None,
        stated_at=at,
        recorded_at=at,
        recorded_by_agency=agency_id,
    )
