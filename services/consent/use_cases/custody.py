"""What every use case of consent works with: the keys in its custody, and the bounds that are set for it."""

from dataclasses import dataclass, field
from datetime import timedelta

from services.consent.keystore import KeyStore, KeyStoreError, ServiceKeys
from tsunagu_contracts.ports import Clock


@dataclass(frozen=True, slots=True)
class Bounds:
    """Settings of time.

    `handle_lifetime` is how long a blank handle can be used; `clock_tolerance` is how far two clocks may
    differ before a moment counts as in the future or a clock as having stepped back; `answer_within` is how long
    an agency has to answer for what it may no longer hold. `ask_within` is how far away the date of a request may be;
    `renew_within` is how long before a grant's end the person is asked again, and how long a review may take;
    `review_every` is after how long a grant without an end is asked about again.
    """

    handle_lifetime: timedelta
    clock_tolerance: timedelta
    answer_within: timedelta
    ask_within: timedelta
    renew_within: timedelta
    review_every: timedelta


@dataclass(slots=True)
class Custody:
    """The key store, the service's own keys once they are read, the bounds and the clock."""

    store: KeyStore
    bounds: Bounds
    clock: Clock
    _keys: ServiceKeys | None = field(default=None, repr=False)

    async def open(self) -> None:
        """Read the service's own keys; raises `KeyStoreError` where there are none."""
        self._keys = await self.store.service_keys()

    @property
    def keys(self) -> ServiceKeys:
        """The service's own keys; raises `KeyStoreError` before `open`."""
        if self._keys is None:
            raise KeyStoreError("the service's keys have not been read yet")
        return self._keys
