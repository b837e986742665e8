"""Runs that follow from a seed, and what they say while they run."""

import os
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

SEED_VARIABLE = "TSUNAGU_TEST_SEED"


def seed_of_run() -> int:
    """A new seed, unless the environment asks for one."""
    return int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(1_000_000))


class Telling:
    """Says things with the time since the start, first of all the seed.

    pytest shows them when the test fails; with `shown` (`capsys.disabled`) they are on the terminal at once, too.
    """

    def __init__(self, seed: int, shown: Callable[[], AbstractContextManager[None]] | None = None) -> None:
        self.seed = seed
        self._started = time.monotonic()
        self._shown = shown
        self(f"seed {seed}; {SEED_VARIABLE}={seed} repeats it")

    def __call__(self, what: str) -> None:
        """Say something."""
        line = f"[{time.monotonic() - self._started:7.2f} s] {what}"
        print(line)  # noqa: T201 - pytest keeps it
        with self._shown() if self._shown else nullcontext():
            if self._shown:
                print(line, flush=True)  # noqa: T201 - for whoever waits
