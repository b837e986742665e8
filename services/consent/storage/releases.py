"""Releases, granted and refused: added, never changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.statements import Statement
from services.eventing.work import Work
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused

_INSERT = Statement("""
    INSERT INTO releases (
        release_id, record_id, number, referral_id, section_id, recipient, provider, coordinator_id, appointment_id,
        granted, reason, statement_id, decided_at
    )
    SELECT CAST(:release_id AS text), CAST(:record_id AS text), CAST(:number AS int), CAST(:referral_id AS text),
        CAST(:section_id AS text), CAST(:recipient AS text), CAST(:provider AS text), CAST(:coordinator_id AS text),
        CAST(:appointment_id AS text), CAST(:granted AS boolean), CAST(:reason AS text), CAST(:statement_id AS text),
        CAST(:decided_at AS timestamptz)
""")


def insert(work: Work, said: ReleaseGranted | ReleaseRefused) -> None:
    """Write one release as its event says it."""
    work.later(_INSERT, _values(said))


async def insert_again(session: AsyncSession, said: ReleaseGranted | ReleaseRefused) -> None:
    """Write one release into a database that has forgotten it."""
    await session.execute(_INSERT.clause, _values(said))


def _values(said: ReleaseGranted | ReleaseRefused) -> dict[str, object]:
    granted = isinstance(said, ReleaseGranted)
    return {
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
