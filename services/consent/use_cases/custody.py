"""What every use case of consent works with: the keys in its custody, and the bounds that are set for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.consent.domain.persons import Group
from services.consent.domain.statements import Recording
from services.consent.keystore import KeyStore, KeyStoreError, ServiceKeys
from services.consent.storage.restoring import RestoredReferral
from tsunagu_contracts.ports import Clock


@dataclass(frozen=True, slots=True)
class DoorBounds:
    """Settings of the person's own door.

    How long receipts, tokens and permissions to set a secret hold; how many tries one receipt has before its view is
    locked, and how long it then is; how many exchanges may fail in a minute, whoever tries, before they are put off.
    """

    receipt_lifetime: timedelta
    token_lifetime: timedelta
    permission_lifetime: timedelta
    tries: int
    locked_for: timedelta
    wrong_a_minute: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Settings of time.

    `handle_lifetime` is how long a blank handle can be used; `clock_tolerance` is how far two clocks may
    differ before a moment counts as in the future or a clock as having stepped back; `answer_within` is how long
    an agency has to answer for what it may no longer hold, and `case_within` for a person's request; `card_lifetime` is
    how long a card can be used.
    `ask_within` is how far away the date of a request may be; `renew_within` is how long before a grant's end the
    person is asked again, and how long a review may take; `review_every` is after how long a grant without an end is
    asked about again.
    """

    handle_lifetime: timedelta
    clock_tolerance: timedelta
    answer_within: timedelta
    case_within: timedelta
    card_lifetime: timedelta
    door: DoorBounds
    ask_within: timedelta
    renew_within: timedelta
    review_every: timedelta


@dataclass(slots=True)
class Custody:
    """The key store, the service's own keys once they are read, the bounds and the clock.

    `restored` are referrals that come to a restored database once more, and what has been said of them before.
    In one that `was_restored`, handles may be forgotten that agencies have.
    """

    store: KeyStore
    bounds: Bounds
    clock: Clock
    was_restored: bool = False
    restored: Mapping[str, RestoredReferral] = field(default_factory=dict)
    _keys: ServiceKeys | None = field(default=None, repr=False)

    async def open(self) -> None:
        """Read the service's own keys; raises `KeyStoreError` where there are none."""
        self._keys = await self.store.service_keys()

    def recording(self, group: Group) -> Recording:
        """A recording of this person's that is made now."""
        return Recording(self.clock.now(), group.next_at, self.bounds.clock_tolerance)

    @property
    def keys(self) -> ServiceKeys:
        """The service's own keys; raises `KeyStoreError` before `open`."""
        if self._keys is None:
            raise KeyStoreError("the service's keys have not been read yet")
        return self._keys
