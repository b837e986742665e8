"""Deciding as of a moment past, and as if the person withdrew: the same decision over another word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral, Section, coverage_of, decide_section
from services.consent.domain.decisions import Decision
from services.consent.domain.joins import merged, own_number, up_to
from services.consent.domain.statements import Statement
from services.consent.domain.word import SILENCE, Word
from services.consent.storage import joins, looking, persons, referrals, words
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
class CoverageAsOf:
    """What was covered of every section of a referral, at a moment."""

    at: datetime
    sections: tuple[SectionCoverage, ...]


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


async def read(
    session: AsyncSession,
    referral_id: str,
    *,
    as_of: int | None,
    at: datetime,
    joined: Mapping[str, int] | None = None,
) -> Reading:
    """Read the record as of a number (by default the last one), at a moment; refuses with `referral_unknown`.

    Of records that are one person's with it, those count that were joined at that moment, up to what had been recorded
    by then, or those of `joined` up to the numbers that it gives, as a release names them; without a number all that
    are joined now, in full.
    """
    referral = await referrals.load(session, referral_id)
    if referral is None:
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    if referral.record_id is None:
        return Reading(referral, 0, 0, at, [(each, _decide(referral, each, {}, at, 0)) for each in referral.sections])
    group = await persons.look(session, referral.record_id)
    last = group.records[referral.record_id].number
    if as_of is None:
        said, number = await words.of(session, group.records), group.number
    else:
        numbers = await _numbers_at(session, referral.record_id, at) if joined is None else {**joined}
        numbers[referral.record_id] = as_of
        said, number = up_to(await words.of(session, numbers), numbers), sum(numbers.values())
    decisions = [(each, _decide(referral, each, said, at, number)) for each in referral.sections]
    return Reading(referral, last if as_of is None else as_of, last, at, decisions)


def _decide(referral: Referral, section: Section, said: Mapping[str, Word], at: datetime, as_of: int) -> Decision:
    """Decide over all records; what it rests on is told by its number under its own record."""
    decision = decide_section(referral, section, merged(said) if said else SILENCE, at, as_of)
    if decision.statement_id is None:
        return decision
    return replace(decision, statement_number=own_number(said, decision.statement_id))


async def _numbers_at(session: AsyncSession, record_id: str, at: datetime) -> dict[str, int]:
    """The records that were one person's with this one at a moment, each with its last number by then."""
    joined = await joins.joined_at(session, record_id, at)
    return {each: await persons.number_at(session, each, at) for each in joined}


async def now(work: Work, caller: Caller, referral_id: str, custody: Custody) -> CoverageAsOf:
    """Tell a party of a referral what is covered now; refuses as `as_of`."""
    at = custody.clock.now()
    seen = await looking.look(work, referral_id, coordinator_id=callers.id_of(caller))
    referral = known_to(callers.agency_of(caller, seen.appointments, at, parties_of(seen.referral)), seen.referral)
    if seen.group is None:
        return CoverageAsOf(at, coverage_of(referral, SILENCE, at, 0))
    return CoverageAsOf(at, coverage_of(referral, merged(seen.words), at, seen.group.number))


async def as_of(
    session: AsyncSession, caller: Caller, referral_id: str, at: datetime, custody: Custody
) -> CoverageAsOf:
    """Tell a party of a referral what was covered at a moment; it is not told numbers, which count others' acts.

    Refuses with `referral_unknown`, for everybody else too, with `stated_in_future` a moment that is still to come,
    and with the codes of `acting`.
    """
    referral, _ = await of_party(session, caller, referral_id, custody)
    if at > custody.clock.now() + custody.bounds.clock_tolerance:
        raise Refusal(RefusalCode.STATED_IN_FUTURE)
    if referral.record_id is None:
        return CoverageAsOf(at, coverage_of(referral, SILENCE, at, 0))
    numbers = await _numbers_at(session, referral.record_id, at)
    said = up_to(await words.of(session, numbers), numbers)
    return CoverageAsOf(at, coverage_of(referral, merged(said), at, sum(numbers.values())))


async def if_withdrawn(
    session: AsyncSession, caller: Caller, referral_id: str, withdrawal: Withdrawal, custody: Custody
) -> list[Change]:
    """What would change for a party's open referrals of this person if the person withdrew this now.

    Refuses with `referral_unknown`, for everybody else too, and with the codes of `acting`.
    """
    now = custody.clock.now()
    referral, agency_id = await of_party(session, caller, referral_id, custody)
    word, group = await word_on(session, referral)
    last = group.number
    after = replace(word, statements=(*word.statements, _withdrawn(withdrawal, last + 1, now, agency_id)))
    return [
        Change(each.referral_id, before, then)
        for each in await referrals.open_of(session, group.records)
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
