"""The servers that a run has started itself, and may therefore kill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.embedded.infrastructure import EmbeddedInfrastructure

RESTART_SECONDS = 300.0
"""How long a broker that was killed under load may take to look through its log."""


@dataclass(frozen=True)
class Server:
    """One server: `kill` ends it as a crash does, `start` returns once it answers again at the same address."""

    kill: Callable[[], None]
    start: Callable[[], None]


@dataclass(frozen=True)
class Servers:
    """Kafka and PostgreSQL of this run."""

    broker: Server
    database: Server


def embedded_servers(embedded: EmbeddedInfrastructure) -> Servers:
    """The two processes of the embedded infrastructure."""
    # Asked for at each kill, because each start makes a new process.
    return Servers(
        Server(lambda: embedded.broker.process.kill(), lambda: embedded.broker.start(seconds=RESTART_SECONDS)),
        Server(lambda: embedded.server.process.kill(), embedded.server.start),
    )
