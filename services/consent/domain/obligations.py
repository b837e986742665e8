"""What an agency owes for what it has opened: nothing while it may hold it, an answer once it may not."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.decisions import decide
from services.consent.domain.requests import Request
from services.consent.domain.word import Word
from tsunagu_contracts.codes import Category, DecisionReason, ObligationCause, Purpose

_ENDED = frozenset(
    {DecisionReason.GRANT_EXPIRED, DecisionReason.CONDITION_NOT_MET, DecisionReason.GRANT_NOT_YET_IN_FORCE}
)
"""Reasons by which consent has run out, and nobody has taken it back."""


@dataclass(frozen=True, slots=True)
class Held:
    """A section that an agency has opened since it last answered for it; `erased` where its person has been."""

    agency_id: str
    referral_id: str
    section_id: str
    category: Category
    purpose: Purpose
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """An obligation that nobody has answered yet."""

    obligation_id: str
    held: Held


@dataclass(frozen=True, slots=True)
class Change:
    """What a new word brings about: sections no longer rightly held, each with its cause; obligations to lift."""

    incurred: tuple[tuple[Held, ObligationCause], ...]
    lifted: tuple[Open, ...]


def changes(held: Iterable[Held], still_open: Collection[Open], word: Word, at: datetime, as_of: int) -> Change:
    """Compare what is held and owed with the person's word up to a number, at a moment."""
    owed = {(each.held.agency_id, each.held.section_id) for each in still_open}
    return Change(
        incurred=tuple(
            (each, cause)
            for each in held
            if (each.agency_id, each.section_id) not in owed and (cause := _cause(each, word, at, as_of)) is not None
        ),
        lifted=tuple(each for each in still_open if _cause(each.held, word, at, as_of) is None),
    )


def _cause(held: Held, word: Word, at: datetime, as_of: int) -> ObligationCause | None:
    """Why a section may no longer be held; None while it may."""
    if held.erased:
        return ObligationCause.ERASED
    request = Request(held.category, held.agency_id, held.purpose, at)
    decision = decide(word.statements, request, as_of, word.facts)
    if decision.permit:
        return None
    return ObligationCause.ENDED if decision.reason in _ENDED else ObligationCause.WITHDRAWN
