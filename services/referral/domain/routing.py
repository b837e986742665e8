"""Whom a referral goes to: the agency that it names, or the standing desk of the area."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from tsunagu_contracts.codes import Area, RefusalCode
from tsunagu_contracts.errors import Refusal


class RoutedBy(StrEnum):
    """Why a referral went where it went."""

    NAMED_AGENCY = "named_agency"
    AREA_DESK = "area_desk"


@dataclass(frozen=True, slots=True)
class Route:
    """The addressee that was found, and by what."""

    addressee: str
    routed_by: RoutedBy


def resolve_addressee(
    *, sender: str, named: str | None, area: Area, agencies: AbstractSet[str], desks: Mapping[Area, str]
) -> Route:
    """Find the addressee among `agencies`: the named one, or else the desk that stands in `area`.

    Refuses with `addressee_unknown` when there is none, or when it is the sender itself.
    """
    addressee = named if named is not None else desks.get(area)
    if addressee is None or addressee not in agencies or addressee == sender:
        raise Refusal(RefusalCode.ADDRESSEE_UNKNOWN)
    return Route(addressee, RoutedBy.NAMED_AGENCY if named is not None else RoutedBy.AREA_DESK)
