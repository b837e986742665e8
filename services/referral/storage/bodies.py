"""Sealed bodies in transit: kept for the addressee, deleted a set time after the referral has closed."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.statements import Statement
from services.eventing.work import Work

_STORE = Statement("""
    INSERT INTO bodies (referral_id, section_id, body)
    SELECT * FROM unnest(CAST(:referral_ids AS text[]), CAST(:section_ids AS text[]), CAST(:bodies AS text[]))
""")
_OF = sa.text(
    "SELECT referral_id, section_id, body FROM bodies WHERE referral_id = ANY(:referral_ids) ORDER BY section_id"
)
# Ids are made arrays, for where their number is not known, joining them would read the whole table.
_DELETE_DUE = sa.text("""
    WITH due AS (
        SELECT referral_id FROM referrals
        WHERE closed_at <= :closed_until AND bodies_deleted_at IS NULL
        ORDER BY closed_at LIMIT :at_most FOR UPDATE SKIP LOCKED
    ), marked AS (
        UPDATE referrals SET bodies_deleted_at = :now WHERE referral_id = ANY (ARRAY(SELECT referral_id FROM due))
        RETURNING referral_id
    )
    DELETE FROM bodies WHERE referral_id = ANY (ARRAY(SELECT referral_id FROM marked))
""")


def store(work: Work, by_referral: Mapping[str, Mapping[str, str]]) -> None:
    """Keep the bodies of new referrals, by referral and section id."""
    rows = [
        (referral_id, section_id, body)
        for referral_id, sections in by_referral.items()
        for section_id, body in sections.items()
    ]
    if rows:
        referral_ids, section_ids, contents = zip(*rows, strict=True)
        work.later(_STORE, {"referral_ids": referral_ids, "section_ids": section_ids, "bodies": contents})


async def bodies_of(session: AsyncSession, referral_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the bodies of these referrals, by referral and section id; nothing of those deleted already."""
    found: dict[str, dict[str, str]] = {referral_id: {} for referral_id in referral_ids}
    if referral_ids:
        for row in await session.execute(_OF, {"referral_ids": list(referral_ids)}):
            found[row.referral_id][row.section_id] = row.body
    return found


async def delete_due(session: AsyncSession, closed_until: datetime, now: datetime, at_most: int) -> None:
    """Delete the bodies of up to `at_most` referrals that closed no later than `closed_until`."""
    await session.execute(_DELETE_DUE, {"closed_until": closed_until, "now": now, "at_most": at_most})
