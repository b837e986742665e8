"""Replicas and backups of the file key store: a lost folder costs nothing, and nothing destroyed comes back."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.consent.keystore import FileKeyStore, KeyStoreError
from services.consent.keystore.backups import Backups, Restored
from services.consent.keystore.files import erased_path, key_path
from tests.unit.consent.test_keystore import files_below, write_service_keys
from tsunagu_contracts.keys import EncryptionKey

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
DAYS = timedelta(days=30)
HANDLES = ("handle-1a", "handle-1b", "handle-2a")


@pytest.fixture
def store(tmp_path: Path) -> FileKeyStore:
    """A key store in three folders, with the service's keys in the first."""
    write_service_keys(tmp_path / "one")
    return FileKeyStore(tmp_path / "one", [tmp_path / "two", tmp_path / "three"])


@pytest.fixture
def backups(store: FileKeyStore, tmp_path: Path) -> Backups:
    """Its backups."""
    return Backups(store, tmp_path / "backups", DAYS)


async def filled(store: FileKeyStore) -> dict[str, EncryptionKey]:
    """Three handles' keys, and the service's own, kept everywhere."""
    keys = {handle_id: EncryptionKey.generate() for handle_id in HANDLES}
    await store.service_keys()
    await store.keep(keys)
    return keys


def same(one: dict[str, EncryptionKey], other: dict[str, EncryptionKey]) -> bool:
    """Whether both hold the same keys."""
    return {each: key.private_jwk() for each, key in one.items()} == {
        each: key.private_jwk() for each, key in other.items()
    }


async def test_keep_returns_once_every_folder_has_the_keys(store: FileKeyStore) -> None:
    """Each folder alone gives every key back; where one cannot be written nobody is told that they are kept."""
    keys = await filled(store)
    for folder in store.folders:
        assert same(await FileKeyStore(folder).load(HANDLES), keys)

    store.folders[2].joinpath("handles", "3a").write_text("in the way of a folder")
    with pytest.raises(OSError, match="3a"):
        await store.keep({"handle-3a": EncryptionKey.generate()})


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.unlink(), lambda path: path.write_text("{}"), lambda path: path.write_text("half a fi")],
    ids=["lost", "emptied", "cut off"],
)
async def test_what_one_folder_has_lost_is_read_from_the_next_and_mended(
    store: FileKeyStore, spoil: Callable[[Path], object]
) -> None:
    """A key that is lost or spoilt in the first folder is read from the second, and is back in the first."""
    keys = await filled(store)
    spoil(key_path(store.folders[0], HANDLES[0]))

    assert same(await store.load(HANDLES), keys)
    assert same(await FileKeyStore(store.folders[0]).load(HANDLES), keys)


async def test_a_lost_folder_takes_no_service_key_with_it(store: FileKeyStore) -> None:
    """With the first folder gone the service starts with the keys it had, and recognises whom it knew."""
    keys, before = await filled(store), await store.service_keys()
    shutil.rmtree(store.folders[0])

    after = await store.service_keys()

    assert after.certifying.public.jwk() == before.certifying.public.jwk()
    assert after.lookup.of_person("clinic", "42") == before.lookup.of_person("clinic", "42")
    assert same(await store.load(HANDLES), keys)


async def test_destroyed_is_destroyed_in_every_folder_for_ever(store: FileKeyStore) -> None:
    """No folder has the key or a draft of it, none takes one under that id again, and others' keys stay."""
    keys = await filled(store)
    draft = key_path(store.folders[0], HANDLES[0]).with_name(f".{HANDLES[0]}.json.0a1b")
    draft.write_text("what a crash left")
    for _ in range(2):
        await store.destroy([HANDLES[0], "handle-never-seen"])

    assert not [path for folder in store.folders for path in files_below(folder / "handles") if HANDLES[0] in path.name]
    await store.keep({HANDLES[0]: keys[HANDLES[0]]})
    assert set(await store.load(HANDLES)) == set(HANDLES[1:])


async def test_a_destroyed_key_in_one_forgotten_folder_is_not_read(store: FileKeyStore) -> None:
    """A folder that comes back from elsewhere with its keys and no marks is overruled by one that has the mark."""
    await filled(store)
    copy = store.folders[2].with_name("copy")
    shutil.copytree(store.folders[2], copy)
    await store.destroy(HANDLES)
    shutil.rmtree(store.folders[0])
    shutil.copytree(copy, store.folders[0])

    assert await store.load(HANDLES) == {}
    assert not key_path(store.folders[0], HANDLES[0]).exists()


async def test_a_backup_gives_back_what_was_lost(store: FileKeyStore, backups: Backups) -> None:
    """All folders lost, everything is back in all of them, readable by their owner alone."""
    keys, before = await filled(store), await store.service_keys()
    backup = backups.make(NOW)
    for folder in store.folders:
        shutil.rmtree(folder)

    assert backups.restore(backup, frozenset()) == Restored(put_back=3, there=0, withheld=0)
    assert backups.restore(backup, frozenset()) == Restored(put_back=0, there=3, withheld=0)
    assert same(await store.load(HANDLES), keys)
    assert (await store.service_keys()).certifying.public.jwk() == before.certifying.public.jwk()
    assert {path.stat().st_mode & 0o777 for path in files_below(backup)} == {0o600}


@pytest.mark.parametrize("known_by", ["mark", "database"])
async def test_a_backup_never_brings_back_what_is_destroyed(
    store: FileKeyStore, backups: Backups, known_by: str
) -> None:
    """Whether the key store itself knows it or, all its folders being lost, the database alone."""
    await filled(store)
    backup = backups.make(NOW)
    await store.destroy([HANDLES[0]])
    erased = frozenset[str]()
    if known_by == "database":
        erased = frozenset([HANDLES[0]])
        for folder in store.folders:
            shutil.rmtree(folder)

    restored = backups.restore(backup, erased)

    assert restored.withheld == 1
    assert set(await store.load(HANDLES)) == set(HANDLES[1:])
    for folder in store.folders:
        assert not key_path(folder, HANDLES[0]).exists()
        assert erased_path(folder, HANDLES[0]).exists()


async def test_backups_are_forgotten_in_time(store: FileKeyStore, backups: Backups) -> None:
    """The day it is thirty days old a backup is removed with what it held; younger ones stay."""
    await filled(store)
    old, young = backups.make(NOW), backups.make(NOW + timedelta(days=1))

    assert backups.prune(NOW + DAYS - timedelta(seconds=1)) == []
    assert backups.prune(NOW + DAYS) == [old]
    assert (old.exists(), young.exists()) == (False, True)


async def test_what_a_crash_left_of_a_backup_is_no_backup(store: FileKeyStore, backups: Backups) -> None:
    """A backup has its name once it is whole; half of one is not listed, and is made anew or removed."""
    await filled(store)
    half = backups.make(NOW)
    half.rename(half.with_name(f".{half.name}"))

    assert backups.all() == []
    assert backups.prune(NOW) == []
    assert not list(half.parent.iterdir())


async def test_verify_tells_what_is_wrong_and_repair_mends_it(store: FileKeyStore, backups: Backups) -> None:
    """Missing, spoilt, back from the dead, too old: each is told, and all but the old backup mended."""
    keys = await filled(store)
    assert backups.verify(frozenset(), NOW).sound
    key_path(store.folders[1], HANDLES[1]).unlink()
    key_path(store.folders[2], HANDLES[1]).write_text("{}")
    backups.make(NOW - DAYS)

    found = backups.verify(frozenset([HANDLES[0]]), NOW)

    assert not found.sound
    assert list(found.missing.values()) == [0, 1, 0]
    assert list(found.unusable.values()) == [0, 0, 1]
    assert found.back == {HANDLES[0]}
    assert len(found.overdue) == 1
    backups.repair([HANDLES[0]])
    backups.prune(NOW)
    assert backups.verify(frozenset([HANDLES[0]]), NOW).sound
    assert same(await store.load(HANDLES), {each: keys[each] for each in HANDLES[1:]})


async def test_a_folder_that_is_no_backup_is_refused(store: FileKeyStore, backups: Backups, tmp_path: Path) -> None:
    """Restoring from something else says so and changes nothing."""
    keys = await filled(store)
    (tmp_path / "empty").mkdir()
    with pytest.raises(KeyStoreError, match="no backup"):
        backups.restore(tmp_path / "empty", frozenset())
    assert same(await store.load(HANDLES), keys)
