"""Bring a service's database to the newest schema with Alembic."""

import asyncio
from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


def upgrade(service: str, url: str) -> None:
    """Run the migrations of `services/<service>/migrations/versions` that this database does not have yet."""
    asyncio.run(upgrade_async(service, url))


async def upgrade_async(service: str, url: str) -> None:
    """As `upgrade`, inside a running event loop."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, service)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, service: str) -> None:
    config = Config()
    config.set_main_option("script_location", "services.runtime:alembic")
    versions = resources.files(f"services.{service}.migrations").joinpath("versions")
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
