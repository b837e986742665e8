"""Signatures and sealing: one profile of JOSE, closed in algorithms and in header names.

Signatures are compact JWS (RFC 7515) with ES256. Bodies are compact JWE (RFC 7516) with `dir` and
A256GCM. What is written to a key's owner is compact JWE with ECDH-ES+A256KW and A256GCM.
`typ` keeps tokens of one purpose from being taken for another's (RFC 8725 section 3.11).
Every header is read here, strictly, before the library sees the token; whatever fails is a `Refusal`.
"""

import re
from collections.abc import Mapping

from joserfc import jwe, jws
from joserfc.jwk import OctKey
from joserfc.registry import JWE_HEADER_REGISTRY, JWS_HEADER_REGISTRY

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import from_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, KeyUse, PublicKey, SigningKey, import_point
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.strict_json import parse_object

CONTENT_KEY_BYTES = 32
"""Bytes of an A256GCM key."""

_SIGNATURE, _DIRECT, _AGREEMENT, _CONTENT = "ES256", "dir", "ECDH-ES+A256KW", "A256GCM"
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JWE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")

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
_ES256 = _SIGNATURES.get_alg(_SIGNATURE)
_BODIES = _JweRegistry(_DIRECT)
_WRAPPED = _JweRegistry(_AGREEMENT)


def sign(payload: bytes, key: SigningKey, *, typ: str) -> str:
    """Sign bytes into a compact JWS of the given type."""
    header = {"alg": _SIGNATURE, "kid": key.public.kid, "typ": typ}
    return jws.serialize_compact(header, payload, key.native, registry=_SIGNATURES)


def verify(token: str, key: PublicKey, *, typ: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the payload of a JWS of this type that this key signed; anything else is refused.

    Codes: `oversize`, `json_serialisation`, `token_malformed`, `algorithm_not_allowed`,
    `header_not_allowed`, `unknown_key` (another key's `kid`), `signature_invalid`.
    """
    if key.use is not KeyUse.SIGNING:
        raise Refusal(RefusalCode.KEY_MALFORMED, reason="not_a_signing_key")
    header = _header(token, _JWS, limits.manifest)
    _require_algorithm(header, alg=_SIGNATURE)
    _require_names(header, {"alg", "kid", "typ"})
    _require_typ(header, typ)
    if header["kid"] != key.kid:
        raise Refusal(RefusalCode.UNKNOWN_KEY)
    # The header has been read; from the library only its algorithm is wanted, not a second reading.
    signed, _, signature = token.rpartition(".")
    try:
        genuine = _ES256.verify(signed.encode("ascii"), from_base64url(signature), key.native)
        payload = from_base64url(signed.partition(".")[2])
    except Exception:  # the library raises bare ValueError and TypeError too; none may pass uncoded
        raise Refusal(RefusalCode.SIGNATURE_INVALID) from None
    if not genuine:
        raise Refusal(RefusalCode.SIGNATURE_INVALID)
    return payload


def kid_of(token: str, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the `kid` that a JWS claims, unverified: to choose a key to verify with, nothing more."""
    kid = _header(token, _JWS, limits.manifest).get("kid")
    if not isinstance(kid, str):
        raise Refusal(RefusalCode.HEADER_NOT_ALLOWED, header="kid")
    return kid


def unverified_payload(token: str, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, object]:
    """Return the JSON object that a JWS claims, unverified: to answer a refused sender, nothing more."""
    _header(token, _JWS, limits.manifest)
    return parse_object(from_base64url(token.split(".")[1]))


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
    header = _header(token, _JWE, limits.body)
    _require_algorithm(header, alg=_DIRECT, enc=_CONTENT)
    _require_names(header, {"alg", "enc", "kid"})
    if header["kid"] != section_id:
        raise Refusal(RefusalCode.HEADER_NOT_ALLOWED, header="kid")
    _, encrypted_key, nonce, _, tag = token.split(".")
    if encrypted_key or len(from_base64url(nonce)) != 12 or len(from_base64url(tag)) != 16:
        raise Refusal(RefusalCode.TOKEN_MALFORMED)


def wrap(plaintext: bytes, key: PublicKey, *, typ: str) -> str:
    """Seal bytes to the owner of an encryption key, as a compact JWE of the given type."""
    if key.use is not KeyUse.ENCRYPTION:
        raise Refusal(RefusalCode.KEY_MALFORMED, reason="not_an_encryption_key")
    header = {"alg": _AGREEMENT, "enc": _CONTENT, "kid": key.kid, "typ": typ}
    return jwe.encrypt_compact(header, plaintext, key.native, registry=_WRAPPED)


def unwrap(token: str, key: EncryptionKey, *, typ: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Open what was sealed to this key as this type; anything else is refused.

    Codes: `oversize`, `json_serialisation`, `token_malformed`, `algorithm_not_allowed`,
    `header_not_allowed`, `unknown_key`, `key_malformed` (the ephemeral key), `cannot_open`.
    """
    header = _header(token, _JWE, limits.token)
    _require_algorithm(header, alg=_AGREEMENT, enc=_CONTENT)
    _require_names(header, {"alg", "enc", "kid", "typ", "epk"})
    _require_typ(header, typ)
    if header["kid"] != key.public.kid:
        raise Refusal(RefusalCode.UNKNOWN_KEY)
    _require_point(header["epk"])
    try:
        return _plaintext(jwe.decrypt_compact(token, key.native, registry=_WRAPPED))
    except Exception:  # as in verify
        raise Refusal(RefusalCode.CANNOT_OPEN) from None


def _header(token: str, form: re.Pattern[str], limit: int) -> dict[str, object]:
    if len(token) > limit:
        raise Refusal(RefusalCode.OVERSIZE)
    if token.lstrip()[:1] in ("{", "["):
        raise Refusal(RefusalCode.JSON_SERIALISATION)
    if form.fullmatch(token) is None:
        raise Refusal(RefusalCode.TOKEN_MALFORMED)
    try:
        return parse_object(from_base64url(token.partition(".")[0]))
    except Refusal as refusal:
        raise Refusal(RefusalCode.TOKEN_MALFORMED, **refusal.detail) from None


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


def _require_point(epk: object) -> None:
    if not isinstance(epk, dict) or epk.keys() != {"kty", "crv", "x", "y"}:
        raise Refusal(RefusalCode.KEY_MALFORMED, header="epk")
    x, y = epk["x"], epk["y"]
    if epk["kty"] != "EC" or epk["crv"] != "P-256" or not isinstance(x, str) or not isinstance(y, str):
        raise Refusal(RefusalCode.KEY_MALFORMED, header="epk")
    if _COORDINATE.fullmatch(x) is None or _COORDINATE.fullmatch(y) is None:
        raise Refusal(RefusalCode.KEY_MALFORMED, header="epk")
    import_point(x, y)


def _content_key(raw: bytes) -> OctKey:
    if len(raw) != CONTENT_KEY_BYTES:
        raise Refusal(RefusalCode.KEY_MALFORMED, reason="not_32_bytes")
    return OctKey.import_key(raw)


def _plaintext(opened: jwe.CompactEncryption) -> bytes:
    if opened.plaintext is None:
        raise Refusal(RefusalCode.CANNOT_OPEN)
    return opened.plaintext
