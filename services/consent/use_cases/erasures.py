"""Erasing a person: nothing opens from the commit on, and the keys of all their handles are destroyed right after.

What was opened before becomes obligations that no later word lifts. What the sender refers next under the same
reference begins a new record, which nothing joins to this one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.persons import Person
from services.consent.domain.statements import Recording
from services.consent.storage import erasures, persons, words
from services.consent.use_cases import messages, obligations, records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.eventing.database import Database
from services.eventing.statements import Conflict
from services.eventing.work import Emission, Work
from tsunagu_contracts.codes import RefusalCode, Role
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RecordErased
from tsunagu_contracts.manifests import ErasePerson


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person who is erased; `again` when the same message had been taken before."""

    erasure_id: str
    erased_at: datetime
    again: bool


async def erase(work: Work, verified: Verified[ErasePerson], custody: Custody) -> Erasure:
    """Erase the person of a referral, under the row lock of everything that is theirs.

    The same message again changes nothing. Refuses with the codes of `appointed` and `party_to`, with
    `not_permitted` whoever is no supervisor, with `duplicate_id` (another message under a known id), with
    `person_erased` what is erased already, and with `stated_in_future` and `clock_stepped_back`.
    """
    manifest = verified.manifest
    appointment = await messages.appointed(work, manifest)
    _, record_id = await messages.party_to(work.session, manifest.data.referral_id, manifest.agency_id)
    if appointment.role is not Role.SUPERVISOR:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    record_ids = {record_id}
    handles = await erasures.handles(work.session, record_ids, hold=True)
    locked = await persons.lock(work.session, record_ids)
    earlier = await erasures.earlier(work.session, manifest.data.erasure_id, manifest.agency_id, manifest.id)
    if earlier is not None:
        if not verified.says_the_same(earlier.manifest):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Erasure(earlier.erasure_id, earlier.recorded_at, again=True)
    if await erasures.handles(work.session, record_ids) != handles:
        # A referral came in before the lock, and its row has yet to be taken in the order of everybody else.
        raise Conflict
    remaining = record_ids - await erasures.erased_among(work.session, record_ids)
    if not remaining:
        raise Refusal(RefusalCode.PERSON_ERASED)
    recording = Recording(
        custody.clock.now(), max(person.latest_at for person in locked.values()), custody.bounds.clock_tolerance
    )
    recording.check_stated(manifest.data.stated_at)
    people = [locked[each] for each in sorted(remaining)]
    await _erase(work, verified, people, handles, recording.moment, custody)
    return Erasure(manifest.data.erasure_id, recording.moment, again=False)


async def _erase(
    work: Work,
    verified: Verified[ErasePerson],
    people: Sequence[Person],
    handles: Mapping[str, Collection[str]],
    at: datetime,
    custody: Custody,
) -> None:
    """Erase records that are one person's, each under its own next number, and say what follows."""
    manifest, actor = verified.manifest, verified.actor
    spoken = await words.of(work.session, [person.record_id for person in people])
    for person in people:
        erased = RecordErased(
            record_id=person.record_id,
            number=person.take_number(at),
            erasure_id=manifest.data.erasure_id,
            referral_id=manifest.data.referral_id,
            handle_ids=tuple(sorted(handles[person.record_id])),
            how=manifest.data.how,
            stated_at=manifest.data.stated_at,
            erased_at=at,
            recorded_by=verified.recorded_by,
            message_id=manifest.id,
            manifest=verified.token,
        )
        await erasures.insert(work.session, erased)
        owed = await obligations.settle(work, person, spoken[person.record_id], at, custody)
        saying = Saying(Emission(person.aggregate, erased, actor, manifest.appointment), erased.number)
        await records.say(work, [saying, *owed])
        await records.cover_open_referrals(work, person, spoken[person.record_id], at, actor, manifest.appointment)
    persons.save(work, people)


async def destroy_due(database: Database, custody: Custody) -> None:
    """Destroy the keys of everybody who is erased, as far as they may still be there."""
    while await destroy_some(database, custody):
        pass


async def destroy_some(database: Database, custody: Custody) -> bool:
    """Destroy some of them; returns whether there may be more.

    The keys are gone before it is noted that they are, so that a crash in between has it done once more.
    """
    async with database.reading() as session:
        found = await erasures.due(session)
    for each in found:
        await custody.store.destroy(each.handle_ids)
        async with database.work() as work:
            await erasures.mark_destroyed(work.session, each.record_id, custody.clock.now())
    return bool(found)


async def destroy_again(database: Database, custody: Custody) -> None:
    """Destroy the keys of everybody who was ever erased: somebody may have put them back from a copy."""
    async with database.reading() as session:
        handle_ids = await erasures.all_handles(session)
    await custody.store.destroy(handle_ids)
