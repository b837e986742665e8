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


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
