import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.demo.keys import make_keys, public_keys_file
from deploy.network import DEMO_NETWORK, agency_ids
from services.directory.domain.network import Network
from services.directory.network_files import read_network
from tsunagu_contracts.codes import Area

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Read the demo network with keys of its own."""
    data = tmp_path_factory.mktemp("keys")
    make_keys(data, agency_ids(DEMO_NETWORK))
    return read_network(DEMO_NETWORK, public_keys_file(data))


def test_every_area_of_both_wards_has_one_standing_desk(demo: Network) -> None:
    """All six areas of Chiyoda and five of Minato are there, each with exactly one desk."""
    desks = Counter(area for agency in demo.agencies for area in agency.desk_for)
    assert desks == dict.fromkeys(Area, 1)


def test_there_are_agencies_and_coordinators_enough(demo: Network) -> None:
    """The network has at least 25 agencies of many kinds and 40 coordinators, each appointed."""
    assert len(demo.agencies) >= 25
    assert len({agency.kind for agency in demo.agencies}) >= 15
    assert len(demo.coordinators) >= 40
    assert {each.coordinator_id for each in demo.appointments} == {each.id for each in demo.coordinators}


def test_somebody_is_on_duty_everywhere(demo: Network) -> None:
    """Every agency has a coordinator at any time, every desk at least two, the story's desk three."""
    present = Counter(
        each.agency_id
        for each in demo.appointments
        if each.valid_from <= NOW and each.valid_until is None and each.ended_at is None
    )
    for agency in demo.agencies:
        assert present[agency.agency_id] >= (2 if agency.desk_for else 1)
    people = {
        each.coordinator_id
        for each in demo.appointments
        if each.agency_id == "chiyoda-desk-manseibashi" and each.ended_at is None
    }
    assert len(people) == 3


def test_every_agency_is_found_by_what_it_offers(demo: Network) -> None:
    """Every agency has a service, and every service a place."""
    assert all(demo.families_of(agency.organization_id) for agency in demo.agencies)
    placed = {link.service_id for link in demo.services_at_locations}
    assert placed == {service.service_id for service in demo.services}


def test_the_mandate_covers_the_ward_of_the_story(demo: Network) -> None:
    """One auditor may ask about all of Chiyoda for years to come."""
    (mandate,) = demo.mandates
    assert mandate.areas == {area for area in Area if area.startswith("chiyoda.")}
    assert {"chiyoda-clinic-a", "chiyoda-desk-manseibashi"} <= mandate.agencies
    assert mandate.valid_until.year >= 2030


def test_nobody_can_be_called_or_written_to() -> None:
    """No file has a telephone number or mail address, and web addresses end in a name reserved for examples."""
    for file in sorted(Path(DEMO_NETWORK).rglob("*.json")):
        text = file.read_text(encoding="utf-8")
        assert '"phones"' not in text
        assert "@" not in text
        assert not re.search(r"(?<![0-9a-f-])0\d{1,4}-\d{1,4}-\d{4}(?![0-9a-f-])", text)
        assert all(host.endswith(".example") for host in re.findall(r"https?://([^/\"]+)", text))
