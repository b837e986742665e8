"""Asking the person: when a request is answered, what still rests on a grant, and when it is to be asked again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.consent.domain.statements import Statement
from tsunagu_contracts.codes import Category, PersonChange, Purpose, RefusalCode, RequestKind, StatementKind
from tsunagu_contracts.errors import Refusal

REVIEWS = frozenset({RequestKind.YEARLY_REVIEW, RequestKind.CHANGE_REVIEW})
"""What an agency may answer itself: what was said stands either way. All else only the person's word answers."""


@dataclass(frozen=True, slots=True)
class PersonRequest:
    """A duty of one agency to ask the person; a review of a change names no categories and no purposes.

    `recipients` is None where every agency is meant.
    """

    request_id: str
    record_id: str
    kind: RequestKind
    agency_id: str
    referral_id: str
    categories: frozenset[Category]
    purposes: frozenset[Purpose]
    recipients: frozenset[str] | None
    change: PersonChange | None
    opened_at: datetime
    deadline: datetime

    def is_answered_by(self, said: Iterable[Statement]) -> bool:
        """Whether what was said since speaks of each category, for one of the purposes and recipients asked about.

        A review of a change is answered by whatever its agency then records. Yes and no are answers alike.
        """
        if self.kind is RequestKind.CHANGE_REVIEW:
            return any(each.recorded_by_agency == self.agency_id for each in said)
        spoken = {
            category
            for each in said
            if self.purposes & each.purposes and _meet(self.recipients, each.recipients)
            for category in each.categories
        }
        return self.categories <= spoken


def remind_at(opened_at: datetime, deadline: datetime) -> datetime:
    """Half of the time between the two."""
    return opened_at + (deadline - opened_at) / 2


def check_deadline(deadline: datetime, at: datetime, at_most: timedelta) -> None:
    """Refuse with `deadline_not_valid` a date that has passed or is further away than may be."""
    if not at < deadline <= at + at_most:
        raise Refusal(RefusalCode.DEADLINE_NOT_VALID)


def resting_on(grant: Statement, statements: Iterable[Statement]) -> frozenset[Category]:
    """The categories of a grant of which nothing was said since that speaks of all that it speaks of."""
    left = set(grant.categories)
    for each in statements:
        if (
            (each.recorded_at, each.number) > (grant.recorded_at, grant.number)
            and each.kind is not StatementKind.CONFIRM
            and each.disaster_in in (None, grant.disaster_in)
            and each.purposes >= grant.purposes
            and (each.recipients is None or (grant.recipients is not None and each.recipients >= grant.recipients))
        ):
            left -= each.categories
    return frozenset(left)


def renewal_due_at(
    valid_from: datetime, valid_until: datetime | None, recorded_at: datetime, before: timedelta, every: timedelta
) -> datetime | None:
    """When to ask again about a grant: some time before its end, of a short one half of its time, else each year.

    None for one that is over when it is recorded.
    """
    begins = max(valid_from, recorded_at)
    if valid_until is None:
        return begins + every
    return valid_until - min(before, (valid_until - begins) / 2) if valid_until > begins else None


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return one is None or other is None or not one.isdisjoint(other)
