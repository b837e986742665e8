"""The agency's supply of blank handles: kept up while online, told plainly when it runs low."""

from dataclasses import dataclass
from datetime import datetime

from tsunagu_agency.errors import AgencyError

AT_ONCE = 200
"""How many handles `consent` issues in one batch at most."""


@dataclass(frozen=True, slots=True)
class Supply:
    """How many referrals can still be sealed, and until when the first of their handles holds.

    `trouble` is why no more could be fetched although there are few; what is left can be used all the same.
    """

    left: int
    first_expires_at: datetime | None
    trouble: AgencyError | None = None

    def __str__(self) -> str:
        text = f"白紙のハンドル / blank handles: {self.left}"
        if self.first_expires_at is not None:
            text += f", 最初の期限 / first expires {self.first_expires_at.isoformat(timespec='seconds')}"
        return text if self.trouble is None else f"{text}\n補充できません / not refilled: {self.trouble}"
