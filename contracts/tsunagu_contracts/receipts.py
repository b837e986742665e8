"""The codes on a receipt and beside it: easy to read out and to type, and one typing error never passes for another.

Crockford's base 32 (https://www.crockford.com/base32.html) in groups of four, with a last character that checks the
others by the Luhn algorithm modulo 32. Read back without regard to case, width, spaces and hyphens; O is 0, I and L
are 1.
"""

import secrets
import unicodedata
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from tsunagu_contracts import jose
from tsunagu_contracts.keys import EncryptionKey, PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.ports import RandomBytes
from tsunagu_contracts.sealing import Secret
from tsunagu_contracts.types import Id

RECEIPT_CODE_TYP = "tsunagu-receipt-code"

CODE_LENGTH = 20
"""Characters of a receipt's code: 95 random bits and the check."""

PERMISSION_LENGTH = 8
"""Characters of the permission to set a secret: 35 random bits and the check; few tries are let pass."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_GROUP = 4
_BETWEEN = frozenset(" \t\n-‐‑‒–—―−ー・_")


def new_code(length: int, random: RandomBytes = secrets.token_bytes) -> str:
    """Make a code of this many characters, the check among them, without hyphens."""
    # The alphabet divides 256: every character is as likely as any other.
    values = [byte % len(_ALPHABET) for byte in random(length - 1)]
    return "".join(_ALPHABET[value] for value in (*values, _check(values)))


def grouped(code: str) -> str:
    """A code as it is shown: in groups of four."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def read_code(typed: str, length: int) -> str | None:
    """The code that somebody has typed, as `new_code` made it; None where it can be none."""
    plain = unicodedata.normalize("NFKC", typed).upper()
    values = [_VALUES.get(character) for character in plain if character not in _BETWEEN]
    known = [value for value in values if value is not None]
    if len(values) != length or len(known) != length or _check(known[:-1]) != known[-1]:
        return None
    return "".join(_ALPHABET[value] for value in known)


def _check(values: Sequence[int]) -> int:
    size = len(_ALPHABET)
    total = 0
    for place, value in enumerate(reversed(values)):
        doubled = value * (2 - place % 2)
        total += doubled // size + doubled % size
    return -total % size


class ReceiptCode(Secret):
    """What `consent` hands to the agency once: the receipt's code, and the permission to set a secret for it."""

    receipt_id: Id
    code: Annotated[str, StringConstraints(pattern=rf"^[{_ALPHABET}]{{{CODE_LENGTH}}}$")] = Field(repr=False)
    permission: Annotated[str, StringConstraints(pattern=rf"^[{_ALPHABET}]{{{PERMISSION_LENGTH}}}$")] = Field(
        repr=False
    )


def wrap_receipt_code(issued: ReceiptCode, agency_key: PublicKey) -> str:
    """Seal a receipt's code to the agency's pinned encryption key."""
    return jose.wrap(issued.written(), agency_key, typ=RECEIPT_CODE_TYP)


def unwrap_receipt_code(token: str, agency_key: EncryptionKey, *, limits: Limits = DEFAULT_LIMITS) -> ReceiptCode:
    """Open a receipt's code; codes as for `jose.unwrap`."""
    return ReceiptCode.read(jose.unwrap(token, agency_key, typ=RECEIPT_CODE_TYP, limits=limits))
