from collections.abc import Callable
from pathlib import Path

import pytest

from services.directory.domain.changes import Changes, Registered, changes, facts_of
from services.directory.domain.network import Network
from services.directory.domain.problems import NetworkFilesError
from tests.builders.networks import (
    AREA,
    CLINIC,
    DESK,
    DESK_ORGANIZATION,
    Files,
    appointment,
    make_network,
    small_files,
)

NOTHING = Registered({}, {}, {})
Change = Callable[[Files], object]


def registered(network: Network) -> Registered:
    """Tell what stands registered once a network has been loaded."""
    return Registered(
        facts_of(network),
        {each.appointment_id: each for each in network.appointments},
        {each.mandate_id: each for each in network.mandates},
    )


def changed(folder: Path, change: Change) -> Changes:
    """Load the small network, change its files, and compare."""
    before = make_network(folder, small_files())
    files = small_files()
    change(files)
    return changes(registered(before), make_network(folder, files))


def test_the_first_description_is_all_new(tmp_path: Path) -> None:
    """Where nothing is registered, everything has to be said."""
    found = changes(NOTHING, make_network(tmp_path, small_files()))
    assert [facts.agency_id for facts in found.registrations] == [CLINIC, DESK]
    assert [grant.appointment_id for grant in found.grants] == ["ap-1", "ap-2"]
    assert [mandate.mandate_id for mandate in found.mandates] == ["ma-1"]
    assert found.ends == ()


def test_the_same_description_changes_nothing(tmp_path: Path) -> None:
    """Comparing a network with itself finds nothing to say, whatever the order of its files."""

    def reorder(files: Files) -> None:
        for entries in files.values():
            entries.reverse()
        files["organizations.json"][0]["attributes"].reverse()

    assert changed(tmp_path, reorder) == Changes((), (), (), ())


def test_an_ended_appointment_is_said_once(tmp_path: Path) -> None:
    """Adding ended_at ends an appointment; it is not granted anew."""

    def end(files: Files) -> None:
        files["appointments.json"][0]["ended_at"] = "2026-09-01T00:00:00+09:00"

    found = changed(tmp_path, end)
    assert [each.appointment_id for each in found.ends] == ["ap-1"]
    assert found.grants == ()
    files = small_files()
    end(files)
    ended = make_network(tmp_path, files)
    assert changes(registered(ended), ended) == Changes((), (), (), ())


def test_an_appointment_may_come_already_ended(tmp_path: Path) -> None:
    """One that is new and over is granted and ended."""
    over = appointment("ap-3", "c-1", CLINIC, ended_at="2026-05-01T00:00:00+09:00")
    found = changed(tmp_path, lambda files: files["appointments.json"].append(over))
    assert [each.appointment_id for each in found.grants] == ["ap-3"]
    assert [each.appointment_id for each in found.ends] == ["ap-3"]


def test_an_agency_with_other_facts_is_registered_again(tmp_path: Path) -> None:
    """A new service family makes a new registration of that agency and of no other."""

    def add_service(files: Files) -> None:
        service = {**files["services.json"][0], "id": "0b7c1a52-6a0e-4c0c-9a51-5d1a8a4f0b02"}
        service["attributes"] = [{"taxonomy_term": {"taxonomy": "tsunagu-service-family", "code": "daily_life"}}]
        files["services.json"].append(service)

    found = changed(tmp_path, add_service)
    assert [facts.agency_id for facts in found.registrations] == [DESK]
    assert [family.value for family in found.registrations[0].service_families] == [
        "daily_life",
        "general_consultation",
    ]


def test_names_alone_are_nothing_to_say(tmp_path: Path) -> None:
    """Names and addresses are in no event, so that changing one says nothing."""

    def rename(files: Files) -> None:
        files["coordinators.json"][0]["name"] = "別の 名前"
        files["organizations.json"][0]["name"] = "別の機関名"

    assert changed(tmp_path, rename) == Changes((), (), (), ())


def _drop_agency(files: Files) -> None:
    files["organizations.json"].pop(0)
    files["appointments.json"].pop(0)


def _drop_appointment(files: Files) -> None:
    files["appointments.json"].pop()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_drop_agency, f"organizations.json: {CLINIC}: it is registered and stands in no file any more"),
        (_drop_appointment, "appointments.json: ap-2: it is registered and stands in no file any more"),
        (
            lambda files: files["mandates.json"].clear(),
            "mandates.json: ma-1: it is registered and stands in no file any more",
        ),
        (
            lambda files: files["appointments.json"][0].update(role="life_support"),
            "appointments.json: ap-1: it differs from the one registered",
        ),
        (
            lambda files: files["appointments.json"][0].update(coordinator_id="c-2"),
            "appointments.json: ap-1: it differs from the one registered",
        ),
        (
            lambda files: files["mandates.json"][0].update(agencies=[CLINIC, DESK]),
            "mandates.json: ma-1: it differs from the one registered",
        ),
    ],
)
def test_the_past_is_not_rewritten(tmp_path: Path, change: Change, expected: str) -> None:
    """Dropping or altering what has been said is refused."""
    with pytest.raises(NetworkFilesError) as caught:
        changed(tmp_path, change)
    assert any(str(problem).startswith(expected) for problem in caught.value.problems)


@pytest.mark.parametrize("later", ["2026-10-01T00:00:00+09:00", None])
def test_an_end_is_final(tmp_path: Path, later: str | None) -> None:
    """An appointment that has ended neither ends at another time nor comes back."""
    files = small_files()
    files["appointments.json"][0]["ended_at"] = "2026-09-01T00:00:00+09:00"
    before = registered(make_network(tmp_path, files))
    files["appointments.json"][0]["ended_at"] = later
    with pytest.raises(NetworkFilesError, match="its ended_at cannot change any more"):
        changes(before, make_network(tmp_path, files))


def test_keys_do_not_change_by_file(tmp_path: Path) -> None:
    """Other public keys for a registered agency are refused: they may be somebody else's."""
    before = registered(make_network(tmp_path / "one", small_files()))
    with pytest.raises(NetworkFilesError, match=r"agency_keys\.json: clinic-a: its public keys are not the registered"):
        changes(before, make_network(tmp_path / "two", small_files()))


def test_facts_of_an_agency_hold_no_names(tmp_path: Path) -> None:
    """What is said of agencies is ids, codes and public keys."""
    said = [facts.model_dump_json() for facts in facts_of(make_network(tmp_path, small_files())).values()]
    assert len(said) == 2
    for text in said:
        assert text.isascii()
        assert DESK_ORGANIZATION not in text
        assert AREA in text
