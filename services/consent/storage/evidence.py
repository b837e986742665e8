"""Evidence as statements name it and as `audit` keeps it: whichever side comes second finds the first."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.events.audit import EvidenceStored
from tsunagu_contracts.events.consent import StatementEvidenced

# Whoever comes second waits here until the first has committed, and then reads what it wrote.
_NAME = sa.text("""
    INSERT INTO evidence (agency_id, statement_id, digest, record_id)
    VALUES (:agency_id, :statement_id, :digest, :record_id)
    ON CONFLICT (agency_id, statement_id, digest) DO UPDATE SET record_id = excluded.record_id
    RETURNING evidence_id, message_id, manifest
""")
_NOTE = sa.text("""
    INSERT INTO evidence AS known (agency_id, statement_id, digest, evidence_id, message_id, manifest)
    VALUES (:agency_id, :statement_id, :digest, :evidence_id, :message_id, :manifest)
    ON CONFLICT (agency_id, statement_id, digest) DO UPDATE SET
        evidence_id = excluded.evidence_id, message_id = excluded.message_id, manifest = excluded.manifest
    WHERE known.evidence_id IS NULL
    RETURNING record_id
""")
_NOTE_AGAIN = sa.text("""
    UPDATE evidence SET evidence_id = :evidence_id, message_id = :evidence_id, manifest = :digest
    WHERE statement_id = :statement_id AND digest = :digest
""")
_NAMED = sa.text("""
    SELECT record_id FROM evidence
    WHERE agency_id = :agency_id AND statement_id = :statement_id AND digest = :digest AND evidence_id IS NULL
""")


@dataclass(frozen=True, slots=True)
class Kept:
    """Evidence that `audit` keeps, and the message that it came with."""

    evidence_id: str
    message_id: str
    manifest: str


async def name(session: AsyncSession, agency_id: str, statement_id: str, digest: str, record_id: str) -> Kept | None:
    """Note that a statement of this person names evidence; returns what is kept of it already."""
    named = {"agency_id": agency_id, "statement_id": statement_id, "digest": digest, "record_id": record_id}
    row = (await session.execute(_NAME, named)).one()
    return Kept(row.evidence_id, row.message_id, row.manifest) if row.evidence_id is not None else None


async def named_by(session: AsyncSession, stored: EvidenceStored) -> str | None:
    """The person whose statement has named this evidence, of which nothing had been heard; None without one."""
    found: str | None = await session.scalar(_NAMED, _key(stored))
    return found


async def note(session: AsyncSession, stored: EvidenceStored) -> str | None:
    """Note that evidence is kept; returns the person whose statement names it. What had been noted stays as it was."""
    noted = {"evidence_id": stored.evidence_id, "message_id": stored.message_id, "manifest": stored.manifest}
    found: str | None = await session.scalar(_NOTE, {**_key(stored), **noted})
    return found


async def note_again(session: AsyncSession, said: StatementEvidenced) -> None:
    """Note in a database that has forgotten it that this evidence counts already."""
    noted = {"evidence_id": said.evidence_id, "statement_id": said.statement_id, "digest": said.digest}
    await session.execute(_NOTE_AGAIN, noted)


def _key(stored: EvidenceStored) -> dict[str, str]:
    return {
        "agency_id": stored.recorded_by.agency_id,
        "statement_id": stored.statement_id,
        "digest": stored.digest,
    }
