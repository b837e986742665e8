"""Keyed hashes: how consent recognises a person's reference, a content key or a card again and keeps none of them."""

import hashlib
import hmac
from dataclasses import dataclass, field

from tsunagu_contracts.encoding import to_base64url


@dataclass(frozen=True, slots=True)
class LookupKey:
    """The secret of the hashes (HMAC-SHA-256); it lives in the key store, the hashes in the database."""

    secret: bytes = field(repr=False)

    def of_person(self, agency_id: str, reference: str) -> str:
        """The hash of an agency's own reference for a person; the same reference of two agencies differs."""
        return self._hash(b"person", agency_id.encode(), reference.encode())

    def of_content_key(self, content_key: bytes) -> str:
        """The hash of a section's content key."""
        return self._hash(b"content-key", content_key)

    def of_card(self, secret: str) -> str:
        """The hash of a card's secret."""
        return self._hash(b"card", secret.encode())

    def of_receipt(self, code: str) -> str:
        """The hash of a receipt's code."""
        return self._hash(b"receipt", code.encode())

    def of_permission(self, receipt_id: str, permission: str) -> str:
        """The hash of the permission to set this receipt's secret."""
        return self._hash(b"receipt-permission", receipt_id.encode(), permission.encode())

    def of_secret(self, receipt_id: str, secret: str) -> str:
        """A receipt's secret as it goes into the slow hash: a stolen database alone then has nothing to try at."""
        return self._hash(b"receipt-secret", receipt_id.encode(), secret.encode())

    def of_person_token(self, token: str) -> str:
        """The hash of a person's token."""
        return self._hash(b"person-token", token.encode())

    def _hash(self, *parts: bytes) -> str:
        # Lengths before the parts: no two lists of parts are the same bytes.
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return to_base64url(hmac.new(self.secret, framed, hashlib.sha256).digest())
