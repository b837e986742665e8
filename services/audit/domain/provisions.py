"""What is missing between the records of both sides and the opening that they are of (個人情報保護法29条, 30条)."""

from dataclasses import dataclass
from datetime import datetime

from tsunagu_contracts.codes import ProvisionSide, Recorded


@dataclass(frozen=True, slots=True)
class Gap:
    """An opening of which one or both sides have not reported the record that agrees with it."""

    release_id: str
    referral_id: str
    section_id: str
    decided_at: datetime
    provider: str
    recipient: str
    provided: Recorded
    received: Recorded


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A reported record of an opening that is not known, or in which the agency has no such side."""

    agency_id: str
    release_id: str
    side: ProvisionSide
    reported_at: datetime


def recorded(reported: str | None, agreed: str) -> Recorded:
    """How a side's reported digest stands to the one that its record must have."""
    if reported is None:
        return Recorded.MISSING
    return Recorded.RECORDED if reported == agreed else Recorded.DIFFERS
