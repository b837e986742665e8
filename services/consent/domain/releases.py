"""May this key be handed over? DESIGN's conditions of a release, in the order in which they are told."""

from dataclasses import dataclass

from services.consent.domain.coverage import Referral, Section, decide_section
from services.consent.domain.decisions import Decision
from services.consent.domain.statements import Recording
from services.consent.domain.word import Word
from tsunagu_contracts.codes import DecisionReason, ReferralState, RefusalCode
from tsunagu_contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: an agency, and what is wrong with its coordinator's appointment, if anything."""

    agency_id: str
    appointment_refusal: RefusalCode | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a release rests on (`decision`), or the code and reason for which there is none."""

    refusal: RefusalCode | None
    reason: DecisionReason | RefusalCode
    decision: Decision | None = None


def judge(
    referral: Referral,
    section_id: str,
    asker: Asker,
    word: Word,
    recording: Recording,
    as_of: int,
) -> Verdict:
    """Judge a release over the person's word up to the number `as_of`.

    A refusal's `reason` says more than its code where the person's word is what refuses.
    """
    try:
        section = _section_to_open(referral, section_id, asker, recording, as_of)
    except Refusal as refusal:
        return Verdict(refusal.code, refusal.code)
    decision = decide_section(referral, section, word, recording.moment, as_of)
    if not decision.permit:
        return Verdict(RefusalCode.NOT_COVERED, section.invalid or decision.reason, decision)
    if referral.state is ReferralState.HALTED:
        return Verdict(RefusalCode.REFERRAL_NOT_OPEN, RefusalCode.REFERRAL_NOT_OPEN)
    return Verdict(None, decision.reason, decision)


def _section_to_open(referral: Referral, section_id: str, asker: Asker, recording: Recording, as_of: int) -> Section:
    """The section asked for, once everything but the person's word allows it."""
    if not referral.is_party(asker.agency_id):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    if asker.agency_id != referral.addressee:
        raise Refusal(RefusalCode.NOT_PERMITTED)
    if asker.appointment_refusal is not None:
        raise Refusal(asker.appointment_refusal)
    if referral.is_erased(as_of):
        raise Refusal(RefusalCode.PERSON_ERASED)
    if referral.is_closed:
        raise Refusal(RefusalCode.REFERRAL_NOT_OPEN)
    section = referral.section(section_id)
    if section is None:
        raise Refusal(RefusalCode.SECTION_UNKNOWN)
    recording.check_clock()
    return section
