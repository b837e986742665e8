"""Golden messages: committed examples whose bytes are read and written again by the code of today."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

from pydantic import BaseModel, ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import from_base64url
from tsunagu_contracts.envelope import decode_event, encode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events import EVENTS
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey
from tsunagu_contracts.manifests import MANIFESTS, sign_manifest
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.schemas import INBOUND, TOKENS
from tsunagu_contracts.strict_json import parse_object


@dataclass(frozen=True, slots=True)
class ExampleKeys:
    """The keys of the invented network of the examples; they are committed, and good for nothing else."""

    signing: Mapping[str, SigningKey]
    """Of each agency, by its id, and of `consent`, who certifies handles."""
    encryption: Mapping[str, EncryptionKey]
    """Of each agency and of `consent`, and of the example's handle under `handle`."""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read `{"signing": {owner: JWK}, "encryption": {owner: JWK}}`."""
        owners = {use: dict(members) for use, members in json.loads(raw).items() if isinstance(members, dict)}
        return cls(
            {owner: SigningKey.from_jwk(jwk) for owner, jwk in owners["signing"].items()},
            {owner: EncryptionKey.from_jwk(jwk) for owner, jwk in owners["encryption"].items()},
        )

    def to_bytes(self) -> bytes:
        """Return what `parse` reads."""
        owners = {
            "signing": {owner: key.private_jwk() for owner, key in self.signing.items()},
            "encryption": {owner: key.private_jwk() for owner, key in self.encryption.items()},
        }
        return json.dumps(owners, indent=2).encode("utf-8") + b"\n"

    def of_signer(self, agency_id: str) -> PublicKey:
        """The public signing key of an agency of the examples; `agency_unknown` for any other."""
        if agency_id not in self.signing:
            raise Refusal(RefusalCode.AGENCY_UNKNOWN)
        return self.signing[agency_id].public


def example_names() -> tuple[str, ...]:
    """What has a committed example: every event, every message of an agency, what agencies read, every token."""
    return tuple(sorted((*EVENTS, *MANIFESTS, INBOUND, *TOKENS)))


def rewritten(name: str, raw: bytes, keys: ExampleKeys) -> bytes:
    """Read an example as its reader would and return the bytes that its writer would write of it today.

    Refuses with the reader's code what can no longer be read, and with `unknown_type` an example of another type.
    """
    return _reader_of(name)(raw, keys)


def _reader_of(name: str) -> Callable[[bytes, ExampleKeys], bytes]:
    if name in EVENTS:
        return partial(_event, name)
    if name in MANIFESTS:
        return partial(_agency_message, name)
    if name in TOKENS:
        return partial(_token, TOKENS[name])
    return _inbound


def _event(name: str, raw: bytes, keys: ExampleKeys) -> bytes:
    event = decode_event(raw)
    if event.type != name:
        raise Refusal(RefusalCode.UNKNOWN_TYPE)
    return encode_event(event)


def _agency_message(name: str, raw: bytes, keys: ExampleKeys) -> bytes:
    message = AgencyMessage.parse(raw)
    agency_id = str(jose.unverified_payload(message.manifest).get("source")).removeprefix("agency/")
    manifest = message.verify(keys.of_signer(agency_id), agency_id)
    if manifest.type != name:
        raise Refusal(RefusalCode.UNKNOWN_TYPE)
    if manifest.model_dump_json().encode("utf-8") == from_base64url(message.manifest.split(".")[1]):
        return message.to_bytes()
    return AgencyMessage(sign_manifest(manifest, keys.signing[agency_id]), message.bodies).to_bytes()


def _inbound(raw: bytes, keys: ExampleKeys) -> bytes:
    return InboundMessage.parse(raw).to_bytes()


def _token(model: type[BaseModel], raw: bytes, keys: ExampleKeys) -> bytes:
    try:
        return model.model_validate(parse_object(raw)).model_dump_json().encode("utf-8")
    except ValidationError:
        raise Refusal(RefusalCode.INVALID_CONTENT) from None
