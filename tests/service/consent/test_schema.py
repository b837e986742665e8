"""The schema in the code and the schema in the database are one."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.consent.storage import tables
from tests.builders.consent_bench import Bench


async def test_migrations_make_the_tables_of_the_code(bench: Bench) -> None:
    """The migrations leave exactly the tables, columns and indexes that the code works with."""

    def differences(connection: sa.Connection) -> list[object]:
        def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
            return kind != "table" or name in tables.metadata.tables

        context = MigrationContext.configure(connection, opts={"include_object": ours})
        return list(compare_metadata(context, tables.metadata))

    async with bench.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
