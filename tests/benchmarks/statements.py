"""Which SQL statements a service runs for a batch, read from PostgreSQL's own log while it logs every statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.provisioning.databases import connect

BATCH = "INSERT INTO consumed_positions"
"""What runs once in every batch of a service."""

_LINE = re.compile(r"^(?P<database>\w*)\|LOG:  duration: (?P<ms>[\d.]+) ms  (?P<kind>\w+)[^:]*: (?P<sql>.*)$")
_ALTERED = {"log_line_prefix": "'%d|'", "log_min_duration_statement": "0"}


@dataclass
class Statement:
    """How often a statement ran, and how long in milliseconds, its parsing and binding included."""

    runs: int = 0
    ms: float = 0.0


@dataclass
class Statements:
    """The statements of one database by their text."""

    by_text: dict[str, Statement] = field(default_factory=dict)

    @property
    def batches(self) -> int:
        """How many batches were committed or tried."""
        return sum(each.runs for text, each in self.by_text.items() if BATCH in text)

    @property
    def runs(self) -> int:
        """How many statements ran, BEGIN and COMMIT among them."""
        return sum(each.runs for each in self.by_text.values())

    @property
    def ms(self) -> float:
        """How long all of them took."""
        return sum(each.ms for each in self.by_text.values())

    def costliest(self, count: int) -> list[tuple[str, Statement]]:
        """The statements on which most time was spent."""
        return sorted(self.by_text.items(), key=lambda each: -each[1].ms)[:count]


@contextmanager
def logged(admin: PostgresAccess, log: Path) -> Iterator[dict[str, Statements]]:
    """Log every statement meanwhile, without parameters; what is yielded is filled at the end, by database."""
    begin = log.stat().st_size
    found: dict[str, Statements] = {}
    run_blocking(_alter(admin, {name: f"SET {name} = {value}" for name, value in _ALTERED.items()}))
    try:
        yield found
    finally:
        run_blocking(_alter(admin, {name: f"RESET {name}" for name in _ALTERED}))
    with log.open("rb") as lines:
        lines.seek(begin)
        found |= read(lines.read().decode("utf-8", errors="replace"))


def read(text: str) -> dict[str, Statements]:
    """Understand a part of the log."""
    found: dict[str, Statements] = {}
    # A statement of several lines goes on in lines that begin with a tab.
    for line in text.replace("\n\t", " ").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        statement = " ".join(match["sql"].split())
        entry = found.setdefault(match["database"], Statements()).by_text.setdefault(statement, Statement())
        entry.ms += float(match["ms"])
        if match["kind"] in ("execute", "statement"):
            entry.runs += 1
    return found


async def _alter(admin: PostgresAccess, changes: Mapping[str, str]) -> None:
    async with connect(admin) as connection:
        for change in changes.values():
            await _alter_one(connection, change)
        await connection.execute("SELECT pg_reload_conf()")


async def _alter_one(connection: asyncpg.Connection[asyncpg.Record], change: str) -> None:
    # It refuses to run beside others in one call.
    await connection.execute(f"ALTER SYSTEM {change}")
