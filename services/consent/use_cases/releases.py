"""Handing over a section's key: decided and recorded in one transaction, committed before the key leaves.

Three steps, in this order and no other: `prepare` reads and opens the capsule while nothing is locked; `decide`
judges and records, as of a number that is still the person's last when the record is written; `hand_over` wraps
the key, once that has committed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import Referral, Section
from services.consent.domain.examination import content_key_of
from services.consent.domain.joins import merged, own_number
from services.consent.domain.persons import Group, Person
from services.consent.domain.releases import Verdict, judge
from services.consent.domain.statements import Recording
from services.consent.domain.word import SILENCE, Word
from services.consent.storage import looking, persons, referrals, releases, words
from services.consent.storage.looking import Seen
from services.consent.use_cases import callers, records
from services.consent.use_cases.callers import Coordinator
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RecordNumber, ReleaseGranted, ReleaseRefused
from tsunagu_contracts.events.referral import SectionFacts
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.sealing import ReleasedKey, wrap_content_key

_UNKNOWN = Verdict(RefusalCode.REFERRAL_UNKNOWN, RefusalCode.REFERRAL_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and under which appointment where the coordinator has several."""

    referral_id: str
    section_id: str
    appointment_id: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a release needs beside the decision; the content key is in memory only and nowhere printed.

    `seen` is what was read at that moment, None where the referral is unknown or the caller no party to it. Without it
    and without a key nothing can be handed over.
    """

    request: Request
    coordinator: Coordinator
    at: datetime
    seen: Seen | None = None
    content_key: bytes | None = field(default=None, repr=False)

    @property
    def referral(self) -> Referral | None:
        """The referral as it was seen."""
        return self.seen.referral if self.seen else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided and recorded; `refusal` is what the caller is told where no key is handed over."""

    release_id: str
    refusal: Refusal | None


async def prepare(work: Work, caller: Caller, request: Request, custody: Custody) -> Prepared:
    """Find who asks for what and, for the addressee, open the capsule; nothing is locked and nothing decided.

    Refuses with the codes of `callers.asking`.
    """
    # Before anything is read: what is true of the moment that will be recorded has then been read.
    at = custody.clock.now()
    seen = await looking.look(
        work,
        request.referral_id,
        coordinator_id=callers.id_of(caller),
        appointment_id=request.appointment_id,
    )
    referral = seen.referral
    addressee = referral.addressee if referral else None
    coordinator = callers.asking(caller, seen.appointments, request.appointment_id, addressee, at)
    if referral is None or not referral.is_party(coordinator.asker.agency_id):
        return Prepared(request, coordinator, at)
    section = referral.section(request.section_id)
    content_key = None
    if section is not None and coordinator.asker.agency_id == referral.addressee:
        content_key = await asyncio.to_thread(_open, referral, section, custody)
    return Prepared(request, coordinator, at, seen, content_key)


def _open(referral: Referral, section: Section, custody: Custody) -> bytes | None:
    """The section's content key; None where the seal is broken or the handle's key is gone."""
    if section.invalid is not None or referral.capsule is None:
        return None
    handle_key = custody.store.read([referral.handle_id]).get(referral.handle_id)
    if handle_key is None:
        return None
    facts = SectionFacts(section_id=section.section_id, category=section.category, digest=section.digest)
    try:
        return content_key_of(referral.sender, facts, referral.capsule, handle_key)
    except Refusal:
        return None


async def decide(work: Work, prepared: Prepared, custody: Custody) -> Outcome:
    """Judge a release and record it, granted or refused, over all that the person has said.

    Without a transaction it rests on what was seen, and nothing of it is kept where the referral stands otherwise by
    then or something later has been recorded of the person. In a transaction the referral's row is held first and the
    person's are locked then: a withdrawal waits for nothing else.
    """
    referral, seen = prepared.referral, prepared.seen
    if referral is None or seen is None:
        return await _record(work, prepared, _UNKNOWN, None, custody.clock.now())
    if work.locks:
        referral = await referrals.hold(work.session, referral)
        read = await _locked(work.session, referral)
        now = custody.clock.now()
    else:
        referrals.rely_on(work, referral)
        read = _seen(seen, referral)
        now = prepared.at
        if read is not None:
            work.rely_on({read.person.aggregate: seen.head})
    recording = Recording(now, read.group.next_at if read else now, custody.bounds.clock_tolerance)
    verdict = judge(
        referral,
        prepared.request.section_id,
        prepared.coordinator.asker,
        merged(read.words) if read else SILENCE,
        recording,
        read.group.number if read else 0,
    )
    return await _record(work, prepared, _with_key(verdict, prepared), read, recording.moment)


@dataclass(frozen=True, slots=True)
class _Read:
    """A person as read: the record that the referral is of, and what was said under all that are joined with it."""

    person: Person
    group: Group
    words: Mapping[str, Word]

    @property
    def joined(self) -> tuple[RecordNumber, ...] | None:
        """Up to which numbers the other records were read; None where there is none."""
        others = [each for each in self.group.records.values() if each is not self.person]
        return tuple(RecordNumber(record_id=each.record_id, number=each.number) for each in others) or None


async def _locked(session: AsyncSession, referral: Referral) -> _Read | None:
    """Lock the person's rows and read what was said; nobody's where nothing of the referral is valid."""
    if referral.record_id is None:
        return None
    group = await persons.lock_one(session, referral.record_id)
    return _Read(group.records[referral.record_id], group, await words.of(session, group.records))


def _seen(seen: Seen, referral: Referral) -> _Read | None:
    """The same as it was seen; what is tried again finds it as it was."""
    if seen.group is None or referral.record_id is None:
        return None
    group = Group({record_id: replace(person) for record_id, person in seen.group.records.items()})
    return _Read(group.records[referral.record_id], group, seen.words)


def _with_key(verdict: Verdict, prepared: Prepared) -> Verdict:
    """Refuse what would otherwise be recorded as handed over while there is no key to hand over."""
    if verdict.refusal is None and (prepared.content_key is None or _recipient_key(prepared) is None):
        return Verdict(RefusalCode.CANNOT_OPEN, RefusalCode.CANNOT_OPEN)
    return verdict


def _recipient_key(prepared: Prepared) -> PublicKey | None:
    return prepared.seen.recipient_key if prepared.seen else None


def hand_over(prepared: Prepared, outcome: Outcome) -> str:
    """Wrap the key for the agency's pinned key; only once the decision has committed.

    Raises the refusal where there is one.
    """
    if outcome.refusal is not None:
        raise outcome.refusal
    recipient_key = _recipient_key(prepared)
    if prepared.content_key is None or recipient_key is None:
        raise Refusal(RefusalCode.CANNOT_OPEN)
    released = ReleasedKey(
        release_id=outcome.release_id,
        referral_id=prepared.request.referral_id,
        section_id=prepared.request.section_id,
        key=to_base64url(prepared.content_key),
    )
    return wrap_content_key(released, recipient_key)


async def _record(work: Work, prepared: Prepared, verdict: Verdict, read: _Read | None, at: datetime) -> Outcome:
    """Write the release or its refusal, and say it on the person's record or, without one, on its own."""
    release_id = work.ids.new()
    person = read.person if read else None
    if read is not None:
        read.person.take_number(at)
        # All of the records: a word under any of them that was not read lets nothing of this be kept.
        persons.save(work, read.group.records.values())
    granted = _granted(prepared, verdict, release_id, read, at)
    said = granted or _refused(prepared, verdict, release_id, read, at)
    releases.insert(work, said)
    aggregate = person.aggregate if person else f"refusal:{release_id}"
    actor = Actor.coordinator(prepared.coordinator.coordinator_id)
    emission = Emission(aggregate, said, actor, prepared.coordinator.appointment_id)
    await records.say(work, [Saying(emission, said.number)])
    if granted is not None:
        return Outcome(release_id, None)
    code = verdict.refusal or RefusalCode.NOT_PERMITTED
    detail = {} if verdict.reason.value == code.value else {"reason": verdict.reason.value}
    return Outcome(release_id, Refusal(code, **detail))


def _granted(
    prepared: Prepared, verdict: Verdict, release_id: str, read: _Read | None, at: datetime
) -> ReleaseGranted | None:
    """The release, where it rests on everything that one must rest on; its absence is a refusal."""
    coordinator, referral, ground = prepared.coordinator, prepared.referral, verdict.decision
    section = referral.section(prepared.request.section_id) if referral else None
    if verdict.refusal is not None or read is None or referral is None or section is None:
        return None
    if ground is None or ground.statement_id is None:
        return None
    if not ground.permit or coordinator.appointment_id is None:
        return None
    return ReleaseGranted(
        record_id=read.person.record_id,
        number=read.person.number,
        release_id=release_id,
        referral_id=referral.referral_id,
        section_id=section.section_id,
        category=section.category,
        purpose=referral.purpose,
        recipient=coordinator.asker.agency_id,
        coordinator_id=coordinator.coordinator_id,
        appointment_id=coordinator.appointment_id,
        statement_id=ground.statement_id,
        statement_number=own_number(read.words, ground.statement_id),
        decided_at=at,
        provider=referral.sender,
        joined=read.joined,
    )


def _refused(prepared: Prepared, verdict: Verdict, release_id: str, read: _Read | None, at: datetime) -> ReleaseRefused:
    request, coordinator, referral = prepared.request, prepared.coordinator, prepared.referral
    section = referral.section(request.section_id) if referral else None
    return ReleaseRefused(
        record_id=read.person.record_id if read else None,
        number=read.person.number if read else None,
        release_id=release_id,
        referral_id=request.referral_id,
        section_id=request.section_id,
        category=section.category if section else None,
        recipient=coordinator.asker.agency_id,
        coordinator_id=coordinator.coordinator_id,
        appointment_id=coordinator.appointment_id,
        reason=verdict.reason,
        decided_at=at,
        joined=read.joined if read else None,
    )
