"""What grants rest on beside their recorder: added and read, never changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import supports
from tsunagu_contracts.events.consent import StatementCountersigned, StatementEvidenced


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


async def insert_evidenced(session: AsyncSession, said: StatementEvidenced, message_id: str, manifest: str) -> None:
    """Write that evidence is kept as its event says it, and the message that it came with."""
    await rows.insert(
        session,
        supports,
        [
            {
                "record_id": said.record_id,
                "number": said.number,
                "statement_id": said.statement_id,
                "recorded_at": said.recorded_at,
                "message_id": message_id,
                "manifest": manifest,
            }
        ],
    )
