"""Writing many rows in one statement, whatever their number."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

Value = str | int | bool | datetime | Sequence[str] | None


@lru_cache(maxsize=32)
def _insert(table: sa.Table) -> sa.TextClause:
    # One JSON parameter carries all rows, so that the statement stays prepared.
    names = ", ".join(f'"{column.name}"' for column in table.c)
    return sa.text(f"""
        INSERT INTO {table.name} ({names})
        SELECT {names} FROM json_populate_recordset(CAST(NULL AS {table.name}), CAST(:rows AS json))
    """)  # noqa: S608 - names of our own tables and columns


async def insert(session: AsyncSession, table: sa.Table, rows: Sequence[Mapping[str, Value]]) -> None:
    """Insert rows given by column name; a column that is not given is NULL."""
    if rows:
        await session.execute(_insert(table), {"rows": json.dumps(rows, default=_as_text)})


async def earlier(
    session: AsyncSession, table: sa.Table, agency_id: str, message_id: str
) -> tuple[datetime, str] | None:
    """Read when this message of this agency was recorded in a table, and its token; None when it was not."""
    found = sa.select(table.c.recorded_at, table.c.manifest).where(
        table.c.agency_id == agency_id, table.c.message_id == message_id
    )
    row = (await session.execute(found)).one_or_none()
    return None if row is None else (row.recorded_at, row.manifest)


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
