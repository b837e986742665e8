"""Persons: found by an agency's own reference, and locked to take numbers."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.persons import Person


class Reference(NamedTuple):
    """An agency's own reference for a person, by its keyed hash."""

    agency_id: str
    reference_hash: str


# The no-op update returns the record that won, also where another transaction has just written it.
_RESOLVE = sa.text("""
    INSERT INTO person_references (agency_id, reference_hash, record_id)
    SELECT agency_id, reference_hash, record_id FROM unnest(
        CAST(:agency_ids AS text[]), CAST(:hashes AS text[]), CAST(:record_ids AS text[])
    ) AS said (agency_id, reference_hash, record_id)
    ORDER BY agency_id, reference_hash
    ON CONFLICT (agency_id, reference_hash) DO UPDATE SET record_id = person_references.record_id
    RETURNING agency_id, reference_hash, record_id
""")
_OPEN = sa.text("""
    INSERT INTO persons (record_id, number, latest_at)
    SELECT record_id, 0, :at FROM unnest(CAST(:record_ids AS text[])) AS opened (record_id)
""")
_LOCK = sa.text("""
    SELECT record_id, number, latest_at FROM persons WHERE record_id = ANY(:record_ids)
    ORDER BY record_id FOR UPDATE
""")
_SAVE = sa.text("""
    UPDATE persons SET number = now.number, latest_at = now.latest_at
    FROM unnest(CAST(:record_ids AS text[]), CAST(:numbers AS int[]), CAST(:latest AS timestamptz[]))
        AS now (record_id, number, latest_at)
    WHERE persons.record_id = now.record_id
""")


async def resolve(
    session: AsyncSession, candidates: Mapping[Reference, str], at: datetime
) -> tuple[dict[Reference, str], set[str]]:
    """Find the record of each reference, opening the candidate record where there is none.

    Returns the record ids by reference, and which of them were opened now.
    """
    if not candidates:
        return {}, set()
    rows = await session.execute(
        _RESOLVE,
        {
            "agency_ids": [reference.agency_id for reference in candidates],
            "hashes": [reference.reference_hash for reference in candidates],
            "record_ids": list(candidates.values()),
        },
    )
    found = {Reference(row.agency_id, row.reference_hash): row.record_id for row in rows}
    opened = {record_id for reference, record_id in found.items() if candidates[reference] == record_id}
    await session.execute(_OPEN, {"record_ids": sorted(opened), "at": at})
    return found, opened


async def lock(session: AsyncSession, record_ids: Collection[str]) -> dict[str, Person]:
    """Lock these persons' rows until the transaction ends, in one order for everybody."""
    if not record_ids:
        return {}
    rows = await session.execute(_LOCK, {"record_ids": sorted(record_ids)})
    return {row.record_id: Person(row.record_id, row.number, row.latest_at) for row in rows}


async def save(session: AsyncSession, persons: Iterable[Person]) -> None:
    """Write the numbers taken under the locks."""
    locked = list(persons)
    if locked:
        await session.execute(
            _SAVE,
            {
                "record_ids": [person.record_id for person in locked],
                "numbers": [person.number for person in locked],
                "latest": [person.latest_at for person in locked],
            },
        )
