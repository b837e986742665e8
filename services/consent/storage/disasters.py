"""Disasters: declared in areas, and lifted."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.codes import Area

_DECLARE = sa.text("""
    INSERT INTO disasters (disaster_id, area, declared_at)
    SELECT :disaster_id, unnest(CAST(:areas AS text[])), :at ON CONFLICT DO NOTHING RETURNING area
""")
_LIFT = sa.text("""
    UPDATE disasters SET lifted_at = :at
    WHERE disaster_id = :disaster_id AND area = ANY(:areas) AND lifted_at IS NULL RETURNING area
""")
_AREAS = sa.text("SELECT area FROM disasters WHERE disaster_id = :disaster_id")


async def declare(session: AsyncSession, disaster_id: str, areas: Collection[Area], at: datetime) -> set[Area]:
    """Declare a disaster; returns the areas in which it was not declared before."""
    return await _change(session, _DECLARE, disaster_id, areas, at)


async def lift(session: AsyncSession, disaster_id: str, areas: Collection[Area], at: datetime) -> set[Area]:
    """Lift a disaster; returns the areas in which it was on until now."""
    return await _change(session, _LIFT, disaster_id, areas, at)


async def areas_of(session: AsyncSession, disaster_id: str) -> set[Area]:
    """The areas in which this disaster was ever declared."""
    return set(map(Area, await session.scalars(_AREAS, {"disaster_id": disaster_id})))


async def _change(
    session: AsyncSession, statement: sa.TextClause, disaster_id: str, areas: Collection[Area], at: datetime
) -> set[Area]:
    values = {"disaster_id": disaster_id, "areas": sorted(area.value for area in areas), "at": at}
    return set(map(Area, await session.scalars(statement, values)))
