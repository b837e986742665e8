"""Reads for those who look something up; HSDS objects come out as they went in, with what belongs to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.directory.domain.network import Document, NamedArea, StaffName
from services.directory.storage import tables
from tsunagu_contracts.codes import AgencyKind, Area, ServiceFamily
from tsunagu_contracts.events.directory import AgencyRegistered


@dataclass(frozen=True, slots=True)
class AgencyFilter:
    """Which agencies are wanted; None stands for any."""

    agency_id: str | None = None
    kind: AgencyKind | None = None
    area: Area | None = None
    desk_for: Area | None = None


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """Which services are wanted; None stands for any."""

    service_id: str | None = None
    agency_id: str | None = None
    family: ServiceFamily | None = None
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class FoundAgency:
    """An agency: what was said of it in events, and its HSDS organization with its locations."""

    facts: AgencyRegistered
    organization: Document


async def agencies(session: AsyncSession, wanted: AgencyFilter, *, offset: int, limit: int) -> list[FoundAgency]:
    """Read agencies in the order of their ids."""
    table = tables.agencies
    rows = (
        await session.execute(
            _which_agencies(sa.select(table), wanted).order_by(table.c.agency_id).offset(offset).limit(limit)
        )
    ).all()
    places = await _locations_of(session, [row.organization_id for row in rows])
    return [
        FoundAgency(
            AgencyRegistered.model_validate(dict(row._mapping)),
            {**row.document, "locations": places.get(row.organization_id, [])},
        )
        for row in rows
    ]


async def count_agencies(session: AsyncSession, wanted: AgencyFilter) -> int:
    """Count the agencies that `agencies` would read without a limit."""
    found = _which_agencies(sa.select(tables.agencies.c.agency_id), wanted).subquery()
    return (await session.execute(sa.select(sa.func.count()).select_from(found))).scalar_one()


async def services(session: AsyncSession, wanted: ServiceFilter, *, offset: int, limit: int) -> list[Document]:
    """Read HSDS services in the order of their agencies, each with `organization` and `service_at_locations`."""
    table, owner = tables.services, tables.agencies
    columns = sa.select(table.c.service_id, table.c.document, owner.c.document.label("organization"))
    rows = (
        await session.execute(
            _which_services(columns, wanted).order_by(owner.c.agency_id, table.c.service_id).offset(offset).limit(limit)
        )
    ).all()
    places = await _places_of(session, [row.service_id for row in rows])
    return [
        {
            **row.document,
            "organization": row.organization,
            "service_at_locations": places.get(row.service_id, []),
        }
        for row in rows
    ]


async def count_services(session: AsyncSession, wanted: ServiceFilter) -> int:
    """Count the services that `services` would read without a limit."""
    found = _which_services(sa.select(tables.services.c.service_id), wanted).subquery()
    return (await session.execute(sa.select(sa.func.count()).select_from(found))).scalar_one()


async def areas(session: AsyncSession) -> list[NamedArea]:
    """Read every area, in the order of the description."""
    table = tables.areas
    rows = await session.execute(sa.select(table).order_by(table.c.position))
    return [NamedArea(Area(row.code), row.ward, row.name) for row in rows]


async def coordinator(session: AsyncSession, coordinator_id: str) -> StaffName | None:
    """Read a coordinator's name; None when the coordinator is unknown."""
    table = tables.coordinators
    row = (await session.execute(sa.select(table).where(table.c.id == coordinator_id))).one_or_none()
    return None if row is None else StaffName(row.id, row.name, row.kana, row.romanised, tuple(row.languages))


def _which_agencies(query: sa.Select[*tuple[object, ...]], wanted: AgencyFilter) -> sa.Select[*tuple[object, ...]]:
    table = tables.agencies
    if wanted.agency_id is not None:
        query = query.where(table.c.agency_id == wanted.agency_id)
    if wanted.kind is not None:
        query = query.where(table.c.kind == wanted.kind.value)
    if wanted.area is not None:
        query = query.where(table.c.areas.contains([wanted.area.value]))
    if wanted.desk_for is not None:
        query = query.where(table.c.desk_for.contains([wanted.desk_for.value]))
    return query


def _which_services(query: sa.Select[*tuple[object, ...]], wanted: ServiceFilter) -> sa.Select[*tuple[object, ...]]:
    table, owner = tables.services, tables.agencies
    query = query.select_from(table.join(owner, owner.c.organization_id == table.c.organization_id))
    if wanted.service_id is not None:
        query = query.where(table.c.service_id == wanted.service_id)
    if wanted.agency_id is not None:
        query = query.where(owner.c.agency_id == wanted.agency_id)
    if wanted.family is not None:
        query = query.where(table.c.families.contains([wanted.family.value]))
    if wanted.area is not None:
        query = query.where(table.c.areas.contains([wanted.area.value]))
    return query


async def _locations_of(session: AsyncSession, organization_ids: Sequence[str]) -> Mapping[str, list[Document]]:
    table = tables.locations
    rows = await session.execute(
        sa.select(table).where(table.c.organization_id.in_(organization_ids)).order_by(table.c.location_id)
    )
    found: dict[str, list[Document]] = {}
    for row in rows:
        found.setdefault(row.organization_id, []).append(row.document)
    return found


async def _places_of(session: AsyncSession, service_ids: Sequence[str]) -> Mapping[str, list[Document]]:
    link, place = tables.services_at_locations, tables.locations
    rows = await session.execute(
        sa.select(link.c.service_id, link.c.document, place.c.document.label("location"))
        .join_from(link, place, place.c.location_id == link.c.location_id)
        .where(link.c.service_id.in_(service_ids))
        .order_by(link.c.id)
    )
    found: dict[str, list[Document]] = {}
    for row in rows:
        found.setdefault(row.service_id, []).append({**row.document, "location": row.location})
    return found
