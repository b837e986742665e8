"""Requests that the person be asked: opened by an agency's message, answered by the person's word or a review's end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.consent.domain import asking as domain
from services.consent.domain.asking import PersonRequest
from services.consent.domain.persons import Group
from services.consent.domain.word import Word
from services.consent.storage import asking, persons, renewals
from services.consent.storage.renewals import Renewal
from services.consent.use_cases import messages, records
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode, RequestKind, StatementKind
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import (
    ConsentRequested,
    RequestAnswered,
    StatementRecorded,
    StatementWithdrawnByPerson,
)
from tsunagu_contracts.manifests import AnswerReview, AskPerson

_SYSTEM = Actor.system("consent")

Spoken = StatementRecorded | StatementWithdrawnByPerson
"""The person's word as its event says it, brought by an agency or at their own door."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is open; `again` when the same message had been taken before."""

    request_id: str
    deadline: datetime
    again: bool


async def ask(work: Work, verified: Verified[AskPerson], custody: Custody) -> Asked:
    """Open a request under the person's row lock: the sender of the referral is to ask the person.

    The same message again changes nothing. Refuses with the codes of `appointed` and `party_to`, with
    `referral_not_open`, `agency_unknown` (a recipient), `duplicate_id`, `clock_stepped_back` and `deadline_not_valid`.
    """
    manifest, wanted = verified.manifest, verified.manifest.data
    referral, person, group = await messages.about(work, manifest, wanted.referral_id)
    earlier = await asking.earlier(work.session, wanted.request_id, manifest.agency_id, manifest.id)
    if earlier is not None:
        if earlier.manifest is None or not verified.says_the_same(earlier.manifest):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Asked(earlier.request_id, earlier.deadline, again=True)
    if referral.is_closed:
        raise Refusal(RefusalCode.REFERRAL_NOT_OPEN)
    recipients = set(wanted.recipients or ())
    if recipients - (await membership.agencies(work.session, recipients)).keys():
        raise Refusal(RefusalCode.AGENCY_UNKNOWN)
    recording = custody.recording(group)
    recording.check_clock()
    domain.check_deadline(wanted.deadline, recording.moment, custody.bounds.ask_within)
    requested = ConsentRequested(
        record_id=person.record_id,
        number=person.take_number(recording.moment),
        request_id=wanted.request_id,
        kind=RequestKind.ASKED,
        agency_id=referral.sender,
        referral_id=referral.referral_id,
        categories=wanted.categories,
        purposes=wanted.purposes,
        recipients=wanted.recipients,
        deadline=wanted.deadline,
        requested_at=recording.moment,
        requested_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    request = PersonRequest(
        request_id=requested.request_id,
        record_id=person.record_id,
        kind=requested.kind,
        agency_id=requested.agency_id,
        referral_id=requested.referral_id,
        categories=frozenset(wanted.categories),
        purposes=frozenset(wanted.purposes),
        recipients=None if wanted.recipients is None else frozenset(wanted.recipients),
        change=None,
        opened_at=requested.requested_at,
        deadline=requested.deadline,
    )
    await asking.insert(work.session, [(request, requested.number)], requested)
    persons.save(work, group.changed)
    emission = Emission(person.aggregate, requested, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, requested.number)])
    return Asked(requested.request_id, requested.deadline, again=False)


async def settle(work: Work, group: Group, word: Word, said: Spoken, custody: Custody) -> Sequence[Saying]:
    """Let a statement answer requests, and note when to ask again about a grant; returns what to say.

    The rows of the person's records are locked; whoever calls saves them afterwards.
    """
    by = said if isinstance(said, StatementRecorded) else None
    if by is not None:
        await note_renewal(work.session, by, custody)
    sayings: list[Saying] = []
    for request in await asking.open_of(work.session, group.records):
        person = group.records[request.record_id]
        since = [
            each
            for each in word.statements
            if each.recorded_at > request.opened_at or each.statement_id == said.statement_id
        ]
        if request.is_answered_by(since) and await asking.end(work.session, request.request_id, said.recorded_at):
            answered = RequestAnswered(
                record_id=person.record_id,
                number=person.take_number(said.recorded_at),
                request_id=request.request_id,
                kind=request.kind,
                agency_id=request.agency_id,
                referral_id=request.referral_id,
                deadline=request.deadline,
                statement_id=said.statement_id,
                answer=None,
                answered_at=said.recorded_at,
                answered_by=by.recorded_by if by else None,
                message_id=by.message_id if by else None,
                manifest=by.manifest if by else None,
            )
            sayings.append(Saying(Emission(person.aggregate, answered, _SYSTEM), answered.number))
    return sayings


async def note_renewal(session: AsyncSession, said: StatementRecorded, custody: Custody) -> None:
    """Note when the person is to be asked again about a grant that ends or stands without an end."""
    if said.kind is not StatementKind.GRANT or (said.disaster_in is not None and said.valid_until is None):
        return
    bounds = custody.bounds
    due_at = domain.renewal_due_at(
        said.valid_from, said.valid_until, said.recorded_at, bounds.renew_within, bounds.review_every
    )
    if due_at is not None:
        await renewals.note(session, Renewal(said.statement_id, said.record_id, said.referral_id, due_at))


@dataclass(frozen=True, slots=True)
class Answered:
    """A review that has ended; `again` when the same message had been taken before."""

    request_id: str
    ended_at: datetime
    again: bool


async def answer(work: Work, verified: Verified[AnswerReview], custody: Custody) -> Answered:
    """Take an agency's word on a review of its own, under the person's row lock.

    The same message again changes nothing. Refuses with the codes of `appointed`, with `request_unknown` (also for
    another agency's), `request_ended`, and with `not_permitted` what only the person's word can answer.
    """
    manifest = verified.manifest
    request_id = manifest.data.request_id
    await messages.appointed(work, manifest)
    found = await asking.find(work.session, request_id, manifest.agency_id)
    if found is None:
        raise Refusal(RefusalCode.REQUEST_UNKNOWN)
    request = found.request
    group = await persons.lock_one(work.session, request.record_id)
    person = group.records[request.record_id]
    found = await asking.find(work.session, request_id, manifest.agency_id) or found
    if found.ended_at is not None:
        if found.answer_manifest is None or not verified.says_the_same(found.answer_manifest):
            raise Refusal(RefusalCode.REQUEST_ENDED)
        return Answered(request_id, found.ended_at, again=True)
    if request.kind not in domain.REVIEWS:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    at = custody.recording(group).moment
    answered = RequestAnswered(
        record_id=person.record_id,
        number=person.take_number(at),
        request_id=request_id,
        kind=request.kind,
        agency_id=request.agency_id,
        referral_id=request.referral_id,
        deadline=request.deadline,
        statement_id=None,
        answer=manifest.data.answer,
        answered_at=at,
        answered_by=verified.recorded_by,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await asking.end(work.session, request_id, at, verified.token)
    persons.save(work, group.changed)
    emission = Emission(person.aggregate, answered, verified.actor, manifest.appointment)
    await records.say(work, [Saying(emission, answered.number)])
    return Answered(request_id, at, again=False)


async def list_open(
    session: AsyncSession, caller: Caller, custody: Custody, *, after: str, limit: int
) -> Sequence[PersonRequest]:
    """List what the caller's agency is to ask, by id; refuses with the codes of `acting`."""
    agency_id = await acting(session, caller, custody.clock.now())
    return await asking.of_agency(session, agency_id, after=after, limit=limit)
