"""The key store: persons' private keys and the service's own, outside the database and never in its backups.

A provider is anything with the methods of `KeyStore`; `FileKeyStore` is the default one:

`<folder>/service_keys.json`          private JWKs: `handles` certifies, `person_ref` opens references
`<folder>/lookup_key`                 32 bytes, the secret of keyed hashes
`<folder>/handles/<xx>/<handle>.json` the private JWK of one handle; xx are the last two characters of its id
"""

import asyncio
import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.consent.domain.lookups import LookupKey
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, SigningKey
from tsunagu_contracts.strict_json import parse_object

_LOOKUP_KEY_BYTES = 32


class KeyStoreError(Exception):
    """The key store cannot be used; the message says what is missing and what to do, and names no key."""


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """Consent's own keys: one certifies handles, one opens references, one is for keyed hashes."""

    certifying: SigningKey
    person_ref: EncryptionKey
    lookup: LookupKey


class KeyStore(Protocol):
    """Where private keys live."""

    async def service_keys(self) -> ServiceKeys:
        """The service's own keys; raises `KeyStoreError`."""

    async def keep(self, keys: Mapping[str, EncryptionKey]) -> None:
        """Keep the keys of new handles by handle id; when this returns they survive a power cut."""

    async def load(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """The keys of those handles whose keys are kept; the others are simply absent."""

    def read(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """The same, for a thread that has more to do and may wait."""


class FileKeyStore:
    """Keys as files that only their owner can read (0600), each there in full or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def service_keys(self) -> ServiceKeys:
        """Read the service's keys; the lookup key is made at the first call.

        Raises `KeyStoreError` where `service_keys.json` is absent or unusable.
        """
        return await asyncio.to_thread(self._service_keys)

    async def keep(self, keys: Mapping[str, EncryptionKey]) -> None:
        """Write one file per handle, flushed together with its folder; an existing key is never replaced."""
        await asyncio.to_thread(self._keep, keys)

    async def load(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """Read the keys of these handles; raises `KeyStoreError` for a file that is there and unusable."""
        return await asyncio.to_thread(self.read, handle_ids)

    def read(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """Read the keys as `load` does, in the calling thread."""
        found: dict[str, EncryptionKey] = {}
        for handle_id in handle_ids:
            content = _read(self._path(handle_id))
            if content is not None:
                try:
                    found[handle_id] = EncryptionKey.from_jwk(content)
                except Refusal:
                    raise KeyStoreError("a handle's key file is unusable: put it back from a copy") from None
        return found

    def _service_keys(self) -> ServiceKeys:
        content = _read(self._folder / "service_keys.json")
        if content is None:
            raise KeyStoreError("service_keys.json is not in the key store: make the network's keys first")
        try:
            return ServiceKeys(
                certifying=SigningKey.from_jwk(_member(content, "handles")),
                person_ref=EncryptionKey.from_jwk(_member(content, "person_ref")),
                lookup=LookupKey(self._lookup_secret()),
            )
        except Refusal:
            raise KeyStoreError("service_keys.json holds no usable keys: put the file back from a copy") from None

    def _lookup_secret(self) -> bytes:
        path = self._folder / "lookup_key"
        if not path.exists():
            # Of two replicas that start together one wins; both then read the same file.
            _write_once(path, secrets.token_bytes(_LOOKUP_KEY_BYTES))
            _flush_folder(self._folder)
        secret = path.read_bytes()
        if len(secret) != _LOOKUP_KEY_BYTES:
            raise KeyStoreError("lookup_key is not 32 bytes long: put the file back from a copy")
        return secret

    def _keep(self, keys: Mapping[str, EncryptionKey]) -> None:
        folders: set[Path] = set()
        for handle_id, key in keys.items():
            path = self._path(handle_id)
            if path.parent not in folders:
                _make_folder(path.parent)
                folders.add(path.parent)
            # Without spaces, the spelling that is read fastest.
            _write_once(path, json.dumps(key.private_jwk(), separators=(",", ":")).encode())
        for folder in folders:
            _flush_folder(folder)

    def _path(self, handle_id: str) -> Path:
        return self._folder / "handles" / handle_id[-2:] / f"{handle_id}.json"


def _member(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = content.get(name)
    return value if isinstance(value, Mapping) else {}


def _read(path: Path) -> dict[str, object] | None:
    try:
        return parse_object(path.read_bytes())
    except FileNotFoundError:
        return None
    except Refusal:
        raise KeyStoreError(f"{path.name} in the key store is no JSON object: put it back from a copy") from None


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    missing = [folder, *(parent for parent in folder.parents if not parent.is_dir())]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for made in missing:
        _flush_folder(made.parent)


def _write_once(path: Path, content: bytes) -> None:
    """Write beside the place and link there: the file appears complete, and never over another one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
