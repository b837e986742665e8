"""Coverage, with no person in it."""

from typing import ClassVar

from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.referral import SectionCoverage
from tsunagu_contracts.types import AgencyId, Id


class CoverageDecided(EventData):
    """Which sections of a referral its addressee may open now, what must be asked, what is invalid."""

    TYPE: ClassVar[str] = "coverage.decided.v1"

    referral_id: Id
    addressee: AgencyId
    sections: tuple[SectionCoverage, ...]
