"""A person's requests: opened with a date, answered by each agency for its own part, told when overdue."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.cases import check_answer
from services.consent.domain.persons import Group, Person, changed_in
from services.consent.storage import cases, persons, representatives
from services.consent.storage.cases import Asked, Part
from services.consent.use_cases import messages, records
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.database import Database
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import CaseAnswered, CaseAsked, CaseClosed, CaseOpened, CaseOverdue
from tsunagu_contracts.manifests import AnswerCase, OpenCase

_TIMER = Actor(ActorKind.TIMER)
_SYSTEM = Actor.system("consent")


@dataclass(frozen=True, slots=True)
class Opened:
    """A case that is open until its date; `again` when the same message had opened it before.

    Who is asked, and how many, is not in it: that would tell which other agencies know the person.
    """

    case_id: str
    opened_at: datetime
    due_at: datetime
    again: bool


async def open_case(work: Work, verified: Verified[OpenCase], custody: Custody) -> Opened:
    """Open a case with a part for every agency that sent a referral of the person or opened a section of one.

    The same message again changes nothing. Refuses with `duplicate_id` (other content under a known id), the codes
    of `appointed` and `party_to`, `dated_in_future`, `clock_stepped_back`, `representative_unknown` and
    `representation_not_valid`.
    """
    manifest, made = verified.manifest, verified.manifest.data
    _, person, group = await messages.about(work, manifest, made.referral_id)
    known = await cases.known(work.session, manifest.agency_id, made.case_id, manifest.id)
    if known:
        if not verified.says_the_same(known[0].manifest):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Opened(made.case_id, known[0].opened_at, known[0].due_at, again=True)
    recording = custody.recording(group)
    recording.check_clock()
    recording.check_past(made.received_at)
    await _check_representative(work.session, group, manifest)
    opened = _opened(verified, person, recording.moment, custody)
    asked = [
        (
            CaseAsked(
                record_id=person.record_id,
                number=person.take_number(recording.moment),
                case_id=opened.case_id,
                part_id=work.ids.new(),
                agency_id=each.agency_id,
                referral_id=each.referral_ids[0],
                due_at=opened.due_at,
            ),
            each,
        )
        for each in await cases.knowing(work.session, group.records)
    ]
    await cases.insert(work.session, opened)
    await cases.insert_parts(work.session, manifest.agency_id, opened.kind, asked)
    persons.save(work, group.changed)
    said = Emission(person.aggregate, opened, verified.actor, manifest.appointment)
    parts = [Saying(Emission(person.aggregate, each, _SYSTEM), each.number) for each, _ in asked]
    await records.say(work, [Saying(said, opened.number), *parts])
    return Opened(opened.case_id, opened.opened_at, opened.due_at, again=False)


async def _check_representative(session: AsyncSession, group: Group, manifest: OpenCase) -> None:
    """Refuse whoever asks in the person's stead and is not recorded as one who may, at that time (施行令13条)."""
    made = manifest.data
    if made.representative is None:
        return
    found = await representatives.last(session, group.records, manifest.agency_id, made.representative)
    if found is None:
        raise Refusal(RefusalCode.REPRESENTATIVE_UNKNOWN)
    found.check_speaking((), (), made.received_at)


def _opened(verified: Verified[OpenCase], person: Person, at: datetime, custody: Custody) -> CaseOpened:
    """The case as it will be recorded, with its date; takes the person's next number, at this moment."""
    made = verified.manifest.data
    return CaseOpened(
        record_id=person.record_id,
        number=person.take_number(at),
        case_id=made.case_id,
        referral_id=made.referral_id,
        kind=made.kind,
        how=made.how,
        representative_id=made.representative,
        received_at=made.received_at,
        opened_at=at,
        due_at=at + custody.bounds.case_within,
        opened_by=verified.recorded_by,
        message_id=verified.manifest.id,
        manifest=verified.token,
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """A part that has been answered; `again` when the same message had been taken before."""

    part_id: str
    answered_at: datetime
    again: bool


async def answer(work: Work, verified: Verified[AnswerCase], custody: Custody) -> Answered:
    """Take an agency's answer for its own part, under the person's row lock, and close the case with the last one.

    The same message again changes nothing. Refuses with the codes of `appointed`, with `case_unknown` (also for
    another agency's part), `case_answered` (otherwise before), `duplicate_id` (the message answered another part)
    and `invalid_content` (an answer to something else than was asked).
    """
    manifest, given = verified.manifest, verified.manifest.data
    await messages.appointed(work, manifest)
    found = await cases.find(work.session, given.part_id, manifest.agency_id)
    if found is None:
        raise Refusal(RefusalCode.CASE_UNKNOWN)
    group = await persons.lock_one(work.session, found.record_id)
    person = group.records[found.record_id]
    part = await cases.find(work.session, given.part_id, manifest.agency_id) or found
    if part.ended_at is not None:
        if part.manifest is None or not verified.says_the_same(part.manifest):
            raise Refusal(RefusalCode.CASE_ANSWERED)
        return Answered(given.part_id, part.ended_at, again=True)
    if await cases.answered_by(work.session, manifest.agency_id, manifest.id) is not None:
        raise Refusal(RefusalCode.DUPLICATE_ID)
    check_answer(part.kind, given.end, given.refused_under)
    at = custody.recording(group).moment
    said = CaseAnswered(
        record_id=person.record_id,
        number=person.take_number(at),
        case_id=part.case_id,
        part_id=given.part_id,
        agency_id=manifest.agency_id,
        referral_id=part.referral_ids[0],
        end=given.end,
        refused_under=given.refused_under,
        answered_at=at,
        answered_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await cases.answer(work.session, said)
    sayings = [Saying(Emission(person.aggregate, said, verified.actor, manifest.appointment), said.number)]
    if not await cases.still_open(work.session, part):
        sayings.append(await _close(work, person, part, at))
    persons.save(work, group.changed)
    await records.say(work, sayings)
    return Answered(given.part_id, at, again=False)


async def _close(work: Work, person: Person, part: Part, at: datetime) -> Saying:
    closed = CaseClosed(
        record_id=person.record_id,
        number=person.take_number(at),
        case_id=part.case_id,
        referral_id=part.opened_for,
        closed_at=at,
    )
    await cases.close(work.session, part, closed)
    return Saying(Emission(person.aggregate, closed, _SYSTEM), closed.number)


async def list_parts(
    session: AsyncSession, caller: Caller, custody: Custody, *, after: str, answered_too: bool
) -> list[Asked]:
    """List what the caller's agency is to answer for, by part; refuses with the codes of `acting`."""
    agency_id = await acting(session, caller, custody.clock.now())
    return await cases.of_agency(session, agency_id, after=after, answered_too=answered_too)


async def notice_overdue(database: Database) -> None:
    """Say of every part whose date has passed that it is overdue."""
    while await notice_some(database):
        pass


async def notice_some(database: Database) -> bool:
    """Say it of some of them, in one transaction; returns whether there may be more."""
    return await database.until_settled(_notice)


async def _notice(work: Work) -> bool:
    passed = await cases.overdue(work.session, work.now)
    locked = await persons.lock(work.session, {each.record_id for each in passed})
    sayings: list[Saying] = []
    for each in passed:
        group = locked[each.record_id]
        person = group.records[each.record_id]
        said = CaseOverdue(
            record_id=each.record_id,
            number=person.number + 1,
            case_id=each.case_id,
            part_id=each.part_id,
            agency_id=each.agency_id,
            referral_id=each.referral_ids[0],
            due_at=each.due_at,
            noticed_at=max(work.now, group.latest_at),
        )
        if await cases.mark_overdue(work.session, said):
            person.take_number(said.noticed_at)
            sayings.append(Saying(Emission(person.aggregate, said, _TIMER), said.number))
    persons.save(work, changed_in(locked.values()))
    await records.say(work, sayings)
    return bool(passed)
