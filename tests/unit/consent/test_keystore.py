"""The file key store keeps keys whole, private and for good."""

import json
import os
import stat
from pathlib import Path

import pytest

from services.consent.keystore import FileKeyStore, KeyStoreError
from tsunagu_contracts.keys import EncryptionKey, SigningKey


def write_service_keys(folder: Path) -> None:
    """Put service keys where the network's set-up puts them."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = {
        "handles": SigningKey.generate().private_jwk(),
        "person_ref": EncryptionKey.generate().private_jwk(),
    }
    (folder / "service_keys.json").write_text(json.dumps(keys))


def files_below(folder: Path) -> list[Path]:
    """Every file in the folder and its sub-folders."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_kept_keys_come_back_and_open_what_they_opened(tmp_path: Path) -> None:
    """A key that was kept is the same key when it is loaded, also by another process."""
    keys = {f"handle-{n}": EncryptionKey.generate() for n in range(3)}

    await FileKeyStore(tmp_path).keep(keys)
    loaded = await FileKeyStore(tmp_path).load([*keys, "handle-unknown"])

    assert {handle: key.private_jwk() for handle, key in loaded.items()} == {
        handle: key.private_jwk() for handle, key in keys.items()
    }


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """No key file can be read by anybody but its owner, whatever the umask; no draft is left."""
    before = os.umask(0)
    try:
        await FileKeyStore(tmp_path).keep({"handle-1": EncryptionKey.generate()})
    finally:
        os.umask(before)

    files = files_below(tmp_path)
    assert [path.name for path in files] == ["handle-1.json"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700


async def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """Keeping another key under the same handle leaves the first one in place."""
    first, second = EncryptionKey.generate(), EncryptionKey.generate()
    store = FileKeyStore(tmp_path)

    await store.keep({"handle-1": first})
    await store.keep({"handle-1": second})

    assert (await store.load(["handle-1"]))["handle-1"].private_jwk() == first.private_jwk()


async def test_file_and_folder_are_flushed_before_keep_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's content reaches the disk before its name does, and its name before `keep` returns."""
    flushed: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        flushed.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    await FileKeyStore(tmp_path).keep({"handle-0-aa": EncryptionKey.generate()})
    monkeypatch.setattr(os, "fsync", noting)
    await FileKeyStore(tmp_path).keep({"handle-1-aa": EncryptionKey.generate()})

    assert flushed == ["file", "folder"]


async def test_the_lookup_key_is_made_once(tmp_path: Path) -> None:
    """Two processes recognise the same reference by the same hash."""
    write_service_keys(tmp_path)

    first = (await FileKeyStore(tmp_path).service_keys()).lookup
    second = (await FileKeyStore(tmp_path).service_keys()).lookup

    assert first.of_person("a-clinic", "42") == second.of_person("a-clinic", "42")
    assert first.of_person("a-clinic", "42") != first.of_person("b-clinic", "42")
    assert "secret" not in repr(first)


async def test_a_missing_or_broken_store_says_what_to_do(tmp_path: Path) -> None:
    """Without usable service keys the service does not start, and the reason names no key."""
    with pytest.raises(KeyStoreError, match="make the network's keys"):
        await FileKeyStore(tmp_path).service_keys()
    (tmp_path / "service_keys.json").write_text("{}")
    with pytest.raises(KeyStoreError, match="put the file back"):
        await FileKeyStore(tmp_path).service_keys()
