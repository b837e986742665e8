"""Cards, by the keyed hashes of their secrets: issued, voided by the next one, used once."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_MESSAGE = sa.text("SELECT manifest FROM cards WHERE agency_id = :agency_id AND message_id = :message_id LIMIT 1")
_VOID = sa.text("""
    UPDATE cards SET voided_at = :at WHERE record_id = ANY(:record_ids) AND used_at IS NULL AND voided_at IS NULL
""")
_ISSUE = sa.text("""
    INSERT INTO cards (secret_hash, record_id, agency_id, message_id, manifest, issued_at, expires_at)
    VALUES (:secret_hash, :record_id, :agency_id, :message_id, :manifest, :at, :expires_at)
""")
_RECORD = sa.text("SELECT record_id FROM cards WHERE secret_hash = :secret_hash")
_USE = sa.text("""
    UPDATE cards SET used_at = :at
    WHERE secret_hash = :secret_hash AND used_at IS NULL AND voided_at IS NULL AND expires_at > :now RETURNING 1
""")


async def earlier(session: AsyncSession, agency_id: str, message_id: str) -> str | None:
    """Read the token of this message of this agency, if a card was issued by it."""
    token: str | None = await session.scalar(_MESSAGE, {"agency_id": agency_id, "message_id": message_id})
    return token


async def void(session: AsyncSession, record_ids: Collection[str], at: datetime) -> None:
    """Void every card of a person that is still good; the rows of these records are locked."""
    await session.execute(_VOID, {"record_ids": list(record_ids), "at": at})


async def issue(
    session: AsyncSession,
    secret_hash: str,
    record_id: str,
    message: tuple[str, str, str],
    at: datetime,
    expires_at: datetime,
) -> None:
    """Note a new card, with the agency, the id and the token of the message that asked for it."""
    agency_id, message_id, manifest = message
    values = {
        "secret_hash": secret_hash,
        "record_id": record_id,
        "agency_id": agency_id,
        "message_id": message_id,
        "manifest": manifest,
        "at": at,
        "expires_at": expires_at,
    }
    await session.execute(_ISSUE, values)


async def record_of(session: AsyncSession, secret_hash: str) -> str | None:
    """Read whose card this is, or was; None where there never was one."""
    record_id: str | None = await session.scalar(_RECORD, {"secret_hash": secret_hash})
    return record_id


async def use(session: AsyncSession, secret_hash: str, now: datetime) -> bool:
    """Use a card up; False where it is no longer good, and of two at once for one of them."""
    used = await session.execute(_USE, {"secret_hash": secret_hash, "at": now, "now": now})
    return used.scalar_one_or_none() is not None
