"""Bytes as text: base64url without padding, and digests in it."""

import base64
import binascii
import hashlib

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


def to_base64url(raw: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Decode the one canonical base64url spelling of some bytes; refuses others with `token_malformed`."""
    if "=" in text or "+" in text or "/" in text:
        raise Refusal(RefusalCode.TOKEN_MALFORMED)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(RefusalCode.TOKEN_MALFORMED) from None
    # Only the bits that the last group has to spare can be spelled in several ways.
    if to_base64url(raw[len(raw) - len(raw) % 3 :]) != text[len(text) - len(text) % 4 :]:
        raise Refusal(RefusalCode.TOKEN_MALFORMED)
    return raw


def digest(serialised: str | bytes) -> str:
    """SHA-256 of a compact serialisation or of a message's bytes, in base64url."""
    raw = serialised.encode("utf-8") if isinstance(serialised, str) else serialised
    return to_base64url(hashlib.sha256(raw).digest())
