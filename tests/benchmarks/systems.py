"""What is measured: a system that can be started, given referrals and asked for its processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tests.benchmarks.load import Outgoing


class System(Protocol):
    """One way to carry a referral from an agency's topic to a notification."""

    name: str
    notifications: str
    """The topic on which notifications appear."""

    def start(self) -> None:
        """Start its processes and return once all are ready."""
        ...

    def stop(self) -> None:
        """End its processes; does nothing to what is not running."""
        ...

    def prepare(self, count: int) -> Sequence[Outgoing]:
        """Make so many referrals ready to be published; takes its time, none of which is measured."""
        ...

    def referral_of(self, notification: bytes) -> str | None:
        """The referral that a message on the topic of notifications tells of."""
        ...

    @property
    def pids(self) -> Mapping[str, int]:
        """Its processes by name."""
        ...

    @property
    def services(self) -> Mapping[str, str]:
        """The service that each of its processes does the work of, so that systems can be compared."""
        ...
