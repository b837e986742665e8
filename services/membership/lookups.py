"""Reads of the projection; each also for a whole set at once, so that a batch costs one statement."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.statements import Row
from services.membership.facts import Agency, AgencyKeys, Appointment, Mandate
from services.membership.tables import member_agencies, member_appointments, member_mandates
from tsunagu_contracts.codes import AgencyKind, Area, Field, Role, ServiceFamily
from tsunagu_contracts.keys import PublicKey

APPOINTMENT_COLUMNS = (
    "appointment_id", "coordinator_id", "agency_id", "role", "field", "areas", "valid_from", "valid_until", "ended_at",
)  # fmt: skip
"""What `appointment_of` takes."""


async def agencies(session: AsyncSession, agency_ids: Collection[str]) -> dict[str, Agency]:
    """Find agencies by their ids; unknown ids are absent."""
    table = member_agencies
    rows = await session.execute(sa.select(table).where(_among(table.c.agency_id, agency_ids)))
    return {row.agency_id: agency_of(row) for row in rows}


async def agency(session: AsyncSession, agency_id: str) -> Agency | None:
    """Find one agency; None when it is unknown."""
    return (await agencies(session, [agency_id])).get(agency_id)


async def agency_keys(session: AsyncSession, agency_ids: Collection[str]) -> dict[str, AgencyKeys]:
    """Find the registered public keys of agencies; unknown ids are absent."""
    return {agency_id: found.keys for agency_id, found in (await agencies(session, agency_ids)).items()}


async def agencies_offering(session: AsyncSession, family: ServiceFamily, area: Area) -> list[Agency]:
    """Find the agencies that offer a family of services in an area, by id."""
    table = member_agencies
    rows = await session.execute(
        sa.select(table)
        .where(table.c.areas.contains([area.value]), table.c.service_families.contains([family.value]))
        .order_by(table.c.agency_id)
    )
    return [agency_of(row) for row in rows]


async def desks(session: AsyncSession, areas: Collection[Area]) -> dict[Area, str]:
    """Find the agency that is the standing desk of each area; areas without one are absent."""
    table = member_agencies
    rows = await session.execute(
        sa.select(table.c.agency_id, table.c.desk_for)
        .where(table.c.desk_for.overlap([area.value for area in areas]))
        .order_by(table.c.agency_id)
    )
    found: dict[Area, str] = {}
    for row in rows:
        for area in map(Area, row.desk_for):
            if area in areas:
                found.setdefault(area, row.agency_id)
    return found


async def desk_for(session: AsyncSession, area: Area) -> str | None:
    """Find the agency that is this area's standing desk; None when it has none."""
    return (await desks(session, [area])).get(area)


async def appointments(session: AsyncSession, appointment_ids: Collection[str]) -> dict[str, Appointment]:
    """Find appointments by their ids, ended ones too; unknown ids are absent."""
    table = member_appointments
    rows = await session.execute(sa.select(table).where(_among(table.c.appointment_id, appointment_ids)))
    return {row.appointment_id: appointment_of(row) for row in rows}


async def appointment(session: AsyncSession, appointment_id: str) -> Appointment | None:
    """Find one appointment, an ended one too; None when it is unknown."""
    return (await appointments(session, [appointment_id])).get(appointment_id)


async def appointments_at(session: AsyncSession, agency_ids: Collection[str]) -> list[Appointment]:
    """Find every appointment at these agencies, ended ones too, for a caller that asks about several moments."""
    table = member_appointments
    rows = await session.execute(
        sa.select(table).where(_among(table.c.agency_id, agency_ids)).order_by(table.c.appointment_id)
    )
    return [appointment_of(row) for row in rows]


async def appointments_of_all(
    session: AsyncSession, coordinator_ids: Collection[str], at: datetime
) -> dict[str, list[Appointment]]:
    """Find what each of these coordinators may act under at `at`, by appointment id."""
    return await _holding(session, "coordinator_id", coordinator_ids, at)


async def appointments_of(session: AsyncSession, coordinator_id: str, at: datetime) -> list[Appointment]:
    """Find what a coordinator may act under at `at`, by appointment id."""
    return (await appointments_of_all(session, [coordinator_id], at)).get(coordinator_id, [])


async def on_duty_at(session: AsyncSession, agency_ids: Collection[str], at: datetime) -> dict[str, list[Appointment]]:
    """Find the appointments under which coordinators act for each of these agencies at `at`."""
    return await _holding(session, "agency_id", agency_ids, at)


async def on_duty(session: AsyncSession, agency_id: str, at: datetime) -> list[Appointment]:
    """Find the appointments under which coordinators act for an agency at `at`, by appointment id.

    A coordinator with two roles has two of them.
    """
    return (await on_duty_at(session, [agency_id], at)).get(agency_id, [])


async def mandate(session: AsyncSession, mandate_id: str) -> Mandate | None:
    """Find one mandate, an ended one too; None when it is unknown."""
    table = member_mandates
    row = (await session.execute(sa.select(table).where(table.c.mandate_id == mandate_id))).one_or_none()
    return None if row is None else _mandate(row._mapping)


async def mandates_of(session: AsyncSession, auditor_id: str, at: datetime) -> list[Mandate]:
    """Find the mandates that an auditor may ask under at `at`, by mandate id."""
    table = member_mandates
    rows = await session.execute(sa.select(table).where(table.c.auditor_id == auditor_id).order_by(table.c.mandate_id))
    return [found for row in rows if (found := _mandate(row._mapping)).holds(at)]


async def _holding(
    session: AsyncSession, column: str, ids: Collection[str], at: datetime
) -> dict[str, list[Appointment]]:
    table = member_appointments
    rows = await session.execute(sa.select(table).where(_among(table.c[column], ids)).order_by(table.c.appointment_id))
    found: dict[str, list[Appointment]] = defaultdict(list)
    for row in rows:
        candidate = appointment_of(row)
        if candidate.holds(at):
            found[row._mapping[column]].append(candidate)
    return dict(found)


def _among(column: sa.ColumnElement[str], values: Collection[str]) -> sa.ColumnElement[bool]:
    # An array keeps the statement the same for any number of values, so that it stays prepared.
    return column == sa.func.any(sa.cast(list(values), sa.ARRAY(sa.Text)))


def agency_of(row: Row) -> Agency:
    """The agency that a row tells of, its columns in the order of the table."""
    agency_id, kind, areas, desk_for, service_families, signing, encryption = row
    return Agency(
        agency_id=agency_id,
        kind=AgencyKind(kind),
        areas=frozenset(map(Area, areas)),
        desk_for=frozenset(map(Area, desk_for)),
        service_families=frozenset(map(ServiceFamily, service_families)),
        keys=AgencyKeys(key_of(signing), key_of(encryption)),
    )


def appointment_of(row: Row) -> Appointment:
    """The appointment that the columns `APPOINTMENT_COLUMNS` tell of."""
    appointment_id, coordinator_id, agency_id, role, field, areas, valid_from, valid_until, ended_at = row
    return Appointment(
        appointment_id=appointment_id,
        coordinator_id=coordinator_id,
        agency_id=agency_id,
        role=Role(role),
        field=Field(field),
        areas=frozenset(map(Area, areas)),
        valid_from=valid_from,
        valid_until=valid_until,
        ended_at=ended_at,
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
    )


def key_of(jwk: Mapping[str, str]) -> PublicKey:
    """The public key that a JWK tells of."""
    return _parsed_key(tuple(sorted(jwk.items())))


@lru_cache(maxsize=4096)
def _parsed_key(members: tuple[tuple[str, str], ...]) -> PublicKey:
    # Checking a point and its thumbprint costs more than the lookup; what was checked once stays right.
    return PublicKey.from_jwk(dict(members))
