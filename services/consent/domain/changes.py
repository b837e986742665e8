"""What has changed in a person's life, as far as it bears on what may still be recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from tsunagu_contracts.codes import PersonChange, RefusalCode
from tsunagu_contracts.errors import Refusal

_CAPACITY = (PersonChange.LOST_CAPACITY, PersonChange.REGAINED_CAPACITY)


@dataclass(frozen=True, slots=True)
class Report:
    """One report of an agency; of one id of an agency the last counts."""

    agency_id: str
    change_id: str
    change: PersonChange


def check_may_agree(reports: Sequence[Report], *, themself: bool) -> None:
    """Refuse a new grant with `person_has_died`, and one by the person themself with `capacity_lost`.

    `reports` stand in the order of their recording. Of capacity the last report counts (民法 3条の2).
    """
    if has_died(reports):
        raise Refusal(RefusalCode.PERSON_HAS_DIED)
    of_capacity = [change for change in _standing(reports) if change in _CAPACITY]
    if themself and of_capacity and of_capacity[-1] is PersonChange.LOST_CAPACITY:
        raise Refusal(RefusalCode.CAPACITY_LOST)


def has_died(reports: Sequence[Report]) -> bool:
    """Whether a report that the person has died stands."""
    return PersonChange.DIED in _standing(reports)


def _standing(reports: Sequence[Report]) -> list[PersonChange]:
    """What stands of the reports, in the order of their recording."""
    last = {(each.agency_id, each.change_id): place for place, each in enumerate(reports)}
    return [reports[place].change for place in sorted(last.values())]
