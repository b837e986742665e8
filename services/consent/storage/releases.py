"""Releases, granted and refused: added, never changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import releases
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused


async def insert(session: AsyncSession, said: ReleaseGranted | ReleaseRefused) -> None:
    """Write one release as its event says it."""
    granted = isinstance(said, ReleaseGranted)
    await rows.insert(
        session,
        releases,
        [
            {
                "release_id": said.release_id,
                "record_id": said.record_id,
                "number": said.number,
                "referral_id": said.referral_id,
                "section_id": said.section_id,
                "recipient": said.recipient,
                "provider": said.provider if isinstance(said, ReleaseGranted) else None,
                "coordinator_id": said.coordinator_id,
                "appointment_id": said.appointment_id,
                "granted": granted,
                "reason": "granted" if isinstance(said, ReleaseGranted) else said.reason.value,
                "statement_id": said.statement_id if isinstance(said, ReleaseGranted) else None,
                "decided_at": said.decided_at,
            }
        ],
    )
