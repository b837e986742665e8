"""Issuing blank handles: certified, kept before they are certified, and for the caller's agency only."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.consent.keystore import FileKeyStore
from tests.builders.agency_messages import IDS, NOW
from tests.builders.consent_bench import CLINIC, DESK, HANDLE_DAYS, Bench
from tsunagu_contracts.handles import HandleCertificate, verify_certificate


async def issued_rows(bench: Bench) -> int:
    """How many handles the database knows."""
    async with bench.database.reading() as session:
        return await session.scalar(sa.text("SELECT count(*) FROM handles")) or 0


def key_files(folder: Path) -> set[str]:
    """The handles whose keys are on disk."""
    return {path.stem for path in (folder / "handles").rglob("*.json")}


def read(bench: Bench, certificate: str, agency_id: str = CLINIC.id) -> HandleCertificate:
    """A certificate as an agency checks it."""
    return verify_certificate(certificate, bench.custody.keys.certifying.public, NOW, agency_id)


async def test_a_batch_of_blank_handles(bench: Bench, tmp_path: Path) -> None:
    """Every handle of a batch is certified for the agency until the set time, and its key is on disk."""
    answer = await bench.client.post("/handles", json={"count": 5}, headers=bench.headers(CLINIC))

    certificates = [read(bench, each) for each in answer.json()["handles"]]
    assert {each.handle_id for each in certificates} == key_files(tmp_path)
    assert len({each.public_key.kid for each in certificates}) == 5
    assert {each.expires_at for each in certificates} == {NOW + timedelta(days=HANDLE_DAYS)}
    keys = await bench.custody.store.load([each.handle_id for each in certificates])
    assert all(keys[each.handle_id].public == each.public_key for each in certificates)


async def test_the_system_of_an_agency_takes_handles(bench: Bench) -> None:
    """An agency's own program takes handles for its agency."""
    headers = bench.headers(DESK, f"system:{DESK.id}")

    answer = await bench.client.post("/handles", json={"count": 1}, headers=headers)

    assert read(bench, answer.json()["handles"][0], DESK.id).agency_id == DESK.id


async def test_a_repeated_request_gets_the_same_handles(bench: Bench) -> None:
    """The same request under the same Idempotency-Key makes nothing new; another one is refused."""
    headers = bench.headers(CLINIC)

    first = await bench.client.post("/handles", json={"count": 2}, headers=headers)
    again = await bench.client.post("/handles", json={"count": 2}, headers=headers)
    other = await bench.client.post("/handles", json={"count": 3}, headers=headers)

    assert first.json() == again.json()
    assert await issued_rows(bench) == 2
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Idempotency-Key": ""}, "idempotency_key_missing"),
        ({"Authorization": ""}, "unauthenticated"),
        ({"Authorization": "Bearer a.b.c"}, "unauthenticated"),
    ],
)
async def test_requests_without_key_or_token(bench: Bench, change: dict[str, str], code: str) -> None:
    """A write carries a token and an Idempotency-Key, or is refused."""
    answer = await bench.client.post("/handles", json={}, headers=bench.headers(CLINIC) | change)

    assert answer.json()["code"] == code
    assert await issued_rows(bench) == 0


async def test_a_coordinator_without_appointment_takes_none(bench: Bench) -> None:
    """An agency that vouches for a coordinator without an appointment gets nothing for them."""
    headers = bench.headers(CLINIC, f"coordinator:{DESK.coordinator}")

    answer = await bench.client.post("/handles", json={}, headers=headers)

    assert answer.json()["code"] == "appointment_not_valid"


@pytest.mark.parametrize("count", [0, 201, "x"])
async def test_counts_have_bounds(bench: Bench, count: object) -> None:
    """A batch is neither empty nor without limit."""
    answer = await bench.client.post("/handles", json={"count": count}, headers=bench.headers(CLINIC))

    assert answer.json()["code"] == "invalid_content"


async def test_no_certificate_without_its_key(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the key store fails there is neither a certificate nor a handle in the database."""

    async def full(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(FileKeyStore, "keep", full)

    answer = await bench.client.post("/handles", json={}, headers=bench.headers(CLINIC))

    assert answer.status_code == 503
    assert await issued_rows(bench) == 0


async def test_a_failed_commit_leaves_keys_and_no_handle(bench: Bench, tmp_path: Path) -> None:
    """Where the database fails after the keys were kept, keys without a handle remain and nothing is certified."""
    async with bench.database.work() as work:
        await work.session.execute(
            sa.text("""
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'the disk is gone'; END $$
            """)
        )
        await work.session.execute(
            sa.text("""
                CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON handles
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()
            """)
        )

    answer = await bench.client.post("/handles", json={}, headers=bench.headers(CLINIC))

    assert answer.status_code == 500
    assert "handles" not in answer.json()
    assert len(key_files(tmp_path)) == 1
    assert await issued_rows(bench) == 0


async def test_ids_of_handles_say_nothing(bench: Bench) -> None:
    """A certificate names a random id, the agency and a key, and nothing about a person."""
    handle = await bench.blank_handle()

    assert set(read(bench, handle.certificate).model_dump()) == {
        "handle_id",
        "agency_id",
        "public_key",
        "expires_at",
    }
    assert IDS.new()[14] == handle.id[14] == "7"
