"""Dated backups of a file key store, kept for a set time only: what is erased must not outlive it in a copy.

`<place>/20260401T090000Z/service_keys.json`, `lookup_key`   as in the key store
`<place>/20260401T090000Z/handles.jsonl`                     one private JWK a line, under its handle's id
"""

import json
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from services.consent.keystore import durable
from services.consent.keystore.files import LOOKUP_KEY, SERVICE_KEYS, FileKeyStore, kept_in, key_path
from services.consent.keystore.store import KeyStoreError
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey
from tsunagu_contracts.strict_json import parse_object

_NAME = "%Y%m%dT%H%M%SZ"
_HANDLES = "handles.jsonl"
_AT_ONCE = 500
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Restored:
    """How many keys of a backup were put back, were there already, or were withheld because they are destroyed."""

    put_back: int
    there: int
    withheld: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What is wrong with a key store; nothing where all is empty.

    `missing` and `unusable` are how many keys each folder lacks or has spoilt; `back` are handles whose keys are
    destroyed and there all the same; `overdue` are backups that should have been pruned.
    """

    keys: int
    missing: dict[Path, int]
    unusable: dict[Path, int]
    back: frozenset[str]
    overdue: tuple[Path, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (any(self.missing.values()) or any(self.unusable.values()) or self.back or self.overdue)


class Backups:
    """The backups of one file key store below a folder, each kept for `keep`."""

    def __init__(self, store: FileKeyStore, place: Path, keep: timedelta) -> None:
        self._store = store
        self._place = place
        self._keep = keep

    def make(self, now: datetime) -> Path:
        """Back up every key that is not destroyed, from whichever folder has it; returns where.

        Raises `KeyStoreError` where the key store has no service keys or there is a backup of this second.
        """
        folder = self._place / now.astimezone(UTC).strftime(_NAME)
        draft = folder.with_name(f".{folder.name}")
        if folder.exists():
            raise KeyStoreError(f"{folder} is there already: wait a second")
        shutil.rmtree(draft, ignore_errors=True)
        durable.make_folder(draft)
        for name in (SERVICE_KEYS, LOOKUP_KEY):
            durable.write_once(draft / name, self._service_file(name))
        lines = [
            json.dumps({"handle_id": handle_id, "jwk": key.private_jwk()}, separators=(",", ":"))
            for some in _portions(sorted(self._all_kept()))
            for handle_id, key in self._store.read(some).items()
        ]
        durable.write_once(draft / _HANDLES, "\n".join(lines).encode())
        durable.flush_folder(draft)
        draft.rename(folder)
        durable.flush_folder(self._place)
        return folder

    def all(self) -> list[tuple[datetime, Path]]:
        """Every backup with its moment, the oldest first."""
        found: list[tuple[datetime, Path]] = []
        for path in sorted(self._place.glob("[0-9]*Z")):
            with suppress(ValueError):
                found.append((datetime.strptime(path.name, _NAME).replace(tzinfo=UTC), path))
        return found

    def overdue(self, now: datetime) -> list[Path]:
        """The backups that are older than they may be."""
        return [path for at, path in self.all() if at <= now - self._keep]

    def prune(self, now: datetime) -> list[Path]:
        """Remove the backups that are older than they may be, and what a crash left half made; returns which."""
        old = self.overdue(now)
        for path in (*old, *self._place.glob(".[0-9]*Z")):
            shutil.rmtree(path)
        if self._place.is_dir():
            durable.flush_folder(self._place)
        return old

    def restore(self, backup: Path, erased: Collection[str]) -> Restored:
        """Put back what a backup has and the key store lacks; never what is destroyed there or in `erased`.

        `erased` are handles that the database knows as destroyed; they are destroyed here as well.
        """
        for name in (SERVICE_KEYS, LOOKUP_KEY):
            content = _read(backup / name)
            for folder in self._store.folders:
                durable.make_folder(folder)
                durable.write_once(folder / name, content)
                durable.flush_folder(folder)
        put_back = there = withheld = 0
        for some in _portions(_kept_lines(backup)):
            wanted = {handle_id: key for handle_id, key in some if handle_id not in erased}
            gone = {handle_id for handle_id in wanted if self._store.is_erased(handle_id)}
            lacking = {each: key for each, key in wanted.items() if each not in gone and not self._everywhere(each)}
            self._store.write(lacking)
            put_back += len(lacking)
            withheld += len(some) - len(wanted) + len(gone)
            there += len(wanted) - len(gone) - len(lacking)
        self._store.erase(erased)
        return Restored(put_back, there, withheld)

    def verify(self, erased: Collection[str], now: datetime) -> Verified:
        """Look at every key in every folder; `erased` are handles that the database knows as destroyed."""
        kept = self._all_kept()
        back = {handle_id for handle_id in kept if handle_id in erased or self._store.is_erased(handle_id)}
        missing = dict.fromkeys(self._store.folders, 0)
        unusable = dict.fromkeys(self._store.folders, 0)
        for folder in self._store.folders:
            for handle_id in kept - back:
                missing[folder] += not key_path(folder, handle_id).exists()
                unusable[folder] += not _usable(folder, handle_id)
        return Verified(len(kept), missing, unusable, frozenset(back), tuple(self.overdue(now)))

    def repair(self, erased: Collection[str]) -> None:
        """Put into every folder what another one has, and destroy what should be destroyed."""
        self._store.erase({each for each in self._all_kept() if self._store.is_erased(each)} | set(erased))
        for handle_id in self._all_kept():
            try:
                keys = self._store.read([handle_id])
            except KeyStoreError:
                # Nowhere usable: what is there is left to whoever can make something of it.
                continue
            spoilt = [folder for folder in self._store.folders if not _usable(folder, handle_id)]
            durable.remove(key_path(folder, handle_id) for folder in spoilt)
            self._store.write(keys)

    def _all_kept(self) -> set[str]:
        return {handle_id for folder in self._store.folders for handle_id in kept_in(folder)}

    def _everywhere(self, handle_id: str) -> bool:
        return all(key_path(folder, handle_id).exists() for folder in self._store.folders)

    def _service_file(self, name: str) -> bytes:
        for folder in self._store.folders:
            with suppress(FileNotFoundError):
                return (folder / name).read_bytes()
        raise KeyStoreError(f"{name} is not in the key store: there is nothing to back up")


def _usable(folder: Path, handle_id: str) -> bool:
    """Whether a key that is kept in a folder can be used; one that is not there is no worse for it."""
    try:
        FileKeyStore(folder).read([handle_id])
    except KeyStoreError:
        return False
    return True


def _portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))


def _kept_lines(backup: Path) -> list[tuple[str, EncryptionKey]]:
    found: list[tuple[str, EncryptionKey]] = []
    for line in _read(backup / _HANDLES).splitlines():
        try:
            content = parse_object(line)
            jwk = content.get("jwk")
            found.append((str(content["handle_id"]), EncryptionKey.from_jwk(jwk if isinstance(jwk, dict) else {})))
        except (Refusal, KeyError):
            raise KeyStoreError(f"{backup} is damaged: take another backup") from None
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise KeyStoreError(f"{path} is missing: this is no backup of a key store") from None
