"""Persons: meant by an agency's own reference, and locked to take numbers."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.persons import Person
from services.eventing.statements import Statement
from services.eventing.work import Work


class Reference(NamedTuple):
    """An agency's own reference for a person, by its keyed hash."""

    agency_id: str
    reference_hash: str


_REFER = Statement("""
    INSERT INTO person_references (agency_id, reference_hash, record_id)
    SELECT * FROM unnest(CAST(:agency_ids AS text[]), CAST(:hashes AS text[]), CAST(:record_ids AS text[]))
    ON CONFLICT (agency_id, reference_hash) DO NOTHING
    RETURNING 1
""")
_OPEN = Statement("""
    INSERT INTO persons (record_id, number, latest_at)
    SELECT * FROM unnest(CAST(:record_ids AS text[]), CAST(:numbers AS int[]), CAST(:latest AS timestamptz[]))
""")
_LOCK = sa.text("""
    SELECT record_id, number, latest_at FROM persons WHERE record_id = ANY(:record_ids)
    ORDER BY record_id FOR UPDATE
""")
_NUMBER = sa.text("SELECT number FROM persons WHERE record_id = :record_id")
_NUMBER_AT = sa.text("""
    SELECT coalesce(max(number), 0) FROM (
        SELECT number, recorded_at FROM statements WHERE record_id = :record_id
        UNION ALL SELECT number, recorded_at FROM supports WHERE record_id = :record_id
        UNION ALL SELECT number, recorded_at FROM erasures WHERE record_id = :record_id
    ) AS recorded WHERE recorded_at <= :at
""")
_SAVE = Statement("""
    UPDATE persons SET number = now.number, latest_at = now.latest_at
    FROM unnest(
        CAST(:record_ids AS text[]), CAST(:befores AS int[]), CAST(:numbers AS int[]), CAST(:latest AS timestamptz[])
    ) AS now (record_id, before, number, latest_at)
    WHERE persons.record_id = now.record_id AND persons.number = now.before
    RETURNING 1
""")


async def lock(session: AsyncSession, record_ids: Collection[str]) -> dict[str, Person]:
    """Lock these persons' rows until the transaction ends, in one order for everybody."""
    if not record_ids:
        return {}
    rows = await session.execute(_LOCK, {"record_ids": sorted(record_ids)})
    return {row.record_id: Person(row.record_id, row.number, row.latest_at) for row in rows}


async def number(session: AsyncSession, record_id: str) -> int:
    """Read the last number that a person has taken."""
    return int((await session.execute(_NUMBER, {"record_id": record_id})).scalar_one())


async def number_at(session: AsyncSession, record_id: str, at: datetime) -> int:
    """Read the last number of a person's by a moment, of those on which decisions rest; 0 before the first."""
    return int((await session.execute(_NUMBER_AT, {"record_id": record_id, "at": at})).scalar_one())


def open_records(work: Work, opened: Mapping[Reference, Person]) -> None:
    """Write new persons under the references that mean them; where one means somebody by now, nothing is kept."""
    if not opened:
        return
    references = sorted(opened)
    persons = [opened[reference] for reference in references]
    work.later(
        _REFER,
        {
            "agency_ids": [reference.agency_id for reference in references],
            "hashes": [reference.reference_hash for reference in references],
            "record_ids": [person.record_id for person in persons],
        },
        touches=len(references),
    )
    work.later(_OPEN, _columns(persons))


def save(work: Work, persons: Collection[Person]) -> None:
    """Write the numbers taken; where somebody else has taken one since a person was read, nothing is kept."""
    if persons:
        ordered = sorted(persons, key=lambda person: person.record_id)
        befores = [person.number - person.taken for person in ordered]
        work.later(_SAVE, {**_columns(ordered), "befores": befores}, touches=len(ordered))


def _columns(persons: Collection[Person]) -> dict[str, object]:
    return {
        "record_ids": [person.record_id for person in persons],
        "numbers": [person.number for person in persons],
        "latest": [person.latest_at for person in persons],
    }
