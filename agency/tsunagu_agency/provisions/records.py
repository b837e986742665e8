"""A record of one opening as 個人情報保護法29条 (provided) or 30条 (received) asks for it.

施行規則20条1項2号 asks of the provider: that there is the person's consent, the recipient's name and address and its
representative's name, whose information it is, and which items. 24条1項2号 asks the same of the recipient, of the
provider, and how that one had come by it (30条1項2号, 規則22条), which the recipient confirms. Both are kept for three
years (21条3号, 25条3号). Guidelines: https://www.ppc.go.jp/personalinfo/legal/guidelines_thirdparty/
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tsunagu_contracts.codes import Acquisition, AgencyKind, Category, ProvisionSide, Purpose
from tsunagu_contracts.provisions import AgreedFacts

JAPAN = timezone(timedelta(hours=9), "JST")


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The other side, as the directory had it when the record was made; None for what it did not say."""

    agency_id: str
    name: str
    kind: AgencyKind
    legal_status: str | None
    address: str | None
    representative: str | None


@dataclass(frozen=True, slots=True)
class ProvisionRecord:
    """One opening; `person` is the agency's own local name for whose information it is.

    `recorded_at` is when the record was made and, on the receiving side, when the way of acquisition was confirmed.
    """

    side: ProvisionSide
    facts: AgreedFacts
    counterpart: Counterpart
    recorded_at: datetime
    person: str | None
    acquisition: Acquisition | None
    reported_at: datetime | None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing that the law asks for and only the agency can know."""
        return self.person is not None and (self.side is ProvisionSide.PROVIDED or self.acquisition is not None)

    @property
    def release_id(self) -> str:
        """The opening that it is of."""
        return self.facts.release_id

    @property
    def category(self) -> Category:
        """Which item of information."""
        return self.facts.category

    @property
    def purpose(self) -> Purpose:
        """What for."""
        return self.facts.purpose


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed because its time to be kept is over; `before` is the day up to which records were made."""

    provided: int
    received: int
    before: datetime

    def __str__(self) -> str:
        until = self.before.astimezone(JAPAN).date().isoformat()
        return (
            f"{until} より前に作成した記録を削除: 提供 {self.provided} 件、受領 {self.received} 件"
            f" / removed records made before {until}: {self.provided} provided, {self.received} received"
        )
