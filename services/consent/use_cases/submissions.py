"""Taking in new referrals: whose they are, whether their seals hold, and what may be opened of them now.

Two steps: `examine` does all of a batch's cryptography, in threads and with nothing locked; `take_in` then
locks rows, and only briefly.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services import membership
from services.consent.domain.coverage import Referral, Section, coverage_of
from services.consent.domain.examination import Claim, Findings, open_and_compare, read_claim
from services.consent.domain.persons import Person
from services.consent.domain.statements import Statement
from services.consent.keystore import ServiceKeys
from services.consent.storage import handles, persons, referrals, statements
from services.consent.storage.persons import Reference
from services.consent.storage.referrals import Standing
from services.consent.use_cases import records
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.records import Saying
from services.eventing.work import Emission, Work
from services.membership import AgencyKeys
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

    def emission(self, aggregate: str, data: RecordOpened | RecordReferralLinked | CoverageDecided) -> Emission:
        """What consent says because of this submission."""
        cause = Cause(self.submission.event.aggregate, self.submission.event.version)
        return Emission(aggregate, data, _CONSENT, cause=cause, trace=self.submission.trace)


@dataclass(frozen=True, slots=True)
class Begun:
    """A new referral with its person, whose row is locked; without one where nothing of it is valid."""

    examined: Examined
    referral: Referral
    person: Person | None


async def take_in(
    work: Work, examined: Sequence[Examined], standings: Mapping[str, Standing], custody: Custody
) -> None:
    """Take in a batch of examined referrals and say at once what is covered, to be asked, refused or invalid.

    `standings` is where each referral stands at the end of the batch, which may hold later events of it.
    """
    if not examined:
        return
    examined = await _claim_handles(work, examined)
    examined = await _mark_reuse(work, examined)
    begun, locked, opened = await _find_persons(work, examined, standings)
    sayings = _link(begun, opened, custody.clock.now())
    spoken = await statements.of(work.session, locked)
    sayings += [_cover(one, spoken) for one in begun]
    await referrals.insert(work.session, [(one.referral, standings[one.referral.referral_id].version) for one in begun])
    await persons.save(work.session, locked.values())
    await records.say(work, sayings)


async def examine(work: Work, submissions: Sequence[Submission], custody: Custody) -> list[Examined]:
    """Verify every manifest, handle and person reference of a batch, and open and compare every capsule."""
    if not submissions:
        return []
    senders = {one.said.sender for one in submissions}
    pinned = await membership.agency_keys(work.session, senders)
    claims = await asyncio.to_thread(_read_claims, submissions, pinned, custody.keys)
    wanted = [claim.handle_id for claim in claims if isinstance(claim, Claim)]
    handle_keys = await custody.store.load(wanted)

    def open_capsules() -> list[Examined]:
        found: list[Examined] = []
        for one, claim in zip(submissions, claims, strict=True):
            if isinstance(claim, Claim):
                findings = open_and_compare(claim, handle_keys.get(claim.handle_id), custody.keys.lookup)
                found.append(Examined(one, claim, findings))
            else:
                found.append(Examined(one, None, _all(one.said.sections, claim)))
        return found

    return await asyncio.to_thread(open_capsules)


def _read_claims(
    submissions: Sequence[Submission], pinned: Mapping[str, AgencyKeys], keys: ServiceKeys
) -> list[Claim | RefusalCode]:
    claims: list[Claim | RefusalCode] = []
    for one in submissions:
        sender = pinned.get(one.said.sender)
        try:
            claims.append(
                read_claim(
                    one.said,
                    one.event.time,
                    sender.signing if sender else None,
                    keys.certifying.public,
                    keys.person_ref,
                    keys.lookup,
                )
            )
        except Refusal as refusal:
            claims.append(refusal.code)
    return claims


async def _claim_handles(work: Work, examined: Sequence[Examined]) -> list[Examined]:
    """Let each handle serve one referral; a referral whose handle is not free is invalid as a whole."""
    issued = await handles.lock(work.session, {one.claim.handle_id for one in examined if one.claim})
    used: dict[str, str] = {}
    checked: list[Examined] = []
    for one in examined:
        if one.claim is None:
            checked.append(one)
            continue
        handle = issued.get(one.claim.handle_id)
        if handle is None:
            checked.append(one.refused(RefusalCode.HANDLE_UNKNOWN))
        elif handle.agency_id != one.claim.sender:
            checked.append(one.refused(RefusalCode.HANDLE_OF_ANOTHER_AGENCY))
        elif handle.referral_id is not None or handle.handle_id in used:
            checked.append(one.refused(RefusalCode.HANDLE_ALREADY_USED))
        else:
            used[handle.handle_id] = one.claim.referral_id
            checked.append(one)
    await handles.use(work.session, used)
    return checked


async def _mark_reuse(work: Work, examined: Sequence[Examined]) -> list[Examined]:
    """Mark sections whose content key or id was seen before; of those in one batch the first one counts."""
    section_ids = {section for one in examined for section in one.findings.faults}
    taken = await referrals.known_sections(work.session, section_ids)
    first: dict[str, str] = {}
    for one in examined:
        for section_id, key_hash in one.findings.key_hashes.items():
            first.setdefault(key_hash, section_id)
    fresh = await handles.remember_keys(work.session, first)
    marked: list[Examined] = []
    for one in examined:
        faults = dict(one.findings.faults)
        for section_id, fault in faults.items():
            if fault is not None:
                continue
            if section_id in taken:
                faults[section_id] = RefusalCode.SECTION_ID_REUSED
            elif (key_hash := one.findings.key_hashes[section_id]) not in fresh:
                faults[section_id] = RefusalCode.CONTENT_KEY_REUSED
            else:
                fresh.discard(key_hash)
                taken.add(section_id)
        marked.append(Examined(one.submission, one.claim, Findings(faults, one.findings.key_hashes)))
    return marked


async def _find_persons(
    work: Work, examined: Sequence[Examined], standings: Mapping[str, Standing]
) -> tuple[list[Begun], dict[str, Person], set[str]]:
    """Find or open the person of each valid claim and lock the rows.

    Returns the referrals with their persons, the locked persons, and the record ids opened now.
    """
    references = {
        one.said.referral_id: Reference(one.claim.sender, one.claim.reference_hash)
        for one in examined
        if one.claim is not None
    }
    candidates = {reference: work.ids.new() for reference in references.values()}
    found, opened = await persons.resolve(work.session, candidates, work.now)
    locked = await persons.lock(work.session, set(found.values()))
    begun: list[Begun] = []
    for one in examined:
        reference = references.get(one.said.referral_id)
        person = None if reference is None else locked[found[reference]]
        begun.append(Begun(one, _referral(one, person, standings[one.said.referral_id]), person))
    return begun, locked, opened


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


def _cover(one: Begun, spoken: Mapping[str, Sequence[Statement]]) -> Saying:
    if one.person is None:
        sections = coverage_of(one.referral, (), one.examined.submission.event.time, 0)
    else:
        sections = coverage_of(one.referral, spoken[one.person.record_id], one.person.latest_at, one.person.number)
    decided = CoverageDecided(referral_id=one.referral.referral_id, addressee=one.referral.addressee, sections=sections)
    return Saying(one.examined.emission(f"coverage:{one.referral.referral_id}", decided))


def _all(sections: Sequence[SectionFacts], code: RefusalCode) -> Findings:
    return Findings(dict.fromkeys((section.section_id for section in sections), code), {})
