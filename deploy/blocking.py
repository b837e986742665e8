"""A bridge from code that waits to code that awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def run_blocking(work: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine to its end on a thread of its own, so that a caller inside an event loop may use it too."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
