"""The person's recorded word and what may be recorded at all (個人情報保護法 27条の「本人の同意」の記録)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    Purpose,
    RefusalCode,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Representation:
    """Who spoke in the person's stead, by what, and on what ground their own refusal is overruled, if it is."""

    representative_id: str
    ground: RepresentationGround
    overrides: OverrideGround | None = None

    @property
    def is_parent(self) -> bool:
        """Whether a holder of parental authority spoke, of whom there may be two."""
        return self.ground is RepresentationGround.PARENT


@dataclass(frozen=True, slots=True)
class Statement:
    """One recorded statement; `number` is its place among everything recorded of this person.

    `recipients` is None where the person meant every agency of the network. `recorded_at` never runs
    backwards along the numbers of one person. The period bounds a grant only, and so does the condition that a
    disaster be declared in an area. `representation` is None where the person spoke; `confirms` is the id of the
    grant that a confirmation speaks of. `recorded_by_agency` is None where it was said without an agency, by a receipt.
    """

    statement_id: str
    number: int
    kind: StatementKind
    categories: frozenset[Category]
    recipients: frozenset[str] | None
    purposes: frozenset[Purpose]
    how: StatementMethod
    valid_from: datetime
    valid_until: datetime | None
    stated_at: datetime
    recorded_at: datetime
    recorded_by_agency: str | None
    representation: Representation | None = None
    disaster_in: Area | None = None
    confirms: str | None = None

    @property
    def is_negative(self) -> bool:
        """Whether it says no: a refusal or a withdrawal."""
        return self.kind in (StatementKind.REFUSE, StatementKind.WITHDRAW)

    @property
    def voice(self) -> str | None:
        """Whose word it is: a representative's, by their id, or the person's own (None)."""
        return self.representation.representative_id if self.representation is not None else None

    def names(self, agency_id: str) -> bool:
        """Whether the person named this agency rather than agencies in general."""
        return self.recipients is not None and agency_id in self.recipients

    def concerns(self, agency_id: str) -> bool:
        """Whether this agency is among those that the statement speaks of."""
        return self.recipients is None or agency_id in self.recipients


@dataclass(frozen=True, slots=True)
class Recording:
    """When a statement is to be recorded, against the latest moment already recorded of the person.

    `tolerance` is how far the clocks of an agency and of this service, or of two replicas, may differ.
    """

    now: datetime
    latest: datetime
    tolerance: timedelta

    @property
    def moment(self) -> datetime:
        """The moment to record, which never runs backwards along the numbers of one person."""
        return max(self.now, self.latest)

    def check_clock(self) -> None:
        """Refuse with `clock_stepped_back` when the clock stands before what is already recorded."""
        if self.now < self.latest - self.tolerance:
            raise Refusal(RefusalCode.CLOCK_STEPPED_BACK)

    def check_stated(self, stated_at: datetime) -> None:
        """Refuse with `stated_in_future` what is dated after now, and as `check_clock` while this clock runs behind."""
        self.check_clock()
        if stated_at > self.now + self.tolerance:
            raise Refusal(RefusalCode.STATED_IN_FUTURE)

    def check_past(self, at: datetime) -> None:
        """Refuse with `dated_in_future` what is said to have happened and has not yet."""
        if at > self.now + self.tolerance:
            raise Refusal(RefusalCode.DATED_IN_FUTURE)


def check_recordable(
    kind: StatementKind, stated_at: datetime, valid_until: datetime | None, recording: Recording
) -> None:
    """Refuse a grant with `stated_in_future`, `already_ended`, or `clock_stepped_back` while this clock runs behind.

    A refusal or a withdrawal counts from its recording whatever its `stated_at` and whatever the clock
    says, so neither ever holds one up: a wrong date must not keep a door open.
    """
    if kind is not StatementKind.GRANT:
        return
    recording.check_stated(stated_at)
    if valid_until is not None and valid_until <= recording.moment:
        raise Refusal(RefusalCode.ALREADY_ENDED)
