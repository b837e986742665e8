"""Sealed evidence: its files in pieces, and the openings that its custodians ask for."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.database import Database
from tsunagu_contracts.events.audit import EvidenceOpeningAsked, EvidenceStored
from tsunagu_contracts.events.consent import RecordedBy

_FIND = """
    SELECT evidence_id, agency_id, referral_id, custodians, stored_at, manifest FROM evidence
    WHERE evidence_id = :evidence_id
"""
_KEPT = sa.text(_FIND)
_LOCK = sa.text(f"{_FIND} FOR UPDATE")
_TAKEN = sa.text("""
    SELECT evidence_id, agency_id, referral_id, custodians, stored_at, manifest FROM evidence
    WHERE agency_id = :agency_id AND message_id = :message_id
""")
_KEEP = sa.text("""
    INSERT INTO evidence (evidence_id, agency_id, message_id, referral_id, custodians, stored_at, manifest)
    VALUES (:evidence_id, :agency_id, :message_id, :referral_id, CAST(:custodians AS text[]), :stored_at, :manifest)
""")
_ADD_PIECE = sa.text("""
    INSERT INTO evidence_pieces (evidence_id, piece, content) VALUES (:evidence_id, :piece, :content)
""")
_PIECE = sa.text("SELECT content FROM evidence_pieces WHERE evidence_id = :evidence_id AND piece = :piece")
_EARLIER = sa.text("SELECT manifest FROM evidence_askings WHERE agency_id = :agency_id AND message_id = :message_id")
_ASK = sa.text("""
    INSERT INTO evidence_askings (
        agency_id, message_id, opening_id, version, coordinator_id, appointment_id, asked_at, share, manifest
    ) VALUES (
        :agency_id, :message_id, :opening_id, :version, :coordinator_id, :appointment_id, :asked_at, :share, :manifest
    )
""")
_LAST_ASKING = sa.text("""
    SELECT coordinator_id, appointment_id, asked_at, share FROM evidence_askings
    WHERE opening_id = :opening_id AND agency_id = :agency_id ORDER BY version DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Kept:
    """Evidence that is kept, with the message that it came with."""

    evidence_id: str
    agency_id: str
    referral_id: str
    custodians: tuple[str, str]
    stored_at: datetime
    manifest: str

    def other_than(self, custodian: str) -> str:
        """The other custodian."""
        return next(each for each in self.custodians if each != custodian)


@dataclass(frozen=True, slots=True)
class Asking:
    """The last time that a custodian asked for an opening: who, when, and its share, sealed to the other."""

    by: RecordedBy
    asked_at: datetime
    share: str


async def find(session: AsyncSession, evidence_id: str, *, lock: bool = False) -> Kept | None:
    """Find evidence; with `lock` nobody else asks for an opening of it meanwhile."""
    return await _kept(session, _LOCK if lock else _KEPT, {"evidence_id": evidence_id})


async def find_by_message(session: AsyncSession, agency_id: str, message_id: str) -> Kept | None:
    """Find the evidence that came with this message of this agency."""
    return await _kept(session, _TAKEN, {"agency_id": agency_id, "message_id": message_id})


async def _kept(session: AsyncSession, query: sa.TextClause, wanted: dict[str, str]) -> Kept | None:
    row = (await session.execute(query, wanted)).one_or_none()
    if row is None:
        return None
    evidence_id, agency_id, referral_id, (first, second), stored_at, manifest = row
    return Kept(evidence_id, agency_id, referral_id, (first, second), stored_at, manifest)


async def keep(session: AsyncSession, stored: EvidenceStored, pieces: Iterable[bytes]) -> None:
    """Keep a file, piece by piece, as its event says it."""
    kept = {
        "evidence_id": stored.evidence_id,
        "agency_id": stored.recorded_by.agency_id,
        "message_id": stored.message_id,
        "referral_id": stored.referral_id,
        "custodians": list(stored.custodians),
        "stored_at": stored.stored_at,
        "manifest": stored.manifest,
    }
    await session.execute(_KEEP, kept)
    for number, content in enumerate(pieces):
        await session.execute(_ADD_PIECE, {"evidence_id": stored.evidence_id, "piece": number, "content": content})


async def pieces_of(database: Database, evidence_id: str) -> AsyncIterator[bytes]:
    """Yield a file's pieces in order; none is held, and no connection, while the reader takes its time."""
    number = 0
    while True:
        async with database.reading() as session:
            content: bytes | None = await session.scalar(_PIECE, {"evidence_id": evidence_id, "piece": number})
        if content is None:
            return
        yield content
        number += 1


async def earlier_asking(session: AsyncSession, agency_id: str, message_id: str) -> str | None:
    """The token of this message of this agency, if it asked for an opening before."""
    found: str | None = await session.scalar(_EARLIER, {"agency_id": agency_id, "message_id": message_id})
    return found


async def note_asked(session: AsyncSession, asked: EvidenceOpeningAsked, version: int, share: str) -> None:
    """Note that a custodian asked, as the event of this version says it, and its share."""
    row = {
        **asked.asked_by.model_dump(),
        "message_id": asked.message_id,
        "opening_id": asked.opening_id,
        "version": version,
        "asked_at": asked.asked_at,
        "share": share,
        "manifest": asked.manifest,
    }
    await session.execute(_ASK, row)


async def last_asking(session: AsyncSession, opening_id: str, agency_id: str) -> Asking | None:
    """The last time that this custodian asked for an opening."""
    row = (await session.execute(_LAST_ASKING, {"opening_id": opening_id, "agency_id": agency_id})).one_or_none()
    if row is None:
        return None
    by = RecordedBy(agency_id=agency_id, coordinator_id=row.coordinator_id, appointment_id=row.appointment_id)
    return Asking(by, row.asked_at, row.share)
