import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.directory.domain.problems import NetworkFilesError
from services.directory.network_files import read_network
from tests.builders.networks import (
    AREA,
    CLINIC,
    CLINIC_ORGANIZATION,
    DESK,
    LOCATION,
    SERVICE,
    Files,
    appointment,
    keys_of_small,
    make_network,
    small_files,
    write_files,
)
from tsunagu_contracts.codes import AgencyKind, Area, ServiceFamily

Change = Callable[[Files], object]


def problems_after(folder: Path, change: Change) -> list[str]:
    """Read the small network after a change that spoils it; returns what is said of it."""
    files = small_files()
    change(files)
    with pytest.raises(NetworkFilesError) as caught:
        make_network(folder, files)
    return [str(problem) for problem in caught.value.problems]


def test_agencies_are_read_out_of_hsds(tmp_path: Path) -> None:
    """Kind, areas, desk and families come from the identifiers and attributes of HSDS objects."""
    network = make_network(tmp_path, small_files())
    desk = network.agencies[1]
    assert (desk.agency_id, desk.kind) == (DESK, AgencyKind.AREA_DESK)
    assert desk.desk_for == desk.areas == {Area.MANSEIBASHI}
    assert network.families_of(desk.organization_id) == {ServiceFamily.GENERAL_CONSULTATION}
    assert network.families_of(CLINIC_ORGANIZATION) == frozenset()
    assert desk.organization["name"] == "架空のdesk-a"


def test_collections_may_be_spread_over_folders(tmp_path: Path) -> None:
    """Files of one name in folders below are one collection."""
    files = small_files()
    other = {"coordinators.json": [files["coordinators.json"].pop()]}
    write_files(tmp_path / "network" / "minato", other)
    network = make_network(tmp_path, files)
    assert {coordinator.id for coordinator in network.coordinators} == {"c-1", "c-2"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda files: files["areas.json"][0].update(code="chiyoda.nowhere"), "areas.json: chiyoda.nowhere: code: "),
        (
            lambda files: files["organizations.json"][0]["attributes"].pop(0),
            f"organizations.json: {CLINIC_ORGANIZATION}: it needs exactly one attribute of tsunagu-agency-kind, not 0",
        ),
        (
            lambda files: files["organizations.json"][0]["attributes"][0]["taxonomy_term"].update(code="shop"),
            f"organizations.json: {CLINIC_ORGANIZATION}: tsunagu-agency-kind: 'shop' is none of ",
        ),
        (
            lambda files: files["organizations.json"][0]["organization_identifiers"].clear(),
            f"organizations.json: {CLINIC_ORGANIZATION}: it needs exactly one identifier of the scheme 'tsunagu'",
        ),
        (
            lambda files: files["organizations.json"][0]["organization_identifiers"][0].update(identifier="A b"),
            f"organizations.json: {CLINIC_ORGANIZATION}: its agency id is not ",
        ),
        (
            lambda files: files["organizations.json"][0]["organization_identifiers"][0].update(identifier=DESK),
            f"organizations.json: {DESK}: this agency id stands more than once",
        ),
        (
            lambda files: files["organizations.json"][1]["attributes"].pop(),
            f"areas.json: {AREA}: it has 0 standing desks and needs exactly one",
        ),
        (
            lambda files: files["services.json"][0]["attributes"].clear(),
            f"services.json: {SERVICE}: it belongs to no service family",
        ),
        (
            lambda files: files["services.json"][0].update(organization_id=LOCATION),
            f"services.json: {SERVICE}: its organization_id is in no file",
        ),
        (
            lambda files: files["services.json"][0].update(id="SERVICE-1"),
            "services.json: SERVICE-1: id: Value error, is no UUID",
        ),
        (
            lambda files: files["services.json"][0]["service_areas"][0].update(uri="urn:tsunagu:area:atlantis"),
            f"services.json: {SERVICE}: service_areas: 'atlantis' is none of ",
        ),
        (
            lambda files: files["service_at_location.json"][0].update(location_id=SERVICE),
            "service_at_location.json: 0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0d01: its location_id is in no file",
        ),
        (
            lambda files: files["coordinators.json"][0].pop("coordinator_id"),
            "coordinators.json: entry 1: coordinator_id: Field required",
        ),
        (
            lambda files: files["coordinators.json"].append(files["coordinators.json"][0]),
            "coordinators.json: c-1: this id stands more than once",
        ),
        (
            lambda files: files["appointments.json"].append(appointment("ap-3", "c-9", CLINIC)),
            "appointments.json: ap-3: there is no coordinator 'c-9'",
        ),
        (
            lambda files: files["appointments.json"].append(appointment("ap-3", "c-1", "clinic-z")),
            "appointments.json: ap-3: there is no agency 'clinic-z'",
        ),
        (
            lambda files: files["appointments.json"][0].update(areas=["minato.shiba"]),
            "appointments.json: ap-1: there is no area 'minato.shiba'",
        ),
        (
            lambda files: files["appointments.json"][0].update(role="wizard"),
            "appointments.json: ap-1: role: Input should be 'csw'",
        ),
        (
            lambda files: files["appointments.json"][0].update(valid_from="2026-04-01T00:00:00"),
            "appointments.json: ap-1: valid_from: Input should have timezone info",
        ),
        (
            lambda files: files["appointments.json"][0].update(valid_until="2026-04-01T00:00:00+09:00"),
            "appointments.json: ap-1: valid_until does not lie after valid_from",
        ),
        (
            lambda files: files["appointments.json"][0].update(ended_at="2026-03-31T23:59:59+09:00"),
            "appointments.json: ap-1: ended_at lies before valid_from",
        ),
        (
            lambda files: files["mandates.json"][0].update(agencies=[CLINIC, "clinic-z"]),
            "mandates.json: ma-1: there is no agency 'clinic-z'",
        ),
        (
            lambda files: files["mandates.json"][0].update(auditor_id="au-9"),
            "mandates.json: ma-1: there is no auditor 'au-9'",
        ),
        (lambda files: files["mandates.json"][0].update(agencies=[]), "mandates.json: ma-1: agencies: "),
    ],
)
def test_a_fault_is_told_with_file_and_entry(tmp_path: Path, change: Change, expected: str) -> None:
    """Each kind of fault is refused, and the message names the file, the entry and what is wrong."""
    assert any(said.startswith(expected) for said in problems_after(tmp_path, change)), expected


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """One reading tells all faults, so that they can be mended together."""

    def spoil(files: Files) -> None:
        files["appointments.json"][0]["role"] = "wizard"
        files["mandates.json"][0]["reason"] = ""
        files["locations.json"][0]["location_type"] = "cloud"

    said = problems_after(tmp_path, spoil)
    assert [each.split(": ")[:2] for each in said] == [
        ["locations.json", LOCATION],
        ["appointments.json", "ap-1"],
        ["mandates.json", "ma-1"],
    ]


def test_names_of_staff_are_in_no_message(tmp_path: Path) -> None:
    """A message says where a fault is and never repeats what was written there."""

    def spoil(files: Files) -> None:
        files["coordinators.json"][0].update(kana=["秘密の名"], languages="秘密の名")

    said = problems_after(tmp_path, spoil)
    assert len(said) == 2
    assert "秘密" not in "".join(said)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'[{"code": ]', "areas.json: -: it is no JSON at line 1"),
        (b"\xff\xfe", "areas.json: -: it is not UTF-8 at byte 0"),
        (b"{}", "areas.json: -: a list of objects is needed"),
        (b"[3]", "areas.json: -: entry 1 is no object"),
        (b'[{"code": "a", "code": "b"}]', "areas.json: -: an object has 'code' more than once"),
        (b'[{"code": NaN}]', "areas.json: -: NaN is no JSON number"),
        (b'[{"code": 1e999}]', "areas.json: -: 1e999 is too large a number"),
        (b'[{"code": "\\u0000"}]', "areas.json: -: a string holds the character U+0000"),
        (b'[{"code": "\\ud83d"}]', "areas.json: -: a string holds half a character"),
        (b"[" * 100_000, "areas.json: -: it is nested too deeply"),
    ],
    ids=["syntax", "bytes", "object", "number", "twice", "nan", "infinite", "nul", "surrogate", "deep"],
)
def test_a_file_that_is_no_list_of_objects_is_told(tmp_path: Path, content: bytes, expected: str) -> None:
    """A file that cannot be taken as JSON objects is refused by name."""
    folder = write_files(tmp_path / "network", small_files())
    (folder / "areas.json").write_bytes(content)
    with pytest.raises(NetworkFilesError) as caught:
        read_network(folder, keys_of_small(tmp_path))
    assert str(caught.value.problems[0]).startswith(expected)


def test_a_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    """A file that an editor began with a byte order mark is read like any other."""
    folder = write_files(tmp_path / "network", small_files())
    content = (folder / "areas.json").read_bytes()
    (folder / "areas.json").write_bytes(b"\xef\xbb\xbf" + content)
    assert read_network(folder, keys_of_small(tmp_path)).areas


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A collection without any file is refused, rather than taken as empty."""
    folder = write_files(tmp_path / "network", small_files())
    (folder / "mandates.json").unlink()
    with pytest.raises(NetworkFilesError, match=r"mandates\.json: -: there is no such file"):
        read_network(folder, keys_of_small(tmp_path))


def test_an_agency_needs_keys_of_the_right_kind(tmp_path: Path) -> None:
    """An agency without public keys, or with the two exchanged, is refused."""
    folder = write_files(tmp_path / "network", small_files())
    keys = keys_of_small(tmp_path)
    content = json.loads(keys.read_text())
    content[CLINIC] = {"signing": content[CLINIC]["encryption"], "encryption": content[CLINIC]["signing"]}
    keys.write_text(json.dumps(content))
    with pytest.raises(NetworkFilesError, match=r"agency_keys\.json: clinic-a: signing: a public JWK"):
        read_network(folder, keys)
    del content[CLINIC]
    keys.write_text(json.dumps(content))
    with pytest.raises(NetworkFilesError, match=r"agency_keys\.json: clinic-a: the agency has no public keys"):
        read_network(folder, keys)
    keys.unlink()
    with pytest.raises(NetworkFilesError, match=r"agency_keys\.json: -: it cannot be read"):
        read_network(folder, keys)
