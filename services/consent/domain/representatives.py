"""Who may speak in the person's stead: by what, for what, and how long."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tsunagu_contracts.codes import Category, Purpose, RefusalCode, RepresentationGround
from tsunagu_contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Representative:
    """A representative as recorded; None of categories or purposes means all of them."""

    representative_id: str
    ground: RepresentationGround
    categories: frozenset[Category] | None
    purposes: frozenset[Purpose] | None
    valid_from: datetime
    valid_until: datetime | None

    def may_speak(self, at: datetime) -> bool:
        """Whether that moment is within their time."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def check_speaking(self, categories: Collection[Category], purposes: Collection[Purpose], at: datetime) -> None:
        """Refuse with `representation_not_valid` outside their time, and with `beyond_scope` what is not theirs."""
        if not self.may_speak(at):
            raise Refusal(RefusalCode.REPRESENTATION_NOT_VALID)
        if self.categories is not None and not self.categories.issuperset(categories):
            raise Refusal(RefusalCode.BEYOND_SCOPE, where="categories")
        if self.purposes is not None and not self.purposes.issuperset(purposes):
            raise Refusal(RefusalCode.BEYOND_SCOPE, where="purposes")
