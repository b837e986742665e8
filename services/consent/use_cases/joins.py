"""Joining the records of one person by their card or their word, and undoing that after a mistake.

Whatever is asked of a card that is not good, whoever knows the person: the answer is one and the same.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.coverage import coverage_of
from services.consent.domain.joins import components, merged
from services.consent.domain.obligations import Held, changes
from services.consent.domain.persons import Group, Person
from services.consent.domain.statements import Recording
from services.consent.storage import cards, erasures, joins, obligations, persons, referrals, words
from services.consent.storage.joins import Join
from services.consent.use_cases import messages, records
from services.consent.use_cases import obligations as owing
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.effects import take_effect
from services.consent.use_cases.messages import Verified
from services.consent.use_cases.records import Saying
from services.consent.use_cases.replay import Change
from services.eventing.work import Emission, Work
from services.runtime.identity import Caller
from tsunagu_contracts.cards import open_shown_card
from tsunagu_contracts.codes import JoinMethod, ObligationCause, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import RecordJoined, RecordUnjoined
from tsunagu_contracts.manifests import JoinHandles, UnjoinHandles


@dataclass(frozen=True, slots=True)
class Told:
    """A join that has been recorded or undone, and when; `again` when the same message had done it before."""

    join_id: str
    at: datetime
    again: bool


@dataclass(frozen=True, slots=True)
class Consequences:
    """What undoing a join would mean for one agency: sections that change, and what it would then owe."""

    changes: list[Change]
    owed: list[Held]


@dataclass(frozen=True, slots=True)
class _Meant:
    """Whom a join means beside the person of its referral: None where a card is nobody's; its hash, if it is one."""

    record_id: str | None
    card_hash: str | None


async def join(work: Work, verified: Verified[JoinHandles], custody: Custody) -> Told:
    """Record that two referrals speak of one person, with the coverage and the obligations that follow.

    What is one person's already is joined just the same. The same message again changes nothing. Refuses with the codes
    of `appointed` and `party_to` (of either referral), with `duplicate_id`, `clock_stepped_back`, `stated_in_future`,
    `person_erased`, and with `card_not_valid` any card that is unknown, used, void or expired.
    """
    manifest, said = verified.manifest, verified.manifest.data
    await messages.appointed(work, manifest)
    _, record_id = await messages.party_to(work.session, said.referral_id, manifest.agency_id)
    meant = await _meant(work.session, verified, custody)
    locked = await persons.lock(work.session, {record_id, meant.record_id or record_id})
    earlier = await joins.of_message(work.session, manifest.agency_id, manifest.id)
    if earlier is not None and verified.says_the_same(earlier.manifest):
        return Told(earlier.join_id, earlier.joined_at, again=True)
    if earlier is not None or await joins.find(work.session, said.join_id) is not None:
        raise Refusal(RefusalCode.DUPLICATE_ID)
    both = Group({**locked[record_id].records, **locked[meant.record_id or record_id].records})
    await _check_not_erased(work.session, locked[record_id], both, by_card=meant.card_hash is not None)
    recording = _recording(both, custody)
    if said.stated_at is not None and said.stated_at > recording.now + recording.tolerance:
        raise Refusal(RefusalCode.STATED_IN_FUTURE)
    if meant.card_hash is not None and not await cards.use(work.session, meant.card_hash, recording.now):
        raise Refusal(RefusalCode.CARD_NOT_VALID)
    one, other = both.records[record_id], both.records[meant.record_id or record_id]
    events = _joined(verified, one, other, recording.moment)
    await joins.insert(work.session, events[0])
    if one.group_id != other.group_id:
        await _regroup(work, [both])
    sayings = [_saying(event, verified) for event in events]
    await take_effect(work, both, sayings, recording.moment, messages.speaker(verified), custody)
    return Told(said.join_id, recording.moment, again=False)


async def _check_not_erased(session: AsyncSession, own: Group, both: Group, *, by_card: bool) -> None:
    """Refuse to join what is erased with anything; of a card that is not told."""
    erased = await erasures.erased_among(session, both.records)
    if erased & own.records.keys() or (erased and not by_card):
        raise Refusal(RefusalCode.PERSON_ERASED)
    if erased:
        raise Refusal(RefusalCode.CARD_NOT_VALID)


async def _meant(session: AsyncSession, verified: Verified[JoinHandles], custody: Custody) -> _Meant:
    said, agency_id = verified.manifest.data, verified.manifest.agency_id
    if said.other_referral_id is not None:
        _, record_id = await messages.party_to(session, said.other_referral_id, agency_id)
        return _Meant(record_id, None)
    secret = open_shown_card(said.card or "", custody.keys.person_ref, agency_id)
    card_hash = custody.keys.lookup.of_card(secret)
    return _Meant(await cards.record_of(session, card_hash), card_hash)


def _joined(verified: Verified[JoinHandles], one: Person, other: Person, at: datetime) -> list[RecordJoined]:
    """The events of a join, one on each record, under its next number."""
    manifest, said = verified.manifest, verified.manifest.data
    for person in {one.record_id: one, other.record_id: other}.values():
        person.take_number(at)
    return [
        RecordJoined(
            record_id=person.record_id,
            number=person.number,
            join_id=said.join_id,
            other_record_id=beside.record_id,
            other_number=beside.number,
            how=JoinMethod.CARD if said.how is None else JoinMethod(said.how.value),
            joined_at=at,
            recorded_by=verified.recorded_by,
            message_id=manifest.id,
            manifest=verified.token,
        )
        for person, beside in {one.record_id: (one, other), other.record_id: (other, one)}.values()
    ]


async def undo(work: Work, verified: Verified[UnjoinHandles], custody: Custody) -> Told:
    """Undo a join: each side is covered by its own word again, and what was opened under the other's is owed.

    The same message again changes nothing. Refuses with the codes of `appointed`, with `join_unknown` (also whoever
    neither recorded it nor has a referral on either side), `join_undone` and `clock_stepped_back`.
    """
    manifest = verified.manifest
    await messages.appointed(work, manifest)
    found = await _found(work.session, manifest.data.join_id, manifest.agency_id)
    group = (await persons.lock(work.session, found.record_ids))[found.record_a]
    found = await joins.find(work.session, found.join_id) or found
    if found.undone_at is not None:
        if found.undone_manifest is None or not verified.says_the_same(found.undone_manifest):
            raise Refusal(RefusalCode.JOIN_UNDONE)
        return Told(found.join_id, found.undone_at, again=True)
    at = _recording(group, custody).moment
    said = await words.of(work.session, group.records)
    # What has run out by itself by now is not owed because of a mistake.
    sayings = await owing.settle(work, group, merged(said), at, custody)
    events = _unjoined(verified, group.records[found.record_a], group.records[found.record_b], at)
    await joins.undo(work.session, events[0])
    sayings += [_saying(event, verified) for event in events]
    parts = await _parts(work.session, group, without=found.join_id)
    if len(parts) > 1:
        await _regroup(work, parts)
    for part in parts:
        word = merged({record_id: said[record_id] for record_id in part.records})
        sayings += await owing.settle(work, part, word, at, custody, ObligationCause.JOINED_BY_MISTAKE)
    persons.save(work, group.changed)
    await records.say(work, sayings)
    for part in parts:
        word = merged({record_id: said[record_id] for record_id in part.records})
        await records.cover_open_referrals(work, part, word, at, messages.speaker(verified))
    return Told(found.join_id, at, again=False)


def _unjoined(verified: Verified[UnjoinHandles], one: Person, other: Person, at: datetime) -> list[RecordUnjoined]:
    """The events of a join undone, one on each record, under its next number."""
    manifest = verified.manifest
    for person in {one.record_id: one, other.record_id: other}.values():
        person.take_number(at)
    return [
        RecordUnjoined(
            record_id=person.record_id,
            number=person.number,
            join_id=manifest.data.join_id,
            other_record_id=beside.record_id,
            other_number=beside.number,
            reason=manifest.data.reason,
            unjoined_at=at,
            recorded_by=verified.recorded_by,
            message_id=manifest.id,
            manifest=verified.token,
        )
        for person, beside in {one.record_id: (one, other), other.record_id: (other, one)}.values()
    ]


async def if_undone(session: AsyncSession, caller: Caller, join_id: str, custody: Custody) -> Consequences:
    """What undoing a join now would mean for the caller's agency; nothing does yet, and of others nothing is told.

    Refuses with the codes of `acting`, with `join_unknown` and `join_undone`.
    """
    now = custody.clock.now()
    agency_id = await acting(session, caller, now)
    found = await _found(session, join_id, agency_id)
    if found.undone_at is not None:
        raise Refusal(RefusalCode.JOIN_UNDONE)
    group = await persons.look(session, found.record_a)
    said = await words.of(session, group.records)
    whole = merged(said)
    told = Consequences([], [])
    for part in await _parts(session, group, without=join_id):
        word = merged({record_id: said[record_id] for record_id in part.records})
        for referral in await referrals.open_of(session, part.records):
            if referral.is_party(agency_id):
                before = coverage_of(referral, whole, now, group.number)
                then = coverage_of(referral, word, now, part.number)
                pairs = zip(before, then, strict=True)
                told.changes.extend(Change(referral.referral_id, one, other) for one, other in pairs if one != other)
        for record_id in part.records:
            held = [each for each in await obligations.held(session, record_id) if each.agency_id == agency_id]
            still_open = await obligations.open_of(session, record_id)
            told.owed.extend(each for each, _ in changes(held, still_open, word, now, part.number).incurred)
    return told


async def _found(session: AsyncSession, join_id: str, agency_id: str) -> Join:
    """A join that this agency recorded, or on one of whose sides it has a referral; else `join_unknown`."""
    found = await joins.find(session, join_id)
    if found is None or (
        found.agency_id != agency_id and not await joins.is_party(session, found.record_ids, agency_id)
    ):
        raise Refusal(RefusalCode.JOIN_UNKNOWN)
    return found


async def _parts(session: AsyncSession, group: Group, *, without: str) -> list[Group]:
    """The persons that a group is made of once a join is undone."""
    standing = await joins.standing(session, group.records)
    pairs = [pair for join_id, pair in standing.items() if join_id != without]
    return [
        Group({record_id: group.records[record_id] for record_id in part}) for part in components(group.records, pairs)
    ]


async def _regroup(work: Work, groups: list[Group]) -> None:
    """Write who is one person now; several records get an id that no row ever had, so that whoever waits notices."""
    for group in groups:
        group_id = work.ids.new() if len(group.records) > 1 else next(iter(group.records))
        for person in group.records.values():
            person.group_id = group_id
    every = [person for group in groups for person in group.records.values()]
    await persons.regroup(work.session, {person.record_id: person.group_id for person in every})


def _recording(group: Group, custody: Custody) -> Recording:
    recording = custody.recording(group)
    recording.check_clock()
    return recording


def _saying(event: RecordJoined | RecordUnjoined, verified: Verified[JoinHandles] | Verified[UnjoinHandles]) -> Saying:
    emission = Emission(f"record:{event.record_id}", event, verified.actor, verified.manifest.appointment)
    return Saying(emission, event.number)
