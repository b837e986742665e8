"""What both sides of an opening, and `audit`, must have written alike; nobody's name is in it."""

from datetime import UTC, datetime
from typing import NamedTuple

from tsunagu_contracts.codes import Category, Purpose
from tsunagu_contracts.encoding import digest


class AgreedFacts(NamedTuple):
    """The facts of one opening that the record of 29条 and that of 30条 (個人情報保護法) share.

    They are those of its `release.granted`; the local name, the way of acquisition and the dates of recording are
    each side's own.
    """

    release_id: str
    referral_id: str
    section_id: str
    category: Category
    purpose: Purpose
    recipient: str
    statement_id: str
    decided_at: datetime

    @property
    def digest(self) -> str:
        """SHA-256 (base64url) over the facts in this order, one a line; the moment in UTC with microseconds."""
        at = self.decided_at.astimezone(UTC).isoformat(timespec="microseconds")
        return digest("\n".join((*self[:3], self.category.value, self.purpose.value, *self[5:7], at)))
