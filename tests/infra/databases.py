"""A fresh database with one service's tables, for one test."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.provisioning.databases import drop_database, provision_databases
from services.runtime.migrate import upgrade_async

MakeDatabase = Callable[[str], PostgresAccess]
"""Called with a service's name; the answer's `url` is for SQLAlchemy."""

_numbers = itertools.count(1)
_run = secrets.token_hex(3)


def fresh_database(admin: PostgresAccess, service: str) -> PostgresAccess:
    """A database of its own role, migrated to the service's newest schema."""
    name = f"{service}_{_run}_{next(_numbers)}"

    async def make() -> PostgresAccess:
        made = await provision_databases(admin, {name: secrets.token_urlsafe(12)})
        await upgrade_async(service, made[name].url)
        return made[name]

    return run_blocking(make())


def forget_database(admin: PostgresAccess, database: PostgresAccess) -> None:
    """Drop it and its role; whoever is still connected is cut off."""
    run_blocking(drop_database(admin, database.database))
