"""Countersignatures: added and read, never changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import supports
from tsunagu_contracts.events.consent import StatementCountersigned


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
