import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from services.referral.storage.tables import metadata
from tests.infra.databases import MakeDatabase


async def test_the_migrations_make_the_tables_that_the_code_uses(make_database: MakeDatabase) -> None:
    """Between the newest schema and `storage.tables` there is no difference."""
    engine = create_async_engine(make_database("referral").url)

    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        )
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []
