"""What agencies owe for what they have opened: incurred and lifted by the person's word, answered by the agency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain import obligations as domain
from services.consent.domain.persons import Group, Person, changed_in
from services.consent.domain.word import Word
from services.consent.storage import holdings, obligations, persons
from services.consent.storage.holdings import Holding
from services.consent.storage.obligations import Owed
from services.consent.use_cases import messages, records
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.database import Database
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import HoldingState, ObligationCause, ObligationEnd, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import ObligationEnded, ObligationIncurred, ObligationOverdue
from tsunagu_contracts.manifests import AnswerObligation

_TIMER = Actor(ActorKind.TIMER)
_SYSTEM = Actor.system("consent")


async def settle(
    work: Work, group: Group, word: Word, at: datetime, custody: Custody, cause: ObligationCause | None = None
) -> list[Saying]:
    """Let a new word bring about and lift obligations, each under a number of its record's; returns what to say.

    The rows of the person's records are locked; whoever calls saves them afterwards. `cause` is why, where the word
    itself does not say it.
    """
    as_of = group.number
    return [
        saying
        for person in group.records.values()
        for saying in await _settle(work, person, word, as_of, at, custody, cause)
    ]


async def _settle(
    work: Work, person: Person, word: Word, as_of: int, at: datetime, custody: Custody, because: ObligationCause | None
) -> list[Saying]:
    held = await obligations.held(work.session, person.record_id)
    if not held:
        return []
    still_open = await obligations.open_of(work.session, person.record_id)
    change = domain.changes(held, still_open, word, at, as_of)
    incurred = [
        ObligationIncurred(
            record_id=person.record_id,
            number=person.take_number(at),
            obligation_id=work.ids.new(),
            agency_id=each.agency_id,
            referral_id=each.referral_id,
            section_id=each.section_id,
            category=each.category,
            cause=because or cause,
            incurred_at=at,
            due_at=at + custody.bounds.answer_within,
        )
        for each, cause in change.incurred
    ]
    await obligations.insert(work.session, incurred)
    lifted = [_ended(person, each.obligation_id, each.held.agency_id, at) for each in change.lifted]
    for each in lifted:
        await obligations.end(work.session, each)
    said: list[ObligationIncurred | ObligationEnded] = [*incurred, *lifted]
    return [Saying(Emission(person.aggregate, each, _SYSTEM), each.number) for each in said]


def _ended(
    person: Person, obligation_id: str, agency_id: str, at: datetime, answer: Verified[AnswerObligation] | None = None
) -> ObligationEnded:
    """The end of an obligation by an agency's answer, or without one by the person's word; takes a number."""
    return ObligationEnded(
        record_id=person.record_id,
        number=person.take_number(at),
        obligation_id=obligation_id,
        agency_id=agency_id,
        end=answer.manifest.data.end if answer else ObligationEnd.LIFTED,
        kept_under=answer.manifest.data.kept_under if answer else None,
        ended_at=at,
        answered_by=answer.recorded_by if answer else None,
        message_id=answer.manifest.id if answer else None,
        manifest=answer.token if answer else None,
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """An obligation that has been answered; `again` when the same message had been taken before."""

    obligation_id: str
    ended_at: datetime
    again: bool


async def answer(work: Work, verified: Verified[AnswerObligation], custody: Custody) -> Answered:
    """Take an agency's word on an obligation of its own, under the person's row lock.

    The same message again changes nothing. Refuses with the codes of `appointed`, with `obligation_unknown` (also
    for another agency's) and with `obligation_ended` where it was answered otherwise or lifted.
    """
    manifest = verified.manifest
    obligation_id = manifest.data.obligation_id
    await messages.appointed(work, manifest)
    found = await obligations.find(work.session, obligation_id, manifest.agency_id)
    if found is None:
        raise Refusal(RefusalCode.OBLIGATION_UNKNOWN)
    group = await persons.lock_one(work.session, found.record_id)
    found = await obligations.find(work.session, obligation_id, manifest.agency_id) or found
    if found.ended_at is not None:
        if found.manifest is None or not verified.says_the_same(found.manifest):
            raise Refusal(RefusalCode.OBLIGATION_ENDED)
        return Answered(obligation_id, found.ended_at, again=True)
    at = custody.recording(group).moment
    person = group.records[found.record_id]
    ended = _ended(person, obligation_id, manifest.agency_id, at, verified)
    await obligations.end(work.session, ended)
    persons.save(work, [person])
    emission = Emission(person.aggregate, ended, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, ended.number)])
    return Answered(obligation_id, at, again=False)


async def list_owed(
    session: AsyncSession, caller: Caller, custody: Custody, *, after: str, limit: int, ended_too: bool
) -> Sequence[Owed]:
    """List what the caller's agency owes, by id; refuses with the codes of `acting`."""
    agency_id = await acting(session, caller, custody.clock.now())
    return await obligations.of_agency(session, agency_id, after=after, limit=limit, ended_too=ended_too)


async def list_held(
    session: AsyncSession, caller: Caller, custody: Custody, *, after: str
) -> tuple[Sequence[Holding], str | None]:
    """List what the caller's agency has opened and not deleted, by section id, and after which one to go on.

    Refuses with the codes of `acting`.
    """
    agency_id = await acting(session, caller, custody.clock.now())
    opened = await holdings.opened_by(session, agency_id, after)
    held = [each for each in opened if each.state is not HoldingState.DELETED]
    return held, opened[-1].section_id if len(opened) == holdings.AT_ONCE else None


async def notice_overdue(database: Database) -> None:
    """Say of every obligation whose date has passed that it is overdue."""
    while await notice_some(database):
        pass


async def notice_some(database: Database) -> bool:
    """Say it of some of them, in one transaction; returns whether there may be more."""
    return await database.until_settled(_notice)


async def _notice(work: Work) -> bool:
    passed = await obligations.overdue(work.session, work.now)
    locked = await persons.lock(work.session, {each.record_id for each in passed})
    sayings: list[Saying] = []
    for each in passed:
        group = locked[each.record_id]
        person = group.records[each.record_id]
        said = ObligationOverdue(
            record_id=each.record_id,
            number=person.number + 1,
            obligation_id=each.obligation_id,
            agency_id=each.agency_id,
            due_at=each.due_at,
            noticed_at=max(work.now, group.latest_at),
            referral_id=each.referral_id,
        )
        if await obligations.mark_overdue(work.session, said):
            person.take_number(said.noticed_at)
            sayings.append(Saying(Emission(person.aggregate, said, _TIMER), said.number))
    persons.save(work, changed_in(locked.values()))
    await records.say(work, sayings)
    return bool(passed)
