import json
from pathlib import Path

import pytest

from deploy.demo.keys import (
    KeysError,
    agency_keys_file,
    make_keys,
    public_keys_file,
    service_keys_file,
    trust_file,
)

AGENCIES = ["clinic-a", "desk-a"]


def contents(data: Path) -> dict[Path, bytes]:
    """Read every file below a folder."""
    return {path: path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


def test_private_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Every file that holds a private key has mode 0600, and no draft of it is left."""
    make_keys(tmp_path, AGENCIES)
    for path in [*(agency_keys_file(tmp_path, each) for each in AGENCIES), service_keys_file(tmp_path)]:
        assert path.stat().st_mode & 0o777 == 0o600
        assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_public_files_hold_no_secret(tmp_path: Path) -> None:
    """What the network publishes has no private member, and names the same keys as the private files."""
    make_keys(tmp_path, AGENCIES)
    public = json.loads(public_keys_file(tmp_path).read_text())
    trust = json.loads(trust_file(tmp_path).read_text())
    assert set(public) == set(AGENCIES)
    assert set(trust) == {"handles", "person_ref"}
    for jwk in [*public["clinic-a"].values(), *public["desk-a"].values(), *trust.values()]:
        assert "d" not in jwk
    mine = json.loads(agency_keys_file(tmp_path, "clinic-a").read_text())
    assert mine["signing"] == public["clinic-a"]["signing"] | {"d": mine["signing"]["d"]}


def test_running_again_changes_nothing(tmp_path: Path) -> None:
    """A second run leaves every byte as it was."""
    make_keys(tmp_path, AGENCIES)
    before = contents(tmp_path)
    make_keys(tmp_path, AGENCIES)
    assert contents(tmp_path) == before


def test_a_new_agency_gets_keys_and_the_others_keep_theirs(tmp_path: Path) -> None:
    """Adding an agency adds its keys beside those that stand."""
    make_keys(tmp_path, ["clinic-a"])
    before = json.loads(public_keys_file(tmp_path).read_text())
    make_keys(tmp_path, AGENCIES)
    after = json.loads(public_keys_file(tmp_path).read_text())
    assert after["clinic-a"] == before["clinic-a"]
    assert "desk-a" in after


def test_public_files_are_made_again_from_private_ones(tmp_path: Path) -> None:
    """A run that was cut off before it published is completed by the next."""
    make_keys(tmp_path, AGENCIES)
    before = contents(tmp_path)
    public_keys_file(tmp_path).unlink()
    trust_file(tmp_path).unlink()
    make_keys(tmp_path, AGENCIES)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("lost", ["agencies/clinic-a/keys.json", "consent/keystore/service_keys.json"])
def test_lost_private_keys_are_not_silently_replaced(tmp_path: Path, lost: str) -> None:
    """When the network knows keys whose private file is gone, the run stops, says so and writes nothing."""
    make_keys(tmp_path, AGENCIES)
    (tmp_path / lost).unlink()
    before = contents(tmp_path)
    with pytest.raises(KeysError, match="is missing"):
        make_keys(tmp_path, AGENCIES)
    assert contents(tmp_path) == before


def test_other_keys_than_those_published_are_refused(tmp_path: Path) -> None:
    """A private file exchanged for another is refused: keys do not change by file."""
    make_keys(tmp_path / "one", AGENCIES)
    make_keys(tmp_path / "two", AGENCIES)
    agency_keys_file(tmp_path / "two", "desk-a").replace(agency_keys_file(tmp_path / "one", "desk-a"))
    with pytest.raises(KeysError, match="other keys"):
        make_keys(tmp_path / "one", AGENCIES)
