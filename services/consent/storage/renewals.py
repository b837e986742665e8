"""When the person is to be asked again about a grant."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

AT_ONCE = 50
"""How many rows `take` takes at most."""

_NOTE = sa.text("""
    INSERT INTO renewals_due (statement_id, record_id, referral_id, due_at)
    VALUES (:statement_id, :record_id, :referral_id, :due_at)
""")
# The limit stands in the text: of a parameter a kept plan would assume a tenth of the table.
_TAKE = sa.text(f"""
    DELETE FROM renewals_due WHERE statement_id IN (
        SELECT statement_id FROM renewals_due WHERE due_at <= :now
        ORDER BY due_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
    )
    RETURNING statement_id, record_id, referral_id, due_at
""")  # noqa: S608 - a number of our own
_REFERRALS = sa.text("SELECT statement_id, referral_id FROM statements WHERE statement_id = ANY(:statement_ids)")


class Renewal(NamedTuple):
    """A grant about which the person is to be asked again, from a moment on."""

    statement_id: str
    record_id: str
    referral_id: str
    due_at: datetime


async def note(session: AsyncSession, renewal: Renewal) -> None:
    """Note when the person is to be asked again about a grant."""
    await session.execute(_NOTE, renewal._asdict())


async def take(session: AsyncSession, now: datetime) -> list[Renewal]:
    """Take out what is due by now, `AT_ONCE` at most; others may be in other hands."""
    return sorted(Renewal(*row) for row in await session.execute(_TAKE, {"now": now}))


async def referrals_of(session: AsyncSession, statement_ids: Collection[str]) -> Mapping[str, str]:
    """The referrals on which these statements were recorded."""
    if not statement_ids:
        return {}
    found = await session.execute(_REFERRALS, {"statement_ids": list(statement_ids)})
    return {row.statement_id: row.referral_id for row in found}
