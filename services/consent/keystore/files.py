"""The provider `file`: keys as files, in one folder or, each of them, in several.

`<folder>/service_keys.json`          private JWKs: `handles` certifies, `person_ref` opens references
`<folder>/lookup_key`                 32 bytes, the secret of keyed hashes
`<folder>/handles/<xx>/<handle>.json` the private JWK of one handle; xx are the last two characters of its id
`<folder>/erased/<xx>/<handle>`       an empty file: this handle's key is destroyed and none is ever read again

What is written is in every folder before anybody is told; what is read comes from the first folder that has it,
and is put back into those before it.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from services.consent.domain.lookups import LookupKey
from services.consent.keystore import durable
from services.consent.keystore.store import KeyStoreError, ServiceKeys
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, SigningKey
from tsunagu_contracts.strict_json import parse_object

_Content = TypeVar("_Content")
_log = logging.getLogger("tsunagu.consent.keystore")

_LOOKUP_KEY_BYTES = 32
SERVICE_KEYS, LOOKUP_KEY = "service_keys.json", "lookup_key"


class FileKeyStore:
    """Keys as files that only their owner can read (0600), each there in full or not at all."""

    def __init__(self, folder: Path, replicas: Sequence[Path] = ()) -> None:
        self.folders = (folder, *replicas)

    async def service_keys(self) -> ServiceKeys:
        """Read the service's keys; the lookup key is made at the first call.

        Raises `KeyStoreError` where `service_keys.json` is absent or unusable.
        """
        return await asyncio.to_thread(self._service_keys)

    async def keep(self, keys: Mapping[str, EncryptionKey]) -> None:
        """Write one file per handle and folder, flushed with what it stands in; an existing key is never replaced."""
        await asyncio.to_thread(self.write, keys)

    async def load(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """Read the keys of these handles; raises `KeyStoreError` for a file that is unusable wherever it is."""
        return await asyncio.to_thread(self.read, handle_ids)

    async def destroy(self, handle_ids: Collection[str]) -> None:
        """Remove the keys of these handles from every folder, once every folder says that they are destroyed."""
        await asyncio.to_thread(self.erase, handle_ids)

    def read(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """Read the keys as `load` does, in the calling thread."""
        found: dict[str, EncryptionKey] = {}
        for handle_id in handle_ids:
            paths = [key_path(folder, handle_id) for folder in self.folders]
            key = self._found(paths, _handle_key)
            if key is None:
                continue
            # Looked for after the key was read, and perhaps repaired: what is destroyed meanwhile must not stay.
            if self.is_erased(handle_id):
                durable.remove(paths)
            else:
                found[handle_id] = key
        return found

    def write(self, keys: Mapping[str, EncryptionKey]) -> None:
        """Keep keys as `keep` does, in the calling thread."""
        for folder in self.folders:
            _write_all(
                {
                    # Without spaces, the spelling that is read fastest.
                    key_path(folder, handle_id): json.dumps(key.private_jwk(), separators=(",", ":")).encode()
                    for handle_id, key in keys.items()
                }
            )

    def erase(self, handle_ids: Collection[str]) -> None:
        """Destroy keys as `destroy` does, in the calling thread."""
        for folder in self.folders:
            marks = [erased_path(folder, handle_id) for handle_id in handle_ids]
            _write_all({mark: b"" for mark in marks if not mark.exists()})
            # One that was there already may be from before a crash, and not on the disk yet.
            durable.flush_folders({mark.parent for mark in marks})
        for folder in self.folders:
            durable.remove(key_path(folder, handle_id) for handle_id in handle_ids)

    def is_erased(self, handle_id: str) -> bool:
        """Whether any folder says that this handle's key is destroyed."""
        return any(_is_there(erased_path(folder, handle_id)) for folder in self.folders)

    def _service_keys(self) -> ServiceKeys:
        pairs = self._everywhere(SERVICE_KEYS, _service_pairs)
        if pairs is None:
            raise KeyStoreError("service_keys.json is not in the key store: make the network's keys first")
        certifying, person_ref = pairs
        return ServiceKeys(certifying, person_ref, LookupKey(self._lookup_secret()))

    def _lookup_secret(self) -> bytes:
        if not any((folder / LOOKUP_KEY).exists() for folder in self.folders):
            # Of two replicas that start together one wins; both then read the same file.
            _write_all({self.folders[0] / LOOKUP_KEY: secrets.token_bytes(_LOOKUP_KEY_BYTES)})
        secret = self._everywhere(LOOKUP_KEY, _lookup_secret)
        if secret is None:
            raise KeyStoreError("lookup_key is not in the key store: put the file back from a copy")
        return secret

    def _everywhere(self, name: str, parse: Callable[[bytes], _Content]) -> _Content | None:
        """What a file of the service's own holds, put into every folder: without it nothing else is worth much."""
        raws = self._found([folder / name for folder in self.folders], lambda raw: (parse(raw), raw))
        if raws is None:
            return None
        content, raw = raws
        _write_all({path: raw for folder in self.folders if not (path := folder / name).exists()})
        return content

    def _found(self, paths: Sequence[Path], parse: Callable[[bytes], _Content]) -> _Content | None:
        """What the first usable of these files holds, put back in place of those before it; None without any.

        Raises `KeyStoreError` where every file that is there is unusable.
        """
        unusable: KeyStoreError | None = None
        for number, path in enumerate(paths):
            try:
                raw = path.read_bytes()
                content = parse(raw)
            except FileNotFoundError:
                continue
            except OSError as error:
                _log.warning("a folder of the key store cannot be read error=%s", type(error).__name__)
                unusable = KeyStoreError("a folder of the key store cannot be read")
                continue
            except KeyStoreError as error:
                unusable = error
                continue
            self._repair(paths[:number], raw)
            return content
        if unusable is not None:
            raise unusable
        return None

    @staticmethod
    def _repair(paths: Sequence[Path], raw: bytes) -> None:
        for path in paths:
            try:
                durable.make_folder(path.parent)
                durable.replace(path, raw)
            except OSError as error:
                _log.warning("a folder of the key store cannot be repaired error=%s", type(error).__name__)


def key_path(folder: Path, handle_id: str) -> Path:
    """Where the key of a handle is kept in a folder."""
    return folder / "handles" / handle_id[-2:] / f"{handle_id}.json"


def erased_path(folder: Path, handle_id: str) -> Path:
    """What says in a folder that the key of a handle is destroyed."""
    return folder / "erased" / handle_id[-2:] / handle_id


def _is_there(mark: Path) -> bool:
    """Whether a mark is there; a folder that cannot be read is not asked, for the others have the mark as well."""
    try:
        return mark.exists()
    except OSError:
        return False


def kept_in(folder: Path) -> Iterator[str]:
    """The ids of all handles whose keys are kept in a folder."""
    for path in folder.glob("handles/*/*.json"):
        if not path.name.startswith("."):
            yield path.stem


def _write_all(content_by_path: Mapping[Path, bytes]) -> None:
    folders = {path.parent for path in content_by_path}
    for folder in folders:
        durable.make_folder(folder)
    for path, content in content_by_path.items():
        durable.write_once(path, content)
    durable.flush_folders(folders)


def _handle_key(raw: bytes) -> EncryptionKey:
    try:
        return EncryptionKey.from_jwk(parse_object(raw))
    except Refusal:
        raise KeyStoreError("a handle's key file is unusable: put it back from a copy") from None


def _service_pairs(raw: bytes) -> tuple[SigningKey, EncryptionKey]:
    try:
        content = parse_object(raw)
        return (
            SigningKey.from_jwk(_member(content, "handles")),
            EncryptionKey.from_jwk(_member(content, "person_ref")),
        )
    except Refusal:
        raise KeyStoreError("service_keys.json holds no usable keys: put the file back from a copy") from None


def _lookup_secret(raw: bytes) -> bytes:
    if len(raw) != _LOOKUP_KEY_BYTES:
        raise KeyStoreError("lookup_key is not 32 bytes long: put the file back from a copy")
    return raw


def _member(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = content.get(name)
    return value if isinstance(value, Mapping) else {}
