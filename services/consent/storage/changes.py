"""What agencies have reported of a person's life: added and read, never changed."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.changes import Report
from services.consent.storage import rows
from services.consent.storage.tables import person_changes
from tsunagu_contracts.codes import PersonChange
from tsunagu_contracts.events.consent import PersonChanged

_OF = sa.text("""
    SELECT agency_id, change_id, change FROM person_changes
    WHERE record_id = ANY(:record_ids) ORDER BY recorded_at, record_id, number
""")


async def insert(session: AsyncSession, changed: PersonChanged) -> None:
    """Write one report as its event says it."""
    await rows.insert(
        session,
        person_changes,
        [
            {
                "record_id": changed.record_id,
                "number": changed.number,
                "change_id": changed.change_id,
                "referral_id": changed.referral_id,
                "change": changed.change.value,
                "recorded_at": changed.recorded_at,
                "agency_id": changed.recorded_by.agency_id,
                "message_id": changed.message_id,
                "manifest": changed.manifest,
            }
        ],
    )


async def of(session: AsyncSession, record_ids: Collection[str]) -> list[Report]:
    """Read everything reported of the person of these records, in the order of its recording."""
    found = await session.execute(_OF, {"record_ids": list(record_ids)})
    return [Report(row.agency_id, row.change_id, PersonChange(row.change)) for row in found]
