"""The agency's supply of blank handles: kept up while online, told plainly when it runs low."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from tsunagu_agency.errors import UnreachableError
from tsunagu_agency.keystore import Keystore
from tsunagu_contracts.ports import Clock

_AT_ONCE = 200
"""How many handles `consent` issues in one batch at most."""


@dataclass(frozen=True, slots=True)
class Supply:
    """How many referrals can still be sealed, and until when the first of their handles holds.

    `trouble` is why no more could be fetched although there are few; what is left can be used all the same.
    """

    left: int
    first_expires_at: datetime | None
    trouble: UnreachableError | None = None

    def __str__(self) -> str:
        text = f"白紙のハンドル / blank handles: {self.left}"
        if self.first_expires_at is not None:
            text += f", 最初の期限 / first expires {self.first_expires_at.isoformat(timespec='seconds')}"
        return text if self.trouble is None else f"{text}\n補充できません / not refilled: {self.trouble}"


async def keep(
    keystore: Keystore, clock: Clock, take: Callable[[int], Awaitable[int]], *, low: int, full: int
) -> Supply:
    """Take handles up to `full` once fewer than `low` are left, and tell how many there are; raises as `take`.

    `take` takes so many and returns how many there are then; that nothing answers is told and not raised.
    """
    trouble: UnreachableError | None = None
    left = keystore.count_handles(clock.now())
    if left < low:
        try:
            while left < full:
                left = await take(min(full - left, _AT_ONCE))
        except UnreachableError as error:
            trouble = error
    now = clock.now()
    return Supply(keystore.count_handles(now), keystore.next_expiry(now), trouble)
