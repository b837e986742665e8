"""Countersignatures: added and read, never changed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import supports
from tsunagu_contracts.events.consent import StatementCountersigned

_EARLIER = sa.text("""
    SELECT recorded_at, manifest FROM supports WHERE agency_id = :agency_id AND message_id = :message_id
""")


async def insert(session: AsyncSession, signed: StatementCountersigned) -> None:
    """Write one countersignature as its event says it."""
    await rows.insert(
        session,
        supports,
        [
            {
                "record_id": signed.record_id,
                "number": signed.number,
                "statement_id": signed.statement_id,
                "recorded_at": signed.recorded_at,
                "agency_id": signed.recorded_by.agency_id,
                "message_id": signed.message_id,
                "manifest": signed.manifest,
            }
        ],
    )


async def earlier(session: AsyncSession, agency_id: str, message_id: str) -> tuple[datetime, str] | None:
    """Read when this message of this agency was recorded, and its token; None when it was not."""
    row = (await session.execute(_EARLIER, {"agency_id": agency_id, "message_id": message_id})).one_or_none()
    return None if row is None else (row.recorded_at, row.manifest)
