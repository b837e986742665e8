"""What an agency has opened, and how each of it stands by its last obligation."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.codes import Category, HoldingState, KeptUnder

AT_ONCE = 100
"""How many sections `opened_by` takes at most."""

# The limit stands in the text: of a parameter a kept plan would assume a tenth of the table.
_OPENED = sa.text(f"""
    SELECT opened.section_id, opened.referral_id, sections.category, opened.opened_at, CASE
            WHEN owed.obligation_id IS NULL OR owed.ended_as = 'lifted' OR opened.number > owed.ended_number
                THEN 'held'
            WHEN owed.ended_number IS NULL THEN 'owed'
            ELSE owed.ended_as
        END AS state, owed.obligation_id, owed.kept_under
    FROM (
        SELECT section_id, referral_id, record_id, max(decided_at) AS opened_at, max(number) AS number
        FROM releases WHERE recipient = :agency_id AND granted AND section_id > :after
        GROUP BY section_id, referral_id, record_id ORDER BY section_id LIMIT {AT_ONCE}
    ) AS opened
    JOIN sections USING (referral_id, section_id)
    LEFT JOIN LATERAL (
        SELECT obligation_id, ended_number, ended_as, kept_under FROM obligations
        WHERE record_id = opened.record_id AND section_id = opened.section_id AND agency_id = :agency_id
        ORDER BY number DESC LIMIT 1
    ) AS owed ON true
    ORDER BY opened.section_id
""")  # noqa: S608 - a number of our own


@dataclass(frozen=True, slots=True)
class Holding:
    """A section that an agency has opened, when last, and whether it may hold it.

    `obligation_id` is what it owes or has answered for it; `kept_under` the provision by which it keeps it.
    """

    section_id: str
    referral_id: str
    category: Category
    opened_at: datetime
    state: HoldingState
    obligation_id: str | None
    kept_under: KeptUnder | None


async def opened_by(session: AsyncSession, agency_id: str, after: str) -> list[Holding]:
    """List what an agency has opened by section id, those after this one; what it has deleted too."""
    found = await session.execute(_OPENED, {"agency_id": agency_id, "after": after})
    return [
        Holding(
            row.section_id,
            row.referral_id,
            Category(row.category),
            row.opened_at,
            HoldingState(row.state),
            row.obligation_id if row.state != HoldingState.HELD else None,
            KeptUnder(row.kept_under) if row.state == HoldingState.KEPT_BY_LAW else None,
        )
        for row in found
    ]
