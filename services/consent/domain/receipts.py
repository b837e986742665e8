"""A receipt: what its code and its secret open, and what it never shows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.consent.domain.coverage import SAID_NO
from services.consent.domain.representatives import Representative
from tsunagu_contracts.codes import Category, DecisionReason, NotOpenedBecause, Purpose

SHOWN_IN_PERSON = frozenset({Category.SAFETY})
"""Categories that no view shows, nor any other part of a referral that has one of them."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a view leaves out, without a trace that anything is left out."""

    categories: frozenset[Category] = frozenset()
    agencies: frozenset[str] = frozenset()

    def __or__(self, other: "Hidden") -> "Hidden":
        return Hidden(self.categories | other.categories, self.agencies | other.agencies)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it stands; `representative_id` is whose it is, None the person's own, `agency_id` who issued it."""

    receipt_id: str
    record_id: str
    agency_id: str
    representative_id: str | None
    hidden: Hidden
    ends_at: datetime
    revoked_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Whether it was neither revoked nor has ended."""
        return self.revoked_at is None and at < self.ends_at


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be withdrawn; None means all that may be."""

    categories: frozenset[Category] | None = None
    recipients: frozenset[str] | None = None
    purposes: frozenset[Purpose] | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the person's door: by which receipt, whether they may see, and as which representative, if any."""

    receipt: Receipt
    may_view: bool
    representative: Representative | None

    def hidden(self, from_representatives: Hidden) -> Hidden:
        """What a view of theirs leaves out; the person's own limits are for representatives alone."""
        always = self.receipt.hidden | Hidden(SHOWN_IN_PERSON)
        if self.representative is None:
            return always
        within = self.representative.categories
        beyond = frozenset() if within is None else frozenset(Category) - within
        return always | from_representatives | Hidden(beyond)

    def withdraws(self, wanted: Wanted, at: datetime) -> tuple[Collection[Category], Collection[Purpose]]:
        """The categories and purposes that are withdrawn, in the order of their lists.

        Refuses a representative with the codes of `Representative.check_speaking`.
        """
        spoken_for = self.representative
        categories = wanted.categories or (spoken_for and spoken_for.categories) or frozenset(Category)
        purposes = wanted.purposes or (spoken_for and spoken_for.purposes) or frozenset(Purpose)
        if spoken_for is not None:
            spoken_for.check_speaking(categories, purposes, at)
        return [each for each in Category if each in categories], [each for each in Purpose if each in purposes]


def why_not_opened(reason: str) -> NotOpenedBecause:
    """How the person is told the reason of a refused release, a code of `DecisionReason` or `RefusalCode`."""
    if reason in SAID_NO:
        return NotOpenedBecause.SAID_NO
    if reason in frozenset(DecisionReason) - {DecisionReason.SECTION_INVALID}:
        return NotOpenedBecause.NOT_AGREED
    return NotOpenedBecause.NOT_IN_ORDER
