"""Openings as the records of 個人情報保護法29条 and 30条 need them, for the agency that provided or received."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.codes import Category, ProvisionSide, Purpose

AT_MOST = 200
"""How many `of_agency` reads at most."""

# An agency that sends to itself provides to no third party. Each side is bounded before both are put in order.
_OF_AGENCY = sa.text(f"""
    SELECT side, release_id, opened.referral_id, opened.section_id, sections.category, referrals.purpose,
        counterpart, statement_id, decided_at
    FROM (
        (
            SELECT 'provided' AS side, recipient AS counterpart, release_id, referral_id, section_id, statement_id,
                decided_at
            FROM releases
            WHERE granted AND provider = :agency_id AND recipient <> :agency_id AND release_id > :after
            ORDER BY release_id LIMIT {AT_MOST}
        ) UNION ALL (
            SELECT 'received', provider, release_id, referral_id, section_id, statement_id, decided_at
            FROM releases
            WHERE granted AND recipient = :agency_id AND provider <> :agency_id AND release_id > :after
            ORDER BY release_id LIMIT {AT_MOST}
        )
    ) AS opened
    JOIN sections USING (referral_id, section_id) JOIN referrals USING (referral_id)
    ORDER BY release_id LIMIT {AT_MOST}
""")  # noqa: S608 - a number of our own


@dataclass(frozen=True, slots=True)
class Provision:
    """One opening, from one side."""

    side: ProvisionSide
    release_id: str
    referral_id: str
    section_id: str
    category: Category
    purpose: Purpose
    counterpart: str
    statement_id: str
    decided_at: datetime


async def of_agency(session: AsyncSession, agency_id: str, *, after: str) -> list[Provision]:
    """Read what an agency has provided or received, by release id, those after this one, `AT_MOST`."""
    found = await session.execute(_OF_AGENCY, {"agency_id": agency_id, "after": after})
    return [
        Provision(
            ProvisionSide(row.side),
            row.release_id,
            row.referral_id,
            row.section_id,
            Category(row.category),
            Purpose(row.purpose),
            row.counterpart,
            row.statement_id,
            row.decided_at,
        )
        for row in found
    ]
