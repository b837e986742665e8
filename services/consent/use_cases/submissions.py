"""Taking in new referrals: whose they are, whether their seals hold, and what may be opened of them now.

Two steps: `examine` does all of a batch's cryptography, in one thread and before anything is read; `take_in` then
reads once what is known, decides, and leaves what is to be written for the end. What it has read is checked there:
a person's word that comes in between lets all of it fail and be done anew, and is never passed over.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.coverage import Referral, Section, coverage_of
from services.consent.domain.examination import Claim, Findings, open_and_compare, read_claim
from services.consent.domain.joins import merged
from services.consent.domain.persons import Group, Person
from services.consent.domain.word import SILENCE
from services.consent.keystore import ServiceKeys
from services.consent.storage import handles, intake, persons, referrals
from services.consent.storage.handles import Issued
from services.consent.storage.intake import Asked, Known
from services.consent.storage.persons import Reference
from services.consent.storage.referrals import Standing
from services.consent.use_cases import records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Saying
from services.eventing.outbox import NO_HEAD
from services.eventing.work import Emission, Work
from services.membership import Members
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause, Event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import CoverageDecided, RecordOpened, RecordReferralLinked
from tsunagu_contracts.events.referral import ReferralSubmitted, SectionFacts

_CONSENT = Actor.system("consent")


@dataclass(frozen=True, slots=True)
class Submission:
    """One `referral.submitted` with its data and the trace that it belongs to."""

    event: Event
    said: ReferralSubmitted
    trace: str | None


@dataclass(frozen=True, slots=True)
class Examined:
    """A submission and what its seals hold; without a claim the whole of it is invalid."""

    submission: Submission
    claim: Claim | None
    findings: Findings

    @property
    def said(self) -> ReferralSubmitted:
        """What the event said."""
        return self.submission.said

    def refused(self, code: RefusalCode) -> "Examined":
        """The same submission, invalid as a whole."""
        return Examined(self.submission, None, _all(self.said.sections, code))

    @property
    def reference(self) -> Reference | None:
        """Whom the sender means; None without a claim."""
        return Reference(self.claim.sender, self.claim.reference_hash) if self.claim else None

    def emission(
        self, aggregate: str, data: RecordOpened | RecordReferralLinked | CoverageDecided, *, begins: bool = False
    ) -> Emission:
        """What consent says because of this submission."""
        cause = Cause(self.submission.event.aggregate, self.submission.event.version)
        return Emission(aggregate, data, _CONSENT, cause=cause, trace=self.submission.trace, begins=begins)


@dataclass(frozen=True, slots=True)
class Begun:
    """A new referral with its person; without one where nothing of it is valid."""

    examined: Examined
    referral: Referral
    person: Person | None


async def examine(submissions: Sequence[Submission], members: Members, custody: Custody) -> list[Examined]:
    """Verify every manifest, handle and person reference of a batch, and open and compare every capsule."""
    return await asyncio.to_thread(_examine, submissions, members, custody)


def _examine(submissions: Sequence[Submission], members: Members, custody: Custody) -> list[Examined]:
    claims = [_claim(one, members, custody.keys) for one in submissions]
    handle_keys = custody.store.read([claim.handle_id for claim in claims if isinstance(claim, Claim)])
    examined: list[Examined] = []
    for one, claim in zip(submissions, claims, strict=True):
        if isinstance(claim, Claim):
            findings = open_and_compare(claim, handle_keys.get(claim.handle_id), custody.keys.lookup)
            examined.append(Examined(one, claim, findings))
        else:
            examined.append(Examined(one, None, _all(one.said.sections, claim)))
    return examined


def _claim(one: Submission, members: Members, keys: ServiceKeys) -> Claim | RefusalCode:
    sender = members.keys_of(one.said.sender)
    try:
        return read_claim(
            one.said,
            one.event.time,
            sender.signing if sender else None,
            keys.certifying.public,
            keys.person_ref,
            keys.lookup,
        )
    except Refusal as refusal:
        return refusal.code


async def take_in(
    work: Work, examined: Sequence[Examined], standings: Mapping[str, Standing], custody: Custody
) -> None:
    """Take in a batch of examined referrals and say at once what is covered, to be asked, refused or invalid.

    `standings` is where each referral of the batch stands at its end: of new ones, which may be further already,
    and of others.
    """
    others = standings.keys() - {one.said.referral_id for one in examined}
    known = await intake.look(work, _asked(examined, others))
    examined, used = _claim_handles(examined, known.handles, forgotten=custody.was_restored)
    examined, fresh_keys = _mark_reuse(examined, known)
    meant, opened = _find_persons(work, examined, known.persons)
    begun = [_begin(one, meant, standings[one.said.referral_id]) for one in examined]
    sayings = _link(begun, {person.record_id for person in opened.values()}, custody.clock.now())
    sayings += [_cover(one, known, begins=one.referral.referral_id not in custody.restored) for one in begun]

    # Rows of referrals before rows of persons, and those before anything else: as everybody takes them.
    referrals.follow(work, [standings[each] for each in others], known=len(known.referral_ids))
    linked = {one.person.record_id: one.person for one in begun if one.person}
    # All of a person's records: what was said under any of them is what coverage was decided on.
    rested_on = {
        each.record_id: each
        for record_id in linked.keys() & known.groups.keys()
        for each in known.groups[record_id].records.values()
    }
    persons.save(work, rested_on.values())
    handles.use(work, {handle_id: used[handle_id] for handle_id in used.keys() & known.handles.keys()})
    handles.restore(work, [one.claim for one in examined if one.claim and one.claim.handle_id not in known.handles])
    handles.remember_keys(work, fresh_keys)
    persons.open_records(work, opened)
    referrals.insert(work, [(one.referral, standings[one.referral.referral_id].version) for one in begun])
    work.rely_on(
        {person.aggregate: known.heads.get(record_id, NO_HEAD) for record_id, person in linked.items()},
    )
    await records.say(work, sayings)


def _asked(examined: Sequence[Examined], others: Collection[str]) -> Asked:
    return Asked(
        handle_ids={one.claim.handle_id for one in examined if one.claim},
        section_ids={section for one in examined for section, fault in one.findings.faults.items() if fault is None},
        key_hashes={key_hash for one in examined for key_hash in one.findings.key_hashes.values()},
        references={one.reference for one in examined if one.reference},
        referral_ids=others,
    )


def _claim_handles(
    examined: Sequence[Examined], issued: Mapping[str, Issued], *, forgotten: bool
) -> tuple[list[Examined], dict[str, str]]:
    """Let each handle serve one referral; a referral whose handle is not free is invalid as a whole.

    Returns with them which referral now uses each handle.
    """
    used: dict[str, str] = {}
    checked: list[Examined] = []
    for one in examined:
        if one.claim is None:
            checked.append(one)
            continue
        handle = issued.get(one.claim.handle_id)
        if handle is None and forgotten and RefusalCode.HANDLE_UNKNOWN not in one.findings.faults.values():
            # Certified and its key kept: issued after the backup from which this database was restored.
            handle = Issued(one.claim.handle_id, one.claim.sender, None)
        if handle is None:
            checked.append(one.refused(RefusalCode.HANDLE_UNKNOWN))
        elif handle.agency_id != one.claim.sender:
            checked.append(one.refused(RefusalCode.HANDLE_OF_ANOTHER_AGENCY))
        elif handle.referral_id is not None or handle.handle_id in used:
            checked.append(one.refused(RefusalCode.HANDLE_ALREADY_USED))
        else:
            used[handle.handle_id] = one.claim.referral_id
            checked.append(one)
    return checked, used


def _mark_reuse(examined: Sequence[Examined], known: Known) -> tuple[list[Examined], dict[str, str]]:
    """Mark sections whose content key or id was seen before; of those in one batch the first one counts.

    Returns with them the section of each content key, by keyed hash, that had not been seen before.
    """
    fresh: dict[str, str] = {}
    for one in examined:
        for section_id, key_hash in one.findings.key_hashes.items():
            if key_hash not in known.key_hashes:
                fresh.setdefault(key_hash, section_id)
    unused, taken = set(fresh), set(known.sections)
    marked: list[Examined] = []
    for one in examined:
        faults = dict(one.findings.faults)
        for section_id, fault in faults.items():
            if fault is not None:
                continue
            if section_id in taken:
                faults[section_id] = RefusalCode.SECTION_ID_REUSED
            elif (key_hash := one.findings.key_hashes[section_id]) not in unused:
                faults[section_id] = RefusalCode.CONTENT_KEY_REUSED
            else:
                unused.discard(key_hash)
                taken.add(section_id)
        marked.append(Examined(one.submission, one.claim, Findings(faults, one.findings.key_hashes)))
    return marked, fresh


def _find_persons(
    work: Work, examined: Sequence[Examined], known: Mapping[Reference, Person]
) -> tuple[Mapping[Reference, Person], dict[Reference, Person]]:
    """The person of each reference, and of them those whose records begin now."""
    opened: dict[Reference, Person] = {}
    for one in examined:
        if one.reference is not None and one.reference not in known and one.reference not in opened:
            record_id = work.ids.new()
            opened[one.reference] = Person(record_id, 0, work.now, record_id)
    return {**known, **opened}, opened


def _begin(one: Examined, meant: Mapping[Reference, Person], standing: Standing) -> Begun:
    person = meant[one.reference] if one.reference else None
    return Begun(one, _referral(one, person, standing), person)


def _referral(one: Examined, person: Person | None, standing: Standing) -> Referral:
    return Referral(
        one.said.referral_id,
        person.record_id if person else None,
        one.said.handle_id,
        one.said.sender,
        standing.addressee,
        one.said.purpose,
        standing.state,
        one.claim.capsule if one.claim else None,
        tuple(
            Section(section.section_id, section.category, section.digest, one.findings.faults[section.section_id])
            for section in one.said.sections
        ),
    )


def _link(begun: Sequence[Begun], opened: Collection[str], now: datetime) -> list[Saying]:
    """Say which record each referral belongs to, and first that a record begins."""
    unsaid = set(opened)
    sayings: list[Saying] = []
    for one in begun:
        if one.person is None:
            continue
        record_id = one.person.record_id
        data: list[RecordOpened | RecordReferralLinked] = [
            RecordReferralLinked(record_id=record_id, referral_id=one.referral.referral_id)
        ]
        if record_id in unsaid:
            unsaid.discard(record_id)
            data.insert(0, RecordOpened(record_id=record_id))
        sayings += [
            Saying(one.examined.emission(one.person.aggregate, each), one.person.take_number(now)) for each in data
        ]
    return sayings


def _cover(one: Begun, known: Known, *, begins: bool) -> Saying:
    if one.person is None:
        sections = coverage_of(one.referral, SILENCE, one.examined.submission.event.time, 0)
    else:
        group = known.groups.get(one.person.record_id, Group({one.person.record_id: one.person}))
        word = merged({record_id: known.words.get(record_id, SILENCE) for record_id in group.records})
        sections = coverage_of(one.referral, word, group.latest_at, group.number)
    decided = CoverageDecided(referral_id=one.referral.referral_id, addressee=one.referral.addressee, sections=sections)
    return Saying(one.examined.emission(f"coverage:{one.referral.referral_id}", decided, begins=begins))


def _all(sections: Sequence[SectionFacts], code: RefusalCode) -> Findings:
    return Findings(dict.fromkeys((section.section_id for section in sections), code), {})
