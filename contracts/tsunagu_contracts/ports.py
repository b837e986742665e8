"""What enters from outside: ids, time and randomness; tests hand in their own."""

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Ids(Protocol):
    """Where new ids come from."""

    def new(self) -> str:
        """Return an id that was never given before."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the present moment, with its offset."""


RandomBytes = Callable[[int], bytes]
"""Returns as many unpredictable bytes as asked for (`secrets.token_bytes` outside tests)."""


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


class Uuid7Ids:
    """Lower-case UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix time in ms, 74 bits of randomness."""

    def __init__(self, clock: Clock | None = None, random: RandomBytes = secrets.token_bytes) -> None:
        self._clock = clock or SystemClock()
        self._random = random

    def new(self) -> str:
        """Return a new id; ids of one millisecond are in no order."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        tail = int.from_bytes(self._random(10), "big")
        value = (milliseconds & (1 << 48) - 1) << 80 | tail
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        return str(uuid.UUID(int=value))
