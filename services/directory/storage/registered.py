"""What is registered: read to compare with a new description, and replaced by it."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.directory.domain.changes import Registered, facts_of
from services.directory.domain.network import Appointment, Mandate, Network, StaffName
from services.directory.storage import tables
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import Area, Field, Role
from tsunagu_contracts.events.directory import AgencyRegistered

_Row = Mapping[str, object]

_LOAD_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('tsunagu.directory.load'))")


async def lock(session: AsyncSession) -> None:
    """Wait until no other process loads a description; held until the transaction ends."""
    await session.execute(_LOAD_LOCK)


async def registered(session: AsyncSession) -> Registered:
    """Read everything that has been said in events so far."""
    agencies = await session.execute(sa.select(tables.agencies))
    appointments = await session.execute(sa.select(tables.appointments))
    mandates = await session.execute(sa.select(tables.mandates))
    return Registered(
        agencies={row.agency_id: AgencyRegistered.model_validate(dict(row._mapping)) for row in agencies},
        appointments={row.appointment_id: _appointment(row._mapping) for row in appointments},
        mandates={row.mandate_id: _mandate(row._mapping) for row in mandates},
    )


async def replace_with(session: AsyncSession, network: Network) -> None:
    """Put a description in the place of what was there; that it rewrites no past has been checked."""
    for table, rows in _rows_of(network).items():
        await session.execute(sa.delete(table))
        if rows:
            await session.execute(sa.insert(table), rows)


def _rows_of(network: Network) -> dict[sa.Table, Sequence[_Row]]:
    facts = facts_of(network)
    return {
        tables.areas: [
            {"code": area.code, "position": position, "ward": area.ward, "name": area.name}
            for position, area in enumerate(network.areas)
        ],
        tables.agencies: [
            facts[agency.agency_id].model_dump(mode="json")
            | {"organization_id": agency.organization_id, "document": agency.organization}
            for agency in network.agencies
        ],
        tables.services: [
            {
                "service_id": service.service_id,
                "organization_id": service.organization_id,
                "families": sorted(service.families),
                "areas": sorted(service.areas),
                "document": service.document,
            }
            for service in network.services
        ],
        tables.locations: [
            {
                "location_id": location.location_id,
                "organization_id": location.organization_id,
                "document": location.document,
            }
            for location in network.locations
        ],
        tables.services_at_locations: [
            {
                "id": link.id,
                "service_id": link.service_id,
                "location_id": link.location_id,
                "document": link.document,
            }
            for link in network.services_at_locations
        ],
        tables.coordinators: [_staff(each) for each in network.coordinators],
        tables.auditors: [_staff(each) for each in network.auditors],
        tables.appointments: [
            {
                "appointment_id": each.appointment_id,
                "coordinator_id": each.coordinator_id,
                "agency_id": each.agency_id,
                "role": each.role,
                "field": each.field,
                "areas": sorted(each.areas),
                "valid_from": each.valid_from,
                "valid_until": each.valid_until,
                "granted_by": str(each.granted_by),
                "ended_at": each.ended_at,
            }
            for each in network.appointments
        ],
        tables.mandates: [
            {
                "mandate_id": each.mandate_id,
                "auditor_id": each.auditor_id,
                "agencies": sorted(each.agencies),
                "areas": sorted(each.areas),
                "valid_from": each.valid_from,
                "valid_until": each.valid_until,
                "reason": each.reason,
                "granted_by": str(each.granted_by),
            }
            for each in network.mandates
        ],
    }


def _staff(each: StaffName) -> _Row:
    return {
        "id": each.id,
        "name": each.name,
        "kana": each.kana,
        "romanised": each.romanised,
        "languages": list(each.languages),
    }


def _appointment(row: sa.RowMapping) -> Appointment:
    return Appointment(
        appointment_id=row["appointment_id"],
        coordinator_id=row["coordinator_id"],
        agency_id=row["agency_id"],
        role=Role(row["role"]),
        field=Field(row["field"]),
        areas=frozenset(map(Area, row["areas"])),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        granted_by=Actor.parse(row["granted_by"]),
        ended_at=row["ended_at"],
    )


def _mandate(row: sa.RowMapping) -> Mandate:
    return Mandate(
        mandate_id=row["mandate_id"],
        auditor_id=row["auditor_id"],
        agencies=frozenset(row["agencies"]),
        areas=frozenset(map(Area, row["areas"])),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        reason=row["reason"],
        granted_by=Actor.parse(row["granted_by"]),
    )
