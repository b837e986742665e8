"""What a key store is, whatever provider is behind it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from services.consent.domain.lookups import LookupKey
from tsunagu_contracts.keys import EncryptionKey, SigningKey


class KeyStoreError(Exception):
    """The key store cannot be used; the message says what is missing and what to do, and names no key."""


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """Consent's own keys: one certifies handles, one opens references, one is for keyed hashes."""

    certifying: SigningKey
    person_ref: EncryptionKey
    lookup: LookupKey


class KeyStore(Protocol):
    """Where private keys live."""

    async def service_keys(self) -> ServiceKeys:
        """The service's own keys; raises `KeyStoreError`."""

    async def keep(self, keys: Mapping[str, EncryptionKey]) -> None:
        """Keep the keys of new handles by handle id; when this returns they survive a power cut, in every replica."""

    async def load(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """The keys of those handles whose keys are kept; the others are simply absent."""

    def read(self, handle_ids: Collection[str]) -> dict[str, EncryptionKey]:
        """The same, for a thread that has more to do and may wait."""

    async def destroy(self, handle_ids: Collection[str]) -> None:
        """Destroy the keys of these handles in every replica, for ever; again, or without a key, it changes nothing.

        When this returns, no power cut brings one back, and none is ever found again under such an id.
        """
