"""Bytes as text: base64url without padding, and digests in it."""

import base64
import hashlib
import string

from pydantic import ConfigDict, TypeAdapter, ValidationError

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal

_LETTERS_AND_DOT = (string.ascii_letters + string.digits + "-_.").encode("ascii")
# In compiled code: the standard library takes six times as long for a manifest.
_BASE64 = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64", hide_input_in_errors=True))


def to_base64url(raw: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Decode the one canonical base64url spelling of some bytes; refuses others with `token_malformed`."""
    # It reads the other alphabet and padding too; bits that the last character has to spare it refuses.
    if "=" in text or "+" in text or "/" in text:
        raise Refusal(RefusalCode.TOKEN_MALFORMED)
    try:
        return _BASE64.validate_strings(text)
    except ValidationError:
        raise Refusal(RefusalCode.TOKEN_MALFORMED) from None


def is_compact(text: str) -> bool:
    """Whether a text has the characters of a compact serialisation, base64url and dots, and no others; at least one.

    For long texts; a regular expression takes five times as long.
    """
    return text != "" and text.isascii() and not text.encode("ascii").translate(None, _LETTERS_AND_DOT)


def digest(serialised: str | bytes) -> str:
    """SHA-256 of a compact serialisation or of a message's bytes, in base64url."""
    raw = serialised.encode("utf-8") if isinstance(serialised, str) else serialised
    return to_base64url(hashlib.sha256(raw).digest())
