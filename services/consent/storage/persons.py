"""Persons: meant by an agency's own reference, joined into groups, and locked to take numbers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.persons import Group, Person
from services.eventing.statements import Conflict, Row, Statement
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
    INSERT INTO persons (record_id, number, latest_at, group_id)
    SELECT * FROM unnest(
        CAST(:record_ids AS text[]), CAST(:numbers AS int[]), CAST(:latest AS timestamptz[]), CAST(:group_ids AS text[])
    )
""")
_GROUPS = """
    SELECT record_id, number, latest_at, group_id FROM persons
    WHERE group_id = ANY(ARRAY(SELECT group_id FROM persons WHERE record_id = ANY(:record_ids))) ORDER BY record_id
"""
_LOOK = sa.text(_GROUPS)
_LOCK = sa.text(f"{_GROUPS} FOR UPDATE")
_REGROUP = sa.text("""
    UPDATE persons SET group_id = now.group_id
    FROM unnest(CAST(:record_ids AS text[]), CAST(:group_ids AS text[])) AS now (record_id, group_id)
    WHERE persons.record_id = now.record_id
""")
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
        CAST(:record_ids AS text[]), CAST(:befores AS int[]), CAST(:numbers AS int[]), CAST(:latest AS timestamptz[]),
        CAST(:group_ids AS text[])
    ) AS now (record_id, before, number, latest_at, group_id)
    WHERE persons.record_id = now.record_id AND persons.number = now.before
        AND persons.group_id = now.group_id
    RETURNING 1
""")


async def lock(session: AsyncSession, record_ids: Collection[str]) -> dict[str, Group]:
    """Lock the rows of these persons until the transaction ends, in one order for everybody; by each id asked for.

    Raises `Conflict` where somebody has joined or unjoined one of them while this waited. A group that changes gets
    an id that no row had before, or its only record's own: so every row that is locked under the id that was seen is
    there, and a record that was asked for and is not was moved meanwhile.
    """
    if not record_ids:
        return {}
    found = groups((await session.execute(_LOCK, {"record_ids": sorted(record_ids)})).all())
    if not found.keys() >= set(record_ids):
        raise Conflict
    return found


async def lock_one(session: AsyncSession, record_id: str) -> Group:
    """Lock the rows of one person, as `lock` does."""
    return (await lock(session, [record_id]))[record_id]


async def look(session: AsyncSession, record_id: str) -> Group:
    """Read a person's records as they are joined now; nothing keeps the answer true."""
    return groups((await session.execute(_LOOK, {"record_ids": [record_id]})).all())[record_id]


async def regroup(session: AsyncSession, group_by_record: Mapping[str, str]) -> None:
    """Write which records are one person's; all rows of the groups concerned are locked."""
    ids = sorted(group_by_record)
    await session.execute(_REGROUP, {"record_ids": ids, "group_ids": [group_by_record[each] for each in ids]})


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
    """Write the numbers taken; where somebody else has taken one or joined a record since, nothing is kept.

    A record under which none was taken stays as it is, if it is still as it was read.
    """
    if persons:
        ordered = sorted(persons, key=lambda person: person.record_id)
        befores = [person.number - person.taken for person in ordered]
        work.later(_SAVE, {**_columns(ordered), "befores": befores}, touches=len(ordered))


def _columns(persons: Collection[Person]) -> dict[str, object]:
    return {
        "record_ids": [person.record_id for person in persons],
        "numbers": [person.number for person in persons],
        "latest": [person.latest_at for person in persons],
        "group_ids": [person.group_id for person in persons],
    }


def groups(rows: Iterable[Row]) -> dict[str, Group]:
    """The group of each record, one object for each however many records are in it."""
    by_group: dict[str, dict[str, Person]] = defaultdict(dict)
    for record_id, number, latest_at, group_id in rows:
        by_group[group_id][record_id] = Person(record_id, number, latest_at, group_id)
    return {record_id: group for records in by_group.values() for group in [Group(records)] for record_id in records}
