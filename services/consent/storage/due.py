"""When what is covered of a person may change though nobody says anything."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.codes import Area

_NOTE = sa.text("""
    INSERT INTO coverage_due (record_id, due_at)
    SELECT :record_id, unnest(CAST(:moments AS timestamptz[])) ON CONFLICT DO NOTHING
""")
_NOTE_CONDITIONAL = sa.text("""
    INSERT INTO coverage_due (record_id, due_at)
    SELECT DISTINCT record_id, CAST(:at AS timestamptz) FROM statements WHERE disaster_in = ANY(:areas)
    ON CONFLICT DO NOTHING
""")
_TAKE = sa.text("""
    DELETE FROM coverage_due WHERE (record_id, due_at) IN (
        SELECT record_id, due_at FROM coverage_due WHERE due_at <= :now
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING record_id
""")


async def note(session: AsyncSession, record_id: str, moments: Iterable[datetime | None], *, after: datetime) -> None:
    """Note the moments, as far as they are still to come, at which a person's coverage may change."""
    ahead = [moment for moment in moments if moment is not None and moment > after]
    if ahead:
        await session.execute(_NOTE, {"record_id": record_id, "moments": ahead})


async def note_conditional(session: AsyncSession, areas: Collection[Area], at: datetime) -> None:
    """Note that the coverage of everybody with consent for a disaster in these areas may change now."""
    await session.execute(_NOTE_CONDITIONAL, {"areas": [area.value for area in areas], "at": at})


async def take(session: AsyncSession, now: datetime, *, limit: int) -> set[str]:
    """Take out who is due, at most so many rows; others of them may be in other hands."""
    rows = await session.execute(_TAKE, {"now": now, "limit": limit})
    return set(rows.scalars())
