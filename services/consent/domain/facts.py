"""What a decision rests on beside the person's word: recorded facts, each true from its own number or moment."""

from dataclasses import dataclass
from datetime import datetime

from tsunagu_contracts.codes import Area


@dataclass(frozen=True, slots=True)
class Support:
    """A grant no longer rests on its recorder alone, from this number of the person's on.

    `agency_id` has countersigned it; None where evidence of it is kept.
    """

    statement_id: str
    number: int
    agency_id: str | None = None


@dataclass(frozen=True, slots=True)
class Disaster:
    """A disaster declared in an area, until it was lifted (災害対策基本法); known from when it was recorded."""

    area: Area
    declared_at: datetime
    lifted_at: datetime | None = None

    def is_on(self, at: datetime) -> bool:
        """Whether it was declared and not yet lifted at that moment."""
        return self.declared_at <= at and (self.lifted_at is None or at < self.lifted_at)


@dataclass(frozen=True, slots=True)
class Facts:
    """The recorded facts of one decision."""

    supports: frozenset[Support] = frozenset()
    disasters: frozenset[Disaster] = frozenset()

    def is_disaster(self, area: Area, at: datetime) -> bool:
        """Whether a disaster was on in this area at that moment."""
        return any(disaster.area is area and disaster.is_on(at) for disaster in self.disasters)


NO_FACTS = Facts()
"""Nothing but the person's word."""
