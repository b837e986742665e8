"""Signatures and sealing: one profile of JOSE, closed in algorithms and in header names.

Signatures are compact JWS (RFC 7515) with ES256. Bodies are compact JWE (RFC 7516) with `dir` and
A256GCM. What is written to a key's owner is compact JWE with ECDH-ES+A256KW and A256GCM.
`typ` keeps tokens of one purpose from being taken for another's (RFC 8725 section 3.11).
Every header is read here, strictly, and nothing is computed before; whatever fails is a `Refusal`.

What every message costs is computed here with the primitives of `cryptography`: verifying and unwrapping. Writing
and opening a body go through joserfc, so that what one side writes the other has not written too.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDH, ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey
from joserfc.registry import JWE_HEADER_REGISTRY, JWS_HEADER_REGISTRY

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import from_base64url, is_compact
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, KeyUse, PublicKey, SigningKey, import_point
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.strict_json import parse_object

CONTENT_KEY_BYTES = 32
"""Bytes of an A256GCM key."""

_SIGNATURE, _DIRECT, _AGREEMENT, _CONTENT = "ES256", "dir", "ECDH-ES+A256KW", "A256GCM"
_JWS, _JWE = (0, 1, 2), (0, 2, 4)
"""Which parts of a compact serialisation may not be empty; the last one is always among them."""
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_ES256 = ECDSA(SHA256())
_ECDH = ECDH()
_NONCE_BYTES, _TAG_BYTES = 12, 16
_AGREED_FOR = len(_AGREEMENT).to_bytes(4, "big") + _AGREEMENT.encode("ascii") + bytes(8) + (256).to_bytes(4, "big")
"""What an agreed key is for (RFC 7518 section 4.6.2): algorithm, no party named, and its bits."""

# The library's own bounds are narrower than ours; ours are checked before it is called.
_UNBOUNDED = 1 << 30


class _JwsRegistry(jws.JWSRegistry):
    max_header_length = max_payload_length = max_signature_length = _UNBOUNDED

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm])
        self.header_registry = {name: JWS_HEADER_REGISTRY[name] for name in ("alg", "kid", "typ")}


class _JweRegistry(jwe.JWERegistry):
    max_protected_header_length = max_encrypted_key_length = max_ciphertext_length = _UNBOUNDED

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm, _CONTENT])
        # Names that the algorithm needs (epk) the library adds by itself.
        self.header_registry = {name: JWE_HEADER_REGISTRY[name] for name in ("alg", "enc", "kid", "typ")}


_SIGNATURES = _JwsRegistry(_SIGNATURE)
_BODIES = _JweRegistry(_DIRECT)
_WRAPPED = _JweRegistry(_AGREEMENT)


def sign(payload: bytes, key: SigningKey, *, typ: str) -> str:
    """Sign bytes into a compact JWS of the given type."""
    header = {"alg": _SIGNATURE, "kid": key.public.kid, "typ": typ}
    return jws.serialize_compact(header, payload, ECKey.import_key(key.native), registry=_SIGNATURES)


def verify(token: str, key: PublicKey, *, typ: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the payload of a JWS of this type that this key signed; anything else is refused.

    Codes: `oversize`, `json_serialisation`, `token_malformed`, `algorithm_not_allowed`,
    `header_not_allowed`, `unknown_key` (another key's `kid`), `signature_invalid`.
    """
    if key.use is not KeyUse.SIGNING:
        raise Refusal(RefusalCode.KEY_MALFORMED, reason="not_a_signing_key")
    encoded, payload, signature = _parts(token, _JWS, limits.manifest)
    header = _signature_header(encoded)
    _require_algorithm(header, alg=_SIGNATURE)
    _require_names(header, {"alg", "kid", "typ"})
    _require_typ(header, typ)
    if header["kid"] != key.kid:
        raise Refusal(RefusalCode.UNKNOWN_KEY)
    try:
        genuine = _is_genuine(f"{encoded}.{payload}", from_base64url(signature), key.native)
        signed = from_base64url(payload)
    except Exception:  # the library raises bare ValueError and TypeError too; none may pass uncoded
        raise Refusal(RefusalCode.SIGNATURE_INVALID) from None
    if not genuine:
        raise Refusal(RefusalCode.SIGNATURE_INVALID)
    return signed


def kid_of(token: str, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the `kid` that a JWS claims, unverified: to choose a key to verify with, nothing more."""
    encoded, *_ = _parts(token, _JWS, limits.manifest)
    kid = _signature_header(encoded).get("kid")
    if not isinstance(kid, str):
        raise Refusal(RefusalCode.HEADER_NOT_ALLOWED, header="kid")
    return kid


def unverified_payload(token: str, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, object]:
    """Return the JSON object that a JWS claims, unverified: to answer a refused sender, nothing more."""
    encoded, payload, _ = _parts(token, _JWS, limits.manifest)
    _signature_header(encoded)
    return parse_object(from_base64url(payload))


def seal_body(plaintext: bytes, content_key: bytes, section_id: str) -> str:
    """Seal a section's content under its content key; `kid` binds it to its section."""
    header = {"alg": _DIRECT, "enc": _CONTENT, "kid": section_id}
    return jwe.encrypt_compact(header, plaintext, _content_key(content_key), registry=_BODIES)


def open_body(token: str, content_key: bytes, section_id: str, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Open a section's body; codes as for `check_body`, and `cannot_open` (wrong key, changed body)."""
    check_body(token, section_id, limits=limits)
    key = _content_key(content_key)
    try:
        return _plaintext(jwe.decrypt_compact(token, key, registry=_BODIES))
    except Exception:  # as in verify
        raise Refusal(RefusalCode.CANNOT_OPEN) from None


def check_body(token: str, section_id: str, *, limits: Limits = DEFAULT_LIMITS) -> None:
    """Check, without any key, that a body has the form of the profile and belongs to this section.

    Codes: `oversize`, `json_serialisation`, `token_malformed`, `algorithm_not_allowed`, `header_not_allowed`.
    """
    encoded, encrypted_key, nonce, _, tag = _parts(token, _JWE, limits.body)
    header = _header(encoded)
    _require_algorithm(header, alg=_DIRECT, enc=_CONTENT)
    _require_names(header, {"alg", "enc", "kid"})
    if header["kid"] != section_id:
        raise Refusal(RefusalCode.HEADER_NOT_ALLOWED, header="kid")
    if encrypted_key or len(from_base64url(nonce)) != _NONCE_BYTES or len(from_base64url(tag)) != _TAG_BYTES:
        raise Refusal(RefusalCode.TOKEN_MALFORMED)


def wrap(plaintext: bytes, key: PublicKey, *, typ: str) -> str:
    """Seal bytes to the owner of an encryption key, as a compact JWE of the given type."""
    if key.use is not KeyUse.ENCRYPTION:
        raise Refusal(RefusalCode.KEY_MALFORMED, reason="not_an_encryption_key")
    header = {"alg": _AGREEMENT, "enc": _CONTENT, "kid": key.kid, "typ": typ}
    return jwe.encrypt_compact(header, plaintext, ECKey.import_key(key.native), registry=_WRAPPED)


def unwrap(token: str, key: EncryptionKey, *, typ: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Open what was sealed to this key as this type; anything else is refused.

    Codes: `oversize`, `json_serialisation`, `token_malformed`, `algorithm_not_allowed`,
    `header_not_allowed`, `unknown_key`, `key_malformed` (the ephemeral key), `cannot_open`.
    """
    encoded, sealed, ephemeral = _wrapped(token, key.public, typ, limits)
    try:
        return _unsealed(encoded, sealed, _agreed(key, ephemeral))
    except Exception:  # as in verify
        raise Refusal(RefusalCode.CANNOT_OPEN) from None


def check_wrapped(token: str, key: PublicKey, *, typ: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Check, without opening it, that something is sealed to the owner of this key as this type.

    Codes as for `unwrap`, but for `cannot_open`.
    """
    _wrapped(token, key, typ, limits)


def _wrapped(token: str, key: PublicKey, typ: str, limits: Limits) -> tuple[str, Sequence[str], EllipticCurvePublicKey]:
    """The header, the rest and the ephemeral key of what is sealed to this key as this type."""
    encoded, *sealed = _parts(token, _JWE, limits.token)
    header = _header(encoded)
    _require_algorithm(header, alg=_AGREEMENT, enc=_CONTENT)
    _require_names(header, {"alg", "enc", "kid", "typ", "epk"})
    _require_typ(header, typ)
    if header["kid"] != key.kid:
        raise Refusal(RefusalCode.UNKNOWN_KEY)
    return encoded, sealed, _require_point(header["epk"])


def _parts(token: str, required: tuple[int, ...], limit: int) -> list[str]:
    if len(token) > limit:
        raise Refusal(RefusalCode.OVERSIZE)
    if token.lstrip()[:1] in ("{", "["):
        raise Refusal(RefusalCode.JSON_SERIALISATION)
    parts = token.split(".")
    if len(parts) != required[-1] + 1 or not all(parts[each] for each in required) or not is_compact(token):
        raise Refusal(RefusalCode.TOKEN_MALFORMED)
    return parts


def _header(encoded: str) -> Mapping[str, object]:
    try:
        return parse_object(from_base64url(encoded))
    except Refusal as refusal:
        raise Refusal(RefusalCode.TOKEN_MALFORMED, **refusal.detail) from None


@lru_cache(maxsize=1024)
def _kept_header(encoded: str) -> Mapping[str, object]:
    return MappingProxyType(dict(_header(encoded)))


def _signature_header(encoded: str) -> Mapping[str, object]:
    """The same, kept: all that one key signs as one type begins alike. What is longer than ours is not kept."""
    return _kept_header(encoded) if len(encoded) <= 256 else _header(encoded)


def _is_genuine(signed: str, signature: bytes, key: EllipticCurvePublicKey) -> bool:
    """Whether these 64 bytes (RFC 7518 section 3.4) are the key's signature of this text."""
    if len(signature) != 64:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), signed.encode("ascii"), _ES256)
    except InvalidSignature:
        return False
    return True


def _agreed(key: EncryptionKey, ephemeral: EllipticCurvePublicKey) -> bytes:
    """The key that wraps the content key: one round of the Concat KDF (RFC 7518 section 4.6.2)."""
    secret = key.native.exchange(_ECDH, ephemeral)
    return hashlib.sha256(b"\x00\x00\x00\x01" + secret + _AGREED_FOR).digest()


def _unsealed(encoded: str, sealed: Sequence[str], wrapping_key: bytes) -> bytes:
    encrypted_key, nonce, ciphertext, tag = map(from_base64url, sealed)
    content_key = aes_key_unwrap(wrapping_key, encrypted_key)
    if (len(content_key), len(nonce), len(tag)) != (CONTENT_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES):
        raise Refusal(RefusalCode.CANNOT_OPEN)
    return AESGCM(content_key).decrypt(nonce, ciphertext + tag, encoded.encode("ascii"))


def _require_algorithm(header: Mapping[str, object], **allowed: str) -> None:
    for name, value in allowed.items():
        if header.get(name) != value:
            raise Refusal(RefusalCode.ALGORITHM_NOT_ALLOWED, header=name)


def _require_names(header: Mapping[str, object], names: set[str]) -> None:
    if header.keys() != names:
        # Names outside the list are the sender's text, and text is not repeated in a refusal.
        missing = names - header.keys()
        raise Refusal(RefusalCode.HEADER_NOT_ALLOWED, **({"missing": min(missing)} if missing else {}))


def _require_typ(header: Mapping[str, object], typ: str) -> None:
    if header["typ"] != typ:
        raise Refusal(RefusalCode.HEADER_NOT_ALLOWED, header="typ")


def _require_point(epk: object) -> EllipticCurvePublicKey:
    if not isinstance(epk, dict) or epk.keys() != {"kty", "crv", "x", "y"}:
        raise Refusal(RefusalCode.KEY_MALFORMED, header="epk")
    x, y = epk["x"], epk["y"]
    if epk["kty"] != "EC" or epk["crv"] != "P-256" or not isinstance(x, str) or not isinstance(y, str):
        raise Refusal(RefusalCode.KEY_MALFORMED, header="epk")
    if _COORDINATE.fullmatch(x) is None or _COORDINATE.fullmatch(y) is None:
        raise Refusal(RefusalCode.KEY_MALFORMED, header="epk")
    return import_point(x, y)


def _content_key(raw: bytes) -> OctKey:
    if len(raw) != CONTENT_KEY_BYTES:
        raise Refusal(RefusalCode.KEY_MALFORMED, reason="not_32_bytes")
    return OctKey.import_key(raw)


def _plaintext(opened: jwe.CompactEncryption) -> bytes:
    if opened.plaintext is None:
        raise Refusal(RefusalCode.CANNOT_OPEN)
    return opened.plaintext
