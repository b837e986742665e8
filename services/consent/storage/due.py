"""When what is covered of a person may change though nobody says anything."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.codes import Area

AT_ONCE = 50
"""How many rows `take` takes at most."""

_NOTE = sa.text("""
    INSERT INTO coverage_due (record_id, due_at)
    SELECT :record_id, unnest(CAST(:moments AS timestamptz[])) ON CONFLICT DO NOTHING
""")
_NOTE_CONDITIONAL = sa.text("""
    INSERT INTO coverage_due (record_id, due_at)
    SELECT DISTINCT record_id, CAST(:at AS timestamptz) FROM statements WHERE disaster_in = ANY(:areas)
    ON CONFLICT DO NOTHING
""")
# The limit stands in the text: of a parameter a kept plan would assume a tenth of the table.
_TAKE = sa.text(f"""
    DELETE FROM coverage_due WHERE (record_id, due_at) IN (
        SELECT record_id, due_at FROM coverage_due WHERE due_at <= :now
        ORDER BY due_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
    )
    RETURNING record_id
""")  # noqa: S608 - a number of our own


async def note(session: AsyncSession, record_id: str, moments: Iterable[datetime | None], *, after: datetime) -> None:
    """Note the moments, as far as they are still to come, at which a person's coverage may change."""
    ahead = [moment for moment in moments if moment is not None and moment > after]
    if ahead:
        await session.execute(_NOTE, {"record_id": record_id, "moments": ahead})


async def note_conditional(session: AsyncSession, areas: Collection[Area], at: datetime) -> None:
    """Note that the coverage of everybody with consent for a disaster in these areas may change now."""
    await session.execute(_NOTE_CONDITIONAL, {"areas": [area.value for area in areas], "at": at})


async def take(session: AsyncSession, now: datetime) -> set[str]:
    """Take out who is due, `AT_ONCE` rows at most; others of them may be in other hands."""
    rows = await session.execute(_TAKE, {"now": now})
    return set(rows.scalars())
