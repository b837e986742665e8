"""Opening evidence in a dispute: asked for by both of its custodians, recorded, and only then handed over."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.audit.storage import evidence
from services.audit.storage.evidence import Asking, Kept
from services.eventing.work import Emission, Work
from services.membership.messages import Verified, appointed
from services.runtime.identity import Caller
from tsunagu_contracts import jose
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode, Role
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.audit import EvidenceOpened, EvidenceOpeningAsked
from tsunagu_contracts.evidence import OPENED_SHARE_TYP
from tsunagu_contracts.manifests import OpenEvidence

_AUDIT = Actor.system("audit")


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: the other custodian's share, sealed to this one, where both have asked; else None."""

    opening_id: str
    share: str | None


async def look(session: AsyncSession, caller: Caller, evidence_id: str, at: datetime) -> Kept:
    """The evidence, for a supervisor of one of its custodians; everybody else gets `evidence_unknown`."""
    kept = await evidence.find(session, evidence_id)
    if kept is None or not await _custodian(session, caller, kept, at):
        raise Refusal(RefusalCode.EVIDENCE_UNKNOWN)
    return kept


async def ask(work: Work, verified: Verified[OpenEvidence], within: timedelta) -> Asked:
    """Note that a custodian asks, and open where the other has asked for the same dispute within this time.

    The same message again changes nothing and is told how things stand now. Refuses with the codes of `appointed`,
    `evidence_unknown` (for all but custodians), `not_permitted` (no supervisor), `duplicate_id`, and those of
    `jose.check_wrapped` (a share that is not sealed to the other custodian's registered key).
    """
    manifest, asked = verified.manifest, verified.manifest.data
    appointment = await appointed(work, manifest)
    kept = await evidence.find(work.session, asked.evidence_id, lock=True)
    if kept is None or manifest.agency_id not in kept.custodians:
        raise Refusal(RefusalCode.EVIDENCE_UNKNOWN)
    if appointment.role is not Role.SUPERVISOR:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    earlier = await evidence.earlier_asking(work.session, manifest.agency_id, manifest.id)
    if earlier is not None and not verified.says_the_same(earlier):
        raise Refusal(RefusalCode.DUPLICATE_ID)
    opening_id = opening_of(kept.evidence_id, asked.dispute_id)
    other = kept.other_than(manifest.agency_id)
    theirs = await evidence.last_asking(work.session, opening_id, other)
    in_time = theirs is not None and work.now < theirs.asked_at + within
    if earlier is None:
        [keys] = (await membership.agency_keys(work.session, [other])).values()
        jose.check_wrapped(asked.share, keys.encryption, typ=OPENED_SHARE_TYP)
        await _note(work, verified, kept, theirs if in_time else None)
        return Asked(opening_id, theirs.share if theirs and in_time else None)
    to = await _handed_to(work.session, kept, asked.dispute_id, manifest.agency_id, work.now, within)
    return Asked(opening_id, theirs.share if theirs and to == manifest.coordinator_id else None)


async def file(
    session: AsyncSession, caller: Caller, evidence_id: str, dispute_id: str, at: datetime, within: timedelta
) -> Kept:
    """The evidence whose file may be handed over: to the two coordinators who asked last, while both were in time.

    Refuses with `evidence_unknown` as `look`, and with `evidence_not_opened`.
    """
    kept = await look(session, caller, evidence_id, at)
    custodian = await _custodian(session, caller, kept, at)
    to = await _handed_to(session, kept, dispute_id, custodian, at, within) if custodian else None
    if to != caller.coordinator_id:
        raise Refusal(RefusalCode.EVIDENCE_NOT_OPENED)
    return kept


def opening_of(evidence_id: str, dispute_id: str) -> str:
    """The id of the opening of evidence in a dispute: SHA-256 of both ids, in hexadecimal."""
    return hashlib.sha256(f"{evidence_id} {dispute_id}".encode()).hexdigest()


async def _handed_to(
    session: AsyncSession, kept: Kept, dispute_id: str, custodian: str, at: datetime, within: timedelta
) -> str | None:
    """The coordinator of this custodian to whom evidence is open now: None unless both have asked in time."""
    opening_id = opening_of(kept.evidence_id, dispute_id)
    asked = [await evidence.last_asking(session, opening_id, each) for each in kept.custodians]
    in_time = [each.by for each in asked if each is not None and at < each.asked_at + within]
    return next((by.coordinator_id for by in in_time if by.agency_id == custodian), None) if len(in_time) == 2 else None


async def _note(work: Work, verified: Verified[OpenEvidence], kept: Kept, theirs: Asking | None) -> None:
    """Say that a custodian asked, and where the other had asked in time that the evidence is opened, and to whom."""
    manifest, asked = verified.manifest, verified.manifest.data
    opening_id = opening_of(kept.evidence_id, asked.dispute_id)
    said = EvidenceOpeningAsked(
        opening_id=opening_id,
        evidence_id=kept.evidence_id,
        dispute_id=asked.dispute_id,
        referral_id=kept.referral_id,
        ground=asked.ground,
        asked_by=verified.recorded_by,
        asked_at=work.now,
        message_id=manifest.id,
        manifest=verified.token,
    )
    [event] = await work.emit(Emission(f"opening:{opening_id}", said, verified.actor, manifest.appointment))
    await evidence.note_asked(work.session, said, event.version, asked.share)
    if theirs is None:
        return
    opened = EvidenceOpened(
        opening_id=opening_id,
        evidence_id=kept.evidence_id,
        dispute_id=asked.dispute_id,
        referral_id=kept.referral_id,
        opened_to=(theirs.by, verified.recorded_by),
        opened_at=work.now,
    )
    await work.emit(Emission(f"opening:{opening_id}", opened, _AUDIT))


async def _custodian(session: AsyncSession, caller: Caller, kept: Kept, at: datetime) -> str | None:
    """The custodian for which the caller is a supervisor."""
    for held in await membership.appointments_of(session, caller.coordinator_id, at):
        vouched = caller.agency_id in (None, held.agency_id)
        if vouched and held.role is Role.SUPERVISOR and held.agency_id in kept.custodians:
            return held.agency_id
    return None
