"""Handles as the database knows them: issued to whom, until when, used by which referral; and seen content keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.examination import Claim
from services.consent.storage import rows
from services.consent.storage.tables import handles
from services.eventing.statements import Statement
from services.eventing.work import Work

_USE = Statement("""
    UPDATE handles SET referral_id = used.referral_id
    FROM unnest(CAST(:handle_ids AS text[]), CAST(:referral_ids AS text[])) AS used (handle_id, referral_id)
    WHERE handles.handle_id = used.handle_id AND handles.referral_id IS NULL
    RETURNING 1
""")
_RESTORE = Statement("""
    INSERT INTO handles (handle_id, agency_id, issued_at, expires_at, referral_id)
    SELECT handle_id, agency_id, CAST(:at AS timestamptz), CAST(:at AS timestamptz), referral_id
    FROM unnest(CAST(:handle_ids AS text[]), CAST(:agency_ids AS text[]), CAST(:referral_ids AS text[]))
        AS used (handle_id, agency_id, referral_id)
    ON CONFLICT DO NOTHING
    RETURNING 1
""")
_REMEMBER_KEYS = Statement("""
    INSERT INTO content_keys (key_hash, section_id)
    SELECT * FROM unnest(CAST(:hashes AS text[]), CAST(:section_ids AS text[]))
    ON CONFLICT (key_hash) DO NOTHING
    RETURNING 1
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


def use(work: Work, referral_by_handle: Mapping[str, str]) -> None:
    """Note which referral uses each handle; where one has been used meanwhile, nothing is kept."""
    if referral_by_handle:
        # In the order of ids here and below, so that two batches never wait for each other in a circle.
        ids = sorted(referral_by_handle)
        used = {"handle_ids": ids, "referral_ids": [referral_by_handle[each] for each in ids]}
        work.later(_USE, used, touches=len(ids))


def restore(work: Work, claims: Collection[Claim]) -> None:
    """Note handles that this database has forgotten, and the referrals that use them from now on."""
    if claims:
        ordered = sorted(claims, key=lambda claim: claim.handle_id)
        used = {
            "at": work.now,
            "handle_ids": [claim.handle_id for claim in ordered],
            "agency_ids": [claim.sender for claim in ordered],
            "referral_ids": [claim.referral_id for claim in ordered],
        }
        work.later(_RESTORE, used, touches=len(ordered))


def remember_keys(work: Work, section_by_hash: Mapping[str, str]) -> None:
    """Remember new content keys by keyed hash; where one has come in meanwhile, nothing is kept."""
    if section_by_hash:
        hashes = sorted(section_by_hash)
        seen = {"hashes": hashes, "section_ids": [section_by_hash[each] for each in hashes]}
        work.later(_REMEMBER_KEYS, seen, touches=len(hashes))
