import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders.agency_messages import NOW, Consent, SendingAgency
from tsunagu_agency import ConfigurationError, Keystore, Network, NoHandleLeftError
from tsunagu_agency.files import write_private
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

CONSENT = Consent()
CLINIC = SendingAgency()
TRUSTED = CONSENT.signing.public


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The clinic's folder in a network's data folder, as `make run` lays it out."""
    clinic = tmp_path / "agencies" / CLINIC.id
    keys = {
        "agency_id": CLINIC.id,
        "signing": CLINIC.signing.private_jwk(),
        "encryption": CLINIC.encryption.private_jwk(),
    }
    login = {"bootstrap": "127.0.0.1:9092", "username": f"agency.{CLINIC.id}", "password": "invented"}
    trust = {"handles": TRUSTED.jwk(), "person_ref": CONSENT.encryption.public.jwk()}
    http = {name: f"http://127.0.0.1/{name}" for name in ("directory", "referral", "consent", "notify")}
    write_private(clinic / "keys.json", json.dumps(keys).encode())
    write_private(clinic / "kafka.json", json.dumps(login).encode())
    write_private(tmp_path / "network" / "trust.json", json.dumps(trust).encode())
    write_private(tmp_path / "run.json", json.dumps({"http": http, "pids": {}}).encode())
    return clinic


def test_a_folder_says_who_the_agency_is_and_where_the_network_is(folder: Path) -> None:
    """Keys, login, trusted keys and addresses are read from the agency's folder and the data folder above."""
    keystore, network = Keystore.open(folder), Network.from_folder(folder)
    assert (keystore.agency_id, keystore.signing.public) == (CLINIC.id, CLINIC.signing.public)
    assert network.handles_key == TRUSTED
    assert network.address("consent") == "http://127.0.0.1/consent"
    assert "invented" not in repr(network)


def test_a_folder_of_its_own_may_name_everything(folder: Path, tmp_path: Path) -> None:
    """An agency elsewhere has trust.json and services.json beside its keys."""
    services = {"directory": "https://d.example/", "referral": "https://r.example", "consent": "https://c.example"}
    write_private(folder / "services.json", json.dumps(services).encode())
    write_private(folder / "trust.json", (tmp_path / "network" / "trust.json").read_bytes())
    (tmp_path / "run.json").unlink()
    (tmp_path / "network" / "trust.json").unlink()
    assert Network.from_folder(folder).address("directory") == "https://d.example"


@pytest.mark.parametrize("name", ["keys.json", "kafka.json"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"agency_id":"a-b","signing":{},"encryption":{}}'])
def test_an_unusable_file_is_named(folder: Path, name: str, content: bytes | None) -> None:
    """Where a file is missing or unusable, the error names it and no secret."""
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        (Keystore.open(folder), Network.from_folder(folder))
    assert caught.value.path.name == name
    assert CLINIC.signing.private_jwk()["d"] not in str(caught.value)


def test_a_network_that_is_not_running_is_said_so(folder: Path, tmp_path: Path) -> None:
    """Without addresses of services the error says what is missing."""
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="is the network running"):
        Network.from_folder(folder)


def test_handles_are_kept_for_their_owner_alone(folder: Path) -> None:
    """A handle's file is readable by its owner only."""
    keystore = Keystore.open(folder)
    keystore.add_handles([CONSENT.handle_for(CLINIC.id).certificate], TRUSTED, NOW)
    [file] = (folder / "handles").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_handle_is_taken_once(folder: Path) -> None:
    """What one process has taken no other one gets, and after the last there is an error."""
    first, second = Keystore.open(folder), Keystore.open(folder)
    first.add_handles([CONSENT.handle_for(CLINIC.id).certificate for _ in range(3)], TRUSTED, NOW)
    taken = {store.take_handle(TRUSTED, NOW).token for store in (first, second, first)}
    assert len(taken) == 3
    with pytest.raises(NoHandleLeftError):
        second.take_handle(TRUSTED, NOW)


def test_the_handle_that_expires_first_is_taken_first_and_expired_ones_never(folder: Path) -> None:
    """An expired handle is thrown away, and the supply is used in the order of expiry."""
    keystore = Keystore.open(folder)
    handles = [CONSENT.handle_for(CLINIC.id, expires_at=NOW + timedelta(days=days)) for days in (3, 1, 2)]
    keystore.add_handles([handle.certificate for handle in handles], TRUSTED, NOW)
    later = NOW + timedelta(days=1)
    assert keystore.count_handles(later) == 2
    assert keystore.take_handle(TRUSTED, later).certificate.handle_id == handles[2].id
    assert len(list((folder / "handles").iterdir())) == 1


def test_handles_of_another_agency_are_not_kept(folder: Path) -> None:
    """One wrong certificate refuses the whole batch, and nothing of it is kept."""
    mixed = [CONSENT.handle_for(agency).certificate for agency in (CLINIC.id, "minato-school-b")]
    keystore = Keystore.open(folder)
    with pytest.raises(Refusal) as caught:
        keystore.add_handles(mixed, TRUSTED, NOW)
    assert caught.value.code is RefusalCode.HANDLE_OF_ANOTHER_AGENCY
    assert keystore.count_handles(NOW) == 0


def test_a_damaged_handle_file_is_named(folder: Path) -> None:
    """A handle file that cannot be read names itself rather than being passed over."""
    keystore = Keystore.open(folder)
    write_private(folder / "handles" / "h.jws", b"damaged")
    with pytest.raises(ConfigurationError) as caught:
        keystore.take_handle(TRUSTED, NOW)
    assert caught.value.path.name == "h.jws"
