"""Erasing a person: nothing opens from the commit on, and the keys of all their handles are destroyed right after.

What was opened before becomes obligations that no later word lifts. What the sender refers next under the same
reference begins a new record, which nothing joins to this one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.persons import Group
from services.consent.storage import asking, erasures, persons
from services.consent.use_cases import messages
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.effects import take_effect
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
    record_ids = (await persons.look(work.session, record_id)).records.keys()
    handles = await erasures.handles(work.session, record_ids, hold=True)
    group = await persons.lock_one(work.session, record_id)
    earlier = await erasures.earlier(work.session, manifest.data.erasure_id, manifest.agency_id, manifest.id)
    if earlier is not None:
        if not verified.says_the_same(earlier.manifest):
            raise Refusal(RefusalCode.DUPLICATE_ID)
        return Erasure(earlier.erasure_id, earlier.recorded_at, again=True)
    if group.records.keys() != record_ids or await erasures.handles(work.session, record_ids) != handles:
        # A referral or a join came in before the lock: rows have yet to be taken in the order of everybody else.
        raise Conflict
    if await erasures.erased_among(work.session, record_ids):
        raise Refusal(RefusalCode.PERSON_ERASED)
    recording = custody.recording(group)
    recording.check_stated(manifest.data.stated_at)
    await _erase(work, verified, group, handles, recording.moment, custody)
    return Erasure(manifest.data.erasure_id, recording.moment, again=False)


async def _erase(
    work: Work,
    verified: Verified[ErasePerson],
    group: Group,
    handles: Mapping[str, Collection[str]],
    at: datetime,
    custody: Custody,
) -> None:
    """Erase all records of a person, each under its own next number, and say what follows."""
    manifest = verified.manifest
    sayings: list[Saying] = []
    for person in group.records.values():
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
        emission = Emission(person.aggregate, erased, verified.actor, manifest.appointment)
        sayings.append(Saying(emission, erased.number))
    await asking.end_all(work.session, group.records, at)
    await take_effect(work, group, sayings, at, messages.speaker(verified), custody)


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
