"""Handles as the database knows them: issued to whom, until when, used by which referral; and seen content keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import handles

_LOCK = sa.text("""
    SELECT handle_id, agency_id, referral_id FROM handles WHERE handle_id = ANY(:handle_ids)
    ORDER BY handle_id FOR UPDATE
""")
_USE = sa.text("""
    UPDATE handles SET referral_id = used.referral_id
    FROM unnest(CAST(:handle_ids AS text[]), CAST(:referral_ids AS text[])) AS used (handle_id, referral_id)
    WHERE handles.handle_id = used.handle_id
""")
_REMEMBER_KEYS = sa.text("""
    INSERT INTO content_keys (key_hash, section_id)
    SELECT key_hash, section_id
    FROM unnest(CAST(:hashes AS text[]), CAST(:section_ids AS text[])) AS seen (key_hash, section_id)
    ORDER BY key_hash
    ON CONFLICT (key_hash) DO NOTHING
    RETURNING key_hash
""")


@dataclass(frozen=True, slots=True)
class Issued:
    """A handle that was issued to an agency, and the referral that uses it, if any."""

    handle_id: str
    agency_id: str
    referral_id: str | None


async def issue(
    session: AsyncSession, handle_ids: Sequence[str], agency_id: str, issued_at: datetime, expires_at: datetime
) -> None:
    """Note new handles of an agency."""
    await rows.insert(
        session,
        handles,
        [
            {
                "handle_id": handle_id,
                "agency_id": agency_id,
                "issued_at": issued_at,
                "expires_at": expires_at,
                "referral_id": None,
            }
            for handle_id in handle_ids
        ],
    )


async def lock(session: AsyncSession, handle_ids: Collection[str]) -> dict[str, Issued]:
    """Lock these handles' rows until the transaction ends; unknown ones are absent."""
    if not handle_ids:
        return {}
    found = await session.execute(_LOCK, {"handle_ids": sorted(handle_ids)})
    return {row.handle_id: Issued(row.handle_id, row.agency_id, row.referral_id) for row in found}


async def use(session: AsyncSession, referral_by_handle: Mapping[str, str]) -> None:
    """Note which referral uses each handle."""
    if referral_by_handle:
        await session.execute(
            _USE,
            {"handle_ids": list(referral_by_handle), "referral_ids": list(referral_by_handle.values())},
        )


async def remember_keys(session: AsyncSession, section_by_hash: Mapping[str, str]) -> set[str]:
    """Remember content keys by keyed hash; returns the hashes that had not been seen before."""
    if not section_by_hash:
        return set()
    fresh = await session.execute(
        _REMEMBER_KEYS,
        {"hashes": list(section_by_hash), "section_ids": list(section_by_hash.values())},
    )
    return {row.key_hash for row in fresh}
