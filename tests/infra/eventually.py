"""Waiting in tests: for a condition, up to a deadline, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 60.0


async def eventually(condition: Callable[[], Awaitable[T]], *, seconds: float = DEADLINE_SECONDS) -> T:
    """Return the first true value of the condition; fails with its last one when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s; last value: {value!r}")
        await asyncio.sleep(0.05)
