"""Representatives: added and read, never changed; of one id the last row counts."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.representatives import Representative
from services.consent.storage import rows
from services.consent.storage.tables import representatives
from tsunagu_contracts.codes import Category, Purpose, RepresentationGround
from tsunagu_contracts.events.consent import RepresentativeRecorded

_LAST = sa.text("""
    SELECT representative_id, ground, categories, purposes, valid_from, valid_until FROM representatives
    WHERE record_id = ANY(:record_ids) AND agency_id = :agency_id AND representative_id = :representative_id
    ORDER BY recorded_at DESC, number DESC LIMIT 1
""")


async def insert(session: AsyncSession, recorded: RepresentativeRecorded) -> None:
    """Write what one event says of a representative."""
    await rows.insert(
        session,
        representatives,
        [
            {
                "record_id": recorded.record_id,
                "number": recorded.number,
                "representative_id": recorded.representative_id,
                "referral_id": recorded.referral_id,
                "ground": recorded.ground.value,
                "proof": recorded.proof.value,
                "categories": None if recorded.categories is None else [each.value for each in recorded.categories],
                "purposes": None if recorded.purposes is None else [each.value for each in recorded.purposes],
                "valid_from": recorded.valid_from,
                "valid_until": recorded.valid_until,
                "recorded_at": recorded.recorded_at,
                "agency_id": recorded.recorded_by.agency_id,
                "message_id": recorded.message_id,
                "manifest": recorded.manifest,
            }
        ],
    )


async def last(
    session: AsyncSession, record_ids: Collection[str], agency_id: str, representative_id: str
) -> Representative | None:
    """Read the representative of the person of these records as this agency has last recorded them, if it has."""
    wanted = {"record_ids": list(record_ids), "agency_id": agency_id, "representative_id": representative_id}
    row = (await session.execute(_LAST, wanted)).one_or_none()
    if row is None:
        return None
    return Representative(
        row.representative_id,
        RepresentationGround(row.ground),
        None if row.categories is None else frozenset(map(Category, row.categories)),
        None if row.purposes is None else frozenset(map(Purpose, row.purposes)),
        row.valid_from,
        row.valid_until,
    )
