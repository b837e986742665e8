"""The network's keys, made at the first run: each agency's two pairs and the two pairs of `consent`.

`<data>/agencies/<id>/keys.json`              the agency's private keys: `agency_id`, `signing`, `encryption`
`<data>/network/agency_keys.json`             every agency's public keys: id → `signing`, `encryption`
`<data>/consent/keystore/service_keys.json`   consent's private keys: `handles` certifies, `person_ref` opens
`<data>/network/trust.json`                   the public halves of those two: what everybody trusts

A private file is never overwritten. The public files are derived from the private ones, but never against
what they already say: the network has pinned that.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.demo import private_files
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey


class KeysError(Exception):
    """Key files contradict each other or cannot be read; the message says which and what to do."""


def agency_keys_file(data: Path, agency_id: str) -> Path:
    """Where an agency's private keys are."""
    return data / "agencies" / agency_id / "keys.json"


def public_keys_file(data: Path) -> Path:
    """Where every agency's public keys are."""
    return data / "network" / "agency_keys.json"


def trust_file(data: Path) -> Path:
    """Where the public keys that everybody trusts are."""
    return data / "network" / "trust.json"


def service_keys_file(data: Path) -> Path:
    """Where the private keys of `consent` itself are (those of handles are beside it)."""
    return data / "consent" / "keystore" / "service_keys.json"


def make_keys(data: Path, agency_ids: Iterable[str]) -> None:
    """Make whatever keys are missing below `data`; raises `KeysError` rather than replace any.

    Running it again changes nothing; a new agency id gets keys, the others keep theirs.
    """
    published = _published(public_keys_file(data))
    public = dict(published)
    for agency_id in agency_ids:
        path = agency_keys_file(data, agency_id)
        if agency_id in published and not path.exists():
            raise KeysError(
                f"{path} is missing, but the network knows this agency's keys. Put the file back "
                "from a copy, or forget the whole network with `make clean`."
            )
        private_files.write_once(
            path,
            {
                "agency_id": agency_id,
                "signing": SigningKey.generate().private_jwk(),
                "encryption": EncryptionKey.generate().private_jwk(),
            },
        )
        public[agency_id] = _public_halves(path, signing="signing", encryption="encryption")
        if published.get(agency_id, public[agency_id]) != public[agency_id]:
            raise KeysError(
                f"{path} holds other keys than {public_keys_file(data)} says. Keys are not changed by file: "
                "put the old file back, or forget the whole network with `make clean`."
            )
    if public != published:
        private_files.replace(public_keys_file(data), public)
    _make_service_keys(data)


def _make_service_keys(data: Path) -> None:
    path = service_keys_file(data)
    if trust_file(data).exists() and not path.exists():
        raise KeysError(
            f"{path} is missing, but {trust_file(data)} names its public keys. Put the file back "
            "from a copy, or forget the whole network with `make clean`."
        )
    private_files.write_once(
        path,
        {
            "handles": SigningKey.generate().private_jwk(),
            "person_ref": EncryptionKey.generate().private_jwk(),
        },
    )
    halves = _public_halves(path, signing="handles", encryption="person_ref")
    if not private_files.write_once(trust_file(data), halves, mode=0o644) and _read(trust_file(data)) != halves:
        raise KeysError(
            f"{trust_file(data)} does not name the keys in {path}. Put the old file back, "
            "or forget the whole network with `make clean`."
        )


def _public_halves(path: Path, *, signing: str, encryption: str) -> dict[str, dict[str, str]]:
    content = _read(path)
    try:
        return {
            signing: SigningKey.from_jwk(_jwk(content, signing)).public.jwk(),
            encryption: EncryptionKey.from_jwk(_jwk(content, encryption)).public.jwk(),
        }
    except Refusal as refusal:
        raise KeysError(f"{path} holds no usable keys ({refusal}).") from None


def _published(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    published: dict[str, dict[str, dict[str, str]]] = {}
    if not path.exists():
        return published
    content = _read(path)
    for agency_id in content:
        keys = _jwk(content, agency_id)
        try:
            published[agency_id] = {use: PublicKey.from_jwk(_jwk(keys, use)).jwk() for use in ("signing", "encryption")}
        except Refusal as refusal:
            raise KeysError(f"{path}: the keys of {agency_id} are unusable ({refusal}).") from None
    return published


def _read(path: Path) -> dict[str, object]:
    try:
        return private_files.read(path)
    except (OSError, Refusal) as error:
        raise KeysError(f"{path} cannot be read ({error}).") from None


def _jwk(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = content.get(name)
    return value if isinstance(value, Mapping) else {}
