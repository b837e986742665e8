"""Coverage: what the decisions mean for each section of one referral."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.consent.domain.decisions import Decision, decide
from services.consent.domain.requests import Request
from services.consent.domain.word import Word
from tsunagu_contracts.codes import (
    Category,
    CoverageState,
    DecisionReason,
    Purpose,
    ReferralState,
    RefusalCode,
)
from tsunagu_contracts.events.referral import SectionCoverage

CLOSED = frozenset(
    {
        ReferralState.DECLINED,
        ReferralState.CANCELLED,
        ReferralState.COMPLETED,
        ReferralState.EXPIRED,
        ReferralState.ENTERED_IN_ERROR,
    }
)
"""States in which a referral is over. A halted one is not: it goes on when something is covered again."""

SAID_NO = frozenset(
    {
        DecisionReason.REFUSED_BY_PERSON,
        DecisionReason.WITHDRAWN_BY_PERSON,
        DecisionReason.GRANT_STATED_BEFORE_NEGATIVE,
        DecisionReason.NAMED_REFUSAL_STANDS,
        DecisionReason.PERSON_REFUSES_THEMSELF,
        DecisionReason.OTHER_PARENT_REFUSES,
        DecisionReason.ERASED,
    }
)
"""Reasons by which somebody has said no, and not only not yes."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section as the manifest names it; `invalid` is what is wrong with its seal, if anything."""

    section_id: str
    category: Category
    digest: str
    invalid: RefusalCode | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """What consent knows of a referral; `record_id` is None where no person could be told from it.

    `erased` is the number of the person's from which on nothing of it opens.
    """

    referral_id: str
    record_id: str | None
    handle_id: str
    sender: str
    addressee: str
    purpose: Purpose
    state: ReferralState
    capsule: str | None
    sections: tuple[Section, ...]
    erased: int | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the referral is over."""
        return self.state in CLOSED

    def section(self, section_id: str) -> Section | None:
        """The section of this id, if it belongs to the referral."""
        return next((section for section in self.sections if section.section_id == section_id), None)

    def standing_at(self, state: ReferralState, addressee: str, erased: int | None) -> "Referral":
        """The same referral in another state, with another addressee, or erased."""
        return replace(self, state=state, addressee=addressee, erased=erased)

    def is_erased(self, as_of: int) -> bool:
        """Whether the person had been erased by this number of theirs."""
        return self.erased is not None and self.erased <= as_of

    def is_party(self, agency_id: str) -> bool:
        """Whether the agency sent the referral or was asked by it."""
        return agency_id in (self.sender, self.addressee)


def decide_section(referral: Referral, section: Section, word: Word, at: datetime, as_of: int) -> Decision:
    """Decide over one section for the referral's addressee and purpose; broken or erased it never opens."""
    if section.invalid is not None:
        return Decision(False, DecisionReason.SECTION_INVALID)
    if referral.is_erased(as_of):
        return Decision(False, DecisionReason.ERASED)
    request = Request(section.category, referral.addressee, referral.purpose, at)
    return decide(word.statements, request, as_of, word.facts)


def coverage_of(referral: Referral, word: Word, at: datetime, as_of: int) -> tuple[SectionCoverage, ...]:
    """What consent says of every section of the referral, in the manifest's order."""
    return tuple(_cover(section, decide_section(referral, section, word, at, as_of)) for section in referral.sections)


def _cover(section: Section, decision: Decision) -> SectionCoverage:
    return SectionCoverage(
        section_id=section.section_id,
        category=section.category,
        state=_state(section, decision),
        reason=section.invalid or decision.reason,
    )


def _state(section: Section, decision: Decision) -> CoverageState:
    if section.invalid is not None:
        return CoverageState.INVALID
    if decision.permit:
        return CoverageState.COVERED
    return CoverageState.REFUSED if decision.reason in SAID_NO else CoverageState.TO_ASK
