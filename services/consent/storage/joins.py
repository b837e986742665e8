"""Joins: written, undone once, and read as they stand or stood."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import joins
from tsunagu_contracts.events.consent import RecordJoined, RecordUnjoined

_FIND = sa.text("""
    SELECT join_id, record_a, record_b, agency_id, manifest, joined_at, undone_at, undone_manifest FROM joins
    WHERE join_id = :join_id
""")
_OF_MESSAGE = sa.text("""
    SELECT join_id, record_a, record_b, agency_id, manifest, joined_at, undone_at, undone_manifest FROM joins
    WHERE agency_id = :agency_id AND message_id = :message_id
""")
_UNDO = sa.text("""
    UPDATE joins SET undone_number_a = :number_a, undone_number_b = :number_b, undone_at = :at, undone_as = :undone_as,
        undone_by = :agency_id, undone_message_id = :message_id, undone_manifest = :manifest
    WHERE join_id = :join_id AND undone_at IS NULL
""")
_STANDING = sa.text("""
    SELECT join_id, record_a, record_b FROM joins WHERE record_a = ANY(:record_ids) AND undone_at IS NULL
""")
_EVERY = sa.text("SELECT record_a, record_b, undone_at IS NULL FROM joins")
_STOOD = """
    joined_at <= :at AND (undone_at IS NULL OR undone_at > :at)
"""
_JOINED_AT = sa.text(f"""
    WITH RECURSIVE met (record_id) AS (
        SELECT CAST(:record_id AS text)
        UNION
        SELECT next.record_id FROM met CROSS JOIN LATERAL (
            SELECT record_b AS record_id FROM joins WHERE record_a = met.record_id AND {_STOOD}
            UNION ALL SELECT record_a FROM joins WHERE record_b = met.record_id AND {_STOOD}
        ) AS next
    )
    SELECT record_id FROM met
""")  # noqa: S608 - put together from constants
_IS_PARTY = sa.text("""
    SELECT EXISTS (
        SELECT 1 FROM referrals WHERE record_id = ANY(:record_ids) AND :agency_id IN (sender, addressee)
    )
""")


@dataclass(frozen=True, slots=True)
class Join:
    """A join as it was recorded, and when and by which message it was undone, if it was."""

    join_id: str
    record_a: str
    record_b: str
    agency_id: str
    manifest: str
    joined_at: datetime
    undone_at: datetime | None
    undone_manifest: str | None

    @property
    def record_ids(self) -> frozenset[str]:
        """The records that it joins."""
        return frozenset({self.record_a, self.record_b})


async def insert(session: AsyncSession, joined: RecordJoined) -> None:
    """Write a join as the event of one of its records says it."""
    await rows.insert(
        session,
        joins,
        [
            {
                "join_id": joined.join_id,
                "record_a": joined.record_id,
                "number_a": joined.number,
                "record_b": joined.other_record_id,
                "number_b": joined.other_number,
                "how": joined.how.value,
                "joined_at": joined.joined_at,
                "agency_id": joined.recorded_by.agency_id,
                "message_id": joined.message_id,
                "manifest": joined.manifest,
            }
        ],
    )


async def undo(session: AsyncSession, unjoined: RecordUnjoined) -> None:
    """Write that a join is undone, as the event of its first record says it; the rows of its records are locked."""
    values = {
        "join_id": unjoined.join_id,
        "number_a": unjoined.number,
        "number_b": unjoined.other_number,
        "at": unjoined.unjoined_at,
        "undone_as": unjoined.reason.value,
        "agency_id": unjoined.recorded_by.agency_id,
        "message_id": unjoined.message_id,
        "manifest": unjoined.manifest,
    }
    await session.execute(_UNDO, values)


async def find(session: AsyncSession, join_id: str) -> Join | None:
    """Read a join."""
    row = (await session.execute(_FIND, {"join_id": join_id})).one_or_none()
    return None if row is None else Join(*row)


async def of_message(session: AsyncSession, agency_id: str, message_id: str) -> Join | None:
    """Read the join that this message of this agency recorded."""
    row = (await session.execute(_OF_MESSAGE, {"agency_id": agency_id, "message_id": message_id})).one_or_none()
    return None if row is None else Join(*row)


async def standing(session: AsyncSession, record_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Read the joins that stand among all records of a person, by join id."""
    found = await session.execute(_STANDING, {"record_ids": list(record_ids)})
    return {join_id: (record_a, record_b) for join_id, record_a, record_b in found}


async def every(session: AsyncSession) -> list[tuple[tuple[str, str], bool]]:
    """Read every join that was ever recorded: its records, and whether it stands."""
    return [((record_a, record_b), stands) for record_a, record_b, stands in await session.execute(_EVERY)]


async def joined_at(session: AsyncSession, record_id: str, at: datetime) -> set[str]:
    """Read the records that were one person's with this one at a moment, with this one itself."""
    return set((await session.scalars(_JOINED_AT, {"record_id": record_id, "at": at})).all())


async def is_party(session: AsyncSession, record_ids: Collection[str], agency_id: str) -> bool:
    """Whether the agency sent or was asked by any referral of these records."""
    found = await session.scalar(_IS_PARTY, {"record_ids": list(record_ids), "agency_id": agency_id})
    return bool(found)
