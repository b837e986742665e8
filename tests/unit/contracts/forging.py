"""Tokens that our own code would never make, put together by hand."""

import hashlib
import hmac
import json

from tsunagu_contracts.encoding import from_base64url, to_base64url


def header_of(token: str) -> dict[str, object]:
    """The header of a compact token, unverified."""
    header: dict[str, object] = json.loads(from_base64url(token.partition(".")[0]))
    return header


def with_header(token: str, header: object) -> str:
    """The token with another header and everything else as it was."""
    encoded = to_base64url(json.dumps(header).encode())
    return ".".join([encoded, *token.split(".")[1:]])


def with_header_text(token: str, text: str) -> str:
    """The token with another header, given as JSON text."""
    return ".".join([to_base64url(text.encode()), *token.split(".")[1:]])


def hmac_signed(header: dict[str, object], payload: bytes, secret: bytes) -> str:
    """A JWS with HS256 under any secret."""
    signing_input = to_base64url(json.dumps(header).encode()) + "." + to_base64url(payload)
    mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    return signing_input + "." + to_base64url(mac)


def change_one_character(text: str, position: int, step: int) -> str:
    """The text with the character at a position moved on within the base64url alphabet and the dot."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    position %= len(text)
    here = alphabet.index(text[position])
    other = alphabet[(here + 1 + step % (len(alphabet) - 1)) % len(alphabet)]
    return text[:position] + other + text[position + 1 :]
