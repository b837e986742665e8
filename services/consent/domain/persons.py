"""A person as consent counts: a random record id and the numbers taken under it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Person:
    """A person's record while it is worked on: the last number taken and the latest moment recorded.

    Numbers are the versions of the record's event stream; "as of" always means such a number. `taken` counts those
    taken since the row was read, so that whoever writes can tell where it must still stand.
    """

    record_id: str
    number: int
    latest_at: datetime
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
