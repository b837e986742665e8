import pytest

from services.referral.domain.routing import RoutedBy, resolve_addressee
from tsunagu_contracts.codes import Area, RefusalCode
from tsunagu_contracts.errors import Refusal

AGENCIES = frozenset({"clinic", "desk-fujimi", "npo"})
DESKS = {Area.FUJIMI: "desk-fujimi"}


def test_a_named_agency_is_the_addressee() -> None:
    """A referral that names an agency goes to it, whatever desk the area has."""
    route = resolve_addressee(sender="clinic", named="npo", area=Area.FUJIMI, agencies=AGENCIES, desks=DESKS)
    assert (route.addressee, route.routed_by) == ("npo", RoutedBy.NAMED_AGENCY)


def test_without_a_name_the_areas_standing_desk_is_the_addressee() -> None:
    """A referral that names only a service family and an area goes to the area's desk, and says so."""
    route = resolve_addressee(sender="clinic", named=None, area=Area.FUJIMI, agencies=AGENCIES, desks=DESKS)
    assert (route.addressee, route.routed_by) == ("desk-fujimi", RoutedBy.AREA_DESK)


@pytest.mark.parametrize(
    ("sender", "named", "area"),
    [
        ("clinic", "nobody", Area.FUJIMI),
        ("clinic", None, Area.SHIBA),
        ("clinic", "clinic", Area.FUJIMI),
        ("desk-fujimi", None, Area.FUJIMI),
    ],
)
def test_an_addressee_that_is_unknown_missing_or_the_sender_is_refused(
    sender: str, named: str | None, area: Area
) -> None:
    """Nobody refers to a stranger, to an area without a desk, or to itself."""
    with pytest.raises(Refusal) as caught:
        resolve_addressee(sender=sender, named=named, area=area, agencies=AGENCIES, desks=DESKS)
    assert caught.value.code is RefusalCode.ADDRESSEE_UNKNOWN
