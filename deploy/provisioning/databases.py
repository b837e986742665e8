"""One database and one role for each service; nobody else may connect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg

from deploy.access import PostgresAccess


@asynccontextmanager
async def connect(access: PostgresAccess) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection outside any pool, closed at the end."""
    connection = await asyncpg.connect(
        host=access.host,
        port=access.port,
        user=access.username,
        password=access.password,
        database=access.database,
        timeout=10,
    )
    try:
        yield connection
    finally:
        await connection.close()


async def answers(access: PostgresAccess) -> bool:
    """Whether the server accepts this login now; a wrong password is an error, not a no."""
    try:
        async with connect(access):
            return True
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
        return False


async def provision_databases(admin: PostgresAccess, passwords: Mapping[str, str]) -> dict[str, PostgresAccess]:
    """Make a role and a database for each name of `passwords` and set the password; returns each one's access.

    Can be repeated: what is there already is only brought into line.
    """
    async with connect(admin) as connection:
        for database in (admin.database, "template1"):
            await _close_to_others(connection, database)
        for name, password in passwords.items():
            await _provision(connection, name, password)
    return {name: admin.as_role(name, password, name) for name, password in passwords.items()}


async def _provision(connection: asyncpg.Connection, name: str, password: str) -> None:
    role = await _quoted(connection, "quote_ident", name)
    secret = await _quoted(connection, "quote_literal", password)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
    await connection.execute(f"ALTER ROLE {role} PASSWORD {secret}")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await connection.execute(f"CREATE DATABASE {role} OWNER {role}")
    await _close_to_others(connection, name)


async def _close_to_others(connection: asyncpg.Connection, database: str) -> None:
    """Take back what PostgreSQL grants everyone on a database; owner and superuser keep theirs."""
    name = await _quoted(connection, "quote_ident", database)
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")


async def _quoted(connection: asyncpg.Connection, function: str, text: str) -> str:
    """Text made safe by the server's own rules, for statements that take no parameters."""
    return str(await connection.fetchval(f"SELECT {function}($1::text)", text))


async def drop_database(admin: PostgresAccess, name: str) -> None:
    """Drop a database and the role that bears its name, connections and all; nothing where there is none."""
    async with connect(admin) as connection:
        both = await _quoted(connection, "quote_ident", name)
        await connection.execute(f"DROP DATABASE IF EXISTS {both} WITH (FORCE)")
        await connection.execute(f"DROP ROLE IF EXISTS {both}")
