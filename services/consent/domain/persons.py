"""A person as consent counts: random record ids, the numbers taken under each, and which of them are one person."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_NEXT = timedelta(microseconds=1)
"""The smallest step of time that the database keeps."""


@dataclass(slots=True)
class Person:
    """A person's record while it is worked on: the last number taken and the latest moment recorded.

    Numbers are the versions of the record's event stream; "as of" always means such a number. `group_id` says which
    records are the same person's. `taken` counts the numbers taken since the row was read, so that whoever writes can
    tell where it must still stand.
    """

    record_id: str
    number: int
    latest_at: datetime
    group_id: str
    taken: int = 0

    @property
    def aggregate(self) -> str:
        """The aggregate that the record's events belong to."""
        return f"record:{self.record_id}"

    def take_number(self, at: datetime) -> int:
        """Take the next number, at a moment that is never before the latest one."""
        self.number += 1
        self.taken += 1
        self.latest_at = max(self.latest_at, at)
        return self.number


@dataclass(frozen=True, slots=True)
class Group:
    """All records of one person, by record id: those that are joined, or one that is joined with none."""

    records: Mapping[str, Person]

    @property
    def number(self) -> int:
        """How many numbers have been taken in all: of one record its last one, and of several no less than any."""
        return sum(person.number for person in self.records.values())

    @property
    def latest_at(self) -> datetime:
        """The latest moment recorded of the person."""
        return max(person.latest_at for person in self.records.values())

    @property
    def next_at(self) -> datetime:
        """The earliest moment that may be recorded next; of several records no moment is recorded twice.

        What was said is told apart by its number within one record, and by its moment between several.
        """
        return self.latest_at if len(self.records) == 1 else self.latest_at + _NEXT

    @property
    def changed(self) -> list[Person]:
        """The records under which a number has been taken."""
        return [person for person in self.records.values() if person.taken]


def distinct(groups: Iterable[Group]) -> Collection[Group]:
    """Each of these groups, which may repeat, once."""
    return {min(group.records): group for group in groups}.values()


def changed_in(groups: Iterable[Group]) -> list[Person]:
    """The records of these groups, which may repeat, under which a number has been taken."""
    return [person for group in distinct(groups) for person in group.changed]
