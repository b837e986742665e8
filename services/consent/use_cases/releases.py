"""Handing over a section's key: decided and recorded in one transaction, committed before the key leaves.

Three steps, in this order and no other: `prepare` opens the capsule while nothing is locked; `decide`
judges and records under the person's row lock; `hand_over` wraps the key, once that has committed.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.consent.domain.coverage import Referral, Section
from services.consent.domain.examination import content_key_of
from services.consent.domain.persons import Person
from services.consent.domain.releases import Verdict, judge
from services.consent.domain.statements import Recording
from services.consent.domain.word import SILENCE, Word
from services.consent.storage import persons, referrals, releases, words
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
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused
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

    Without a referral (unknown, or the caller is no party) and without a key nothing can be handed over.
    """

    request: Request
    coordinator: Coordinator
    referral: Referral | None
    recipient_key: PublicKey | None
    content_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided and recorded; `refusal` is what the caller is told where no key is handed over."""

    release_id: str
    refusal: Refusal | None


async def prepare(session: AsyncSession, caller: Caller, request: Request, custody: Custody) -> Prepared:
    """Find who asks for what and, for the addressee, open the capsule; nothing is locked and nothing decided.

    Refuses with the codes of `callers.asking`.
    """
    referral = await referrals.load(session, request.referral_id)
    addressee = referral.addressee if referral else None
    coordinator = await callers.asking(session, caller, request.appointment_id, addressee, custody.clock.now())
    if referral is None or not referral.is_party(coordinator.asker.agency_id):
        return Prepared(request, coordinator, None, None)
    recipient = await membership.agency(session, referral.addressee)
    section = referral.section(request.section_id)
    content_key = None
    if section is not None and coordinator.asker.agency_id == referral.addressee:
        content_key = await _open(referral, section, custody)
    return Prepared(request, coordinator, referral, recipient.keys.encryption if recipient else None, content_key)


async def _open(referral: Referral, section: Section, custody: Custody) -> bytes | None:
    """The section's content key; None where the seal is broken or the handle's key is gone."""
    if section.invalid is not None or referral.capsule is None:
        return None
    handle_key = (await custody.store.load([referral.handle_id])).get(referral.handle_id)
    if handle_key is None:
        return None
    facts = SectionFacts(section_id=section.section_id, category=section.category, digest=section.digest)
    try:
        return await asyncio.to_thread(content_key_of, referral.sender, facts, referral.capsule, handle_key)
    except Refusal:
        return None


async def decide(work: Work, prepared: Prepared, custody: Custody) -> Outcome:
    """Judge a release and record it, granted or refused, as of the person's last number.

    The referral's row is held first and the person's locked then: a withdrawal waits for nothing else.
    """
    referral = prepared.referral
    if referral is None:
        return await _record(work, prepared, _UNKNOWN, None, custody.clock.now())
    referral = await referrals.hold(work.session, referral)
    person, word = await _locked_person(work.session, referral)
    now = custody.clock.now()
    recording = Recording(now, person.latest_at if person else now, custody.bounds.clock_tolerance)
    verdict = judge(
        referral,
        prepared.request.section_id,
        prepared.coordinator.asker,
        word,
        recording,
        person.number if person else 0,
    )
    return await _record(work, prepared, _with_key(verdict, prepared), person, recording.moment)


async def _locked_person(session: AsyncSession, referral: Referral) -> tuple[Person | None, Word]:
    """Lock the person's row and read what was said; nobody's where nothing of the referral is valid."""
    if referral.record_id is None:
        return None, SILENCE
    person = (await persons.lock(session, [referral.record_id]))[referral.record_id]
    return person, (await words.of(session, [person.record_id]))[person.record_id]


def _with_key(verdict: Verdict, prepared: Prepared) -> Verdict:
    """Refuse what would otherwise be recorded as handed over while there is no key to hand over."""
    if verdict.refusal is None and (prepared.content_key is None or prepared.recipient_key is None):
        return Verdict(RefusalCode.CANNOT_OPEN, RefusalCode.CANNOT_OPEN)
    return verdict


def hand_over(prepared: Prepared, outcome: Outcome) -> str:
    """Wrap the key for the agency's pinned key; only once the decision has committed.

    Raises the refusal where there is one.
    """
    if outcome.refusal is not None:
        raise outcome.refusal
    if prepared.content_key is None or prepared.recipient_key is None:
        raise Refusal(RefusalCode.CANNOT_OPEN)
    released = ReleasedKey(
        release_id=outcome.release_id,
        referral_id=prepared.request.referral_id,
        section_id=prepared.request.section_id,
        key=to_base64url(prepared.content_key),
    )
    return wrap_content_key(released, prepared.recipient_key)


async def _record(work: Work, prepared: Prepared, verdict: Verdict, person: Person | None, at: datetime) -> Outcome:
    """Write the release or its refusal, and say it on the person's record or, without one, on its own."""
    release_id = work.ids.new()
    if person is not None:
        person.take_number(at)
        persons.save(work, [person])
    granted = _granted(prepared, verdict, release_id, person, at)
    said = granted or _refused(prepared, verdict, release_id, person, at)
    await releases.insert(work.session, said)
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
    prepared: Prepared, verdict: Verdict, release_id: str, person: Person | None, at: datetime
) -> ReleaseGranted | None:
    """The release, where it rests on everything that one must rest on; its absence is a refusal."""
    coordinator, referral, ground = prepared.coordinator, prepared.referral, verdict.decision
    section = referral.section(prepared.request.section_id) if referral else None
    if verdict.refusal is not None or person is None or referral is None or section is None:
        return None
    if ground is None or ground.statement_id is None or ground.statement_number is None:
        return None
    if not ground.permit or coordinator.appointment_id is None:
        return None
    return ReleaseGranted(
        record_id=person.record_id,
        number=person.number,
        release_id=release_id,
        referral_id=referral.referral_id,
        section_id=section.section_id,
        category=section.category,
        purpose=referral.purpose,
        recipient=coordinator.asker.agency_id,
        coordinator_id=coordinator.coordinator_id,
        appointment_id=coordinator.appointment_id,
        statement_id=ground.statement_id,
        statement_number=ground.statement_number,
        decided_at=at,
        provider=referral.sender,
    )


def _refused(
    prepared: Prepared, verdict: Verdict, release_id: str, person: Person | None, at: datetime
) -> ReleaseRefused:
    request, coordinator, referral = prepared.request, prepared.coordinator, prepared.referral
    section = referral.section(request.section_id) if referral else None
    return ReleaseRefused(
        record_id=person.record_id if person else None,
        number=person.number if person else None,
        release_id=release_id,
        referral_id=request.referral_id,
        section_id=request.section_id,
        category=section.category if section else None,
        recipient=coordinator.asker.agency_id,
        coordinator_id=coordinator.coordinator_id,
        appointment_id=coordinator.appointment_id,
        reason=verdict.reason,
        decided_at=at,
    )
