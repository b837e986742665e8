"""Statements with everything that was written down with them, and who vouches for them."""

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.exports.exported import Countersigned
from services.consent.storage.tables import statements
from tsunagu_contracts.events.consent import StatementRecorded

_COUNTERSIGNED = sa.text("""
    SELECT statement_id, agency_id, recorded_at FROM supports
    WHERE record_id = ANY(:record_ids) AND statement_id = ANY(:statement_ids) AND agency_id IS NOT NULL
    ORDER BY number
""")


async def recorded(session: AsyncSession, statement_ids: Collection[str]) -> list[StatementRecorded]:
    """Read these statements in the order in which they were recorded.

    Unknown ids are absent, and so is what the person said at their own door, which no message brought.
    """
    wanted = sa.cast(list(statement_ids), sa.ARRAY(sa.Text))
    rows = await session.execute(
        sa.select(statements)
        .where(statements.c.statement_id == sa.func.any(wanted), statements.c.manifest.is_not(None))
        .order_by(statements.c.number)
    )
    return [_recorded(row) for row in rows.mappings()]


async def countersigned(
    session: AsyncSession, said: Collection[StatementRecorded]
) -> dict[str, tuple[Countersigned, ...]]:
    """Read who has countersigned these statements, by statement id."""
    found: dict[str, list[Countersigned]] = defaultdict(list)
    rows = await session.execute(
        _COUNTERSIGNED,
        {
            "record_ids": sorted({each.record_id for each in said}),
            "statement_ids": [each.statement_id for each in said],
        },
    )
    for statement_id, agency_id, recorded_at in rows:
        found[statement_id].append(Countersigned(agency_id, recorded_at))
    return {statement_id: tuple(signed) for statement_id, signed in found.items()}


def _recorded(row: sa.RowMapping) -> StatementRecorded:
    by = {name: row[name] for name in ("agency_id", "coordinator_id", "appointment_id")}
    spoken_for = {name: row[name] for name in ("representative_id", "ground", "overrides")}
    return StatementRecorded.model_validate(
        {**row, "recorded_by": by, "representation": spoken_for if row["representative_id"] else None}
    )
