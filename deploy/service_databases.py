"""A service's own database as an operator's command reads it: of the running network, or by its address."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.data_folder import DataFolder, NetworkSecrets

T = TypeVar("T")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="TSUNAGU_DATABASE_URL",
        help="SQLAlchemy URL; without it the running network of this folder",
    ),
]
"""The option that names another database than that of the running network."""


def in_database(service: str, url: str | None, ask: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do something in one transaction on a service's database; BadParameter where there is none."""

    async def run() -> T:
        engine = create_async_engine(url or _running(service).url, poolclass=NullPool)
        try:
            async with AsyncSession(engine) as session, session.begin():
                return await ask(session)
        finally:
            await engine.dispose()

    return run_blocking(run())


def _running(service: str) -> PostgresAccess:
    """The service's database in the network that `make run` keeps up."""
    data = DataFolder.from_environment()
    if not data.run.exists():
        raise typer.BadParameter(
            "動いていません。make run か --database-url を / not running: make run, or --database-url"
        )
    server = json.loads(data.run.read_text(encoding="utf-8"))["postgres"]
    password = NetworkSecrets.load(data.secrets).postgres_roles[service]
    return PostgresAccess(server["host"], server["port"], service, password, service)
