"""Every statement that reaches PostgreSQL from this process, with its parameters, as the server itself tells it.

A database that logs each statement's duration sends the same lines to the client when asked to. So nothing is missed
whichever way a statement goes: by SQLAlchemy, by asyncpg beside it, one by one or many at once.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from deploy.access import PostgresAccess
from deploy.provisioning.databases import connect

_SETTINGS = {
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "-1",
    "client_min_messages": "log",
    # To the client only: the server's own log must not repeat what statements carry.
    "log_min_messages": "panic",
}
_EXECUTED = re.compile(r"duration: [\d.]+ ms  (?:execute [^:]*|statement): (?P<sql>.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")
_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it was executed: its text, and its parameters as SQL literals."""

    sql: str
    parameters: tuple[str, ...]


Captured = dict[str, Statement]
"""What was executed in one database, each text once, with the parameters that it last had."""


async def tell_statements(admin: PostgresAccess, database: str) -> None:
    """Let connections that are opened from now on to this database hear what they execute."""
    async with connect(admin) as connection:
        for name, value in _SETTINGS.items():
            await connection.execute(f"ALTER DATABASE {database} SET {name} = '{value}'")


@contextmanager
def capturing() -> Iterator[dict[str, Captured]]:
    """Listen on every connection that a role opens to its own database meanwhile; by the database's name."""
    heard: dict[str, Captured] = {}
    opened: Callable[..., Awaitable[asyncpg.Connection]] = asyncpg.connect

    async def listening(**where: object) -> asyncpg.Connection:
        connection = await opened(**where)
        if where["user"] == where["database"]:
            captured = heard.setdefault(str(where["database"]), {})
            connection.add_log_listener(lambda _connection, message: _hear(captured, message))
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncpg, "connect", listening)
        yield heard


def _hear(captured: Captured, message: asyncpg.PostgresLogMessage) -> None:
    executed = _EXECUTED.fullmatch(message.message)
    sql = executed["sql"].strip() if executed is not None else ""
    if sql.startswith(_PLANNED) and "pg_catalog" not in sql:
        captured[sql] = Statement(sql, tuple(_PARAMETER.findall(message.detail or "")))
