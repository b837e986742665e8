"""Find agencies, services, areas and names of staff; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services import membership
from services.directory.domain.network import Document, NamedArea, StaffName
from services.directory.storage import finding
from services.directory.storage.finding import AgencyFilter, FoundAgency, ServiceFilter
from services.membership import Appointment
from services.runtime.identity import Caller
from tsunagu_contracts.actors import ActorKind
from tsunagu_contracts.codes import Area, RefusalCode
from tsunagu_contracts.errors import Refusal

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list is asked for: pages count from 1."""

    page: int
    per_page: int

    @property
    def offset(self) -> int:
        """How many come before."""
        return (self.page - 1) * self.per_page


@dataclass(frozen=True, slots=True)
class Some(Generic[_Found]):
    """A part of what was found, and how much there is in all."""

    contents: Sequence[_Found]
    total: int


async def require_member(session: AsyncSession, caller: Caller, at: datetime) -> None:
    """Refuse with `not_permitted` who neither belongs to an agency nor audits one.

    Systems have been known by their agency's key already; people need an appointment or a mandate.
    """
    actor = caller.actor
    if actor.kind is ActorKind.SYSTEM and caller.agency_id is not None:
        return
    if actor.kind is ActorKind.COORDINATOR and actor.id is not None:
        held = await membership.appointments_of(session, actor.id, at)
        if any(caller.agency_id in (None, appointment.agency_id) for appointment in held):
            return
    if actor.kind is ActorKind.AUDITOR and actor.id is not None and await membership.mandates_of(session, actor.id, at):
        return
    raise Refusal(RefusalCode.NOT_PERMITTED)


async def find_agencies(session: AsyncSession, wanted: AgencyFilter, part: Slice) -> Some[FoundAgency]:
    """Find agencies by kind, area and desk, in the order of their ids."""
    found = await finding.agencies(session, wanted, offset=part.offset, limit=part.per_page)
    return Some(found, await finding.count_agencies(session, wanted))


async def find_agency(session: AsyncSession, agency_id: str) -> FoundAgency:
    """Find one agency; refuses with `not_found`."""
    found = await finding.agencies(session, AgencyFilter(agency_id=agency_id), offset=0, limit=1)
    if not found:
        raise Refusal(RefusalCode.NOT_FOUND, agency=agency_id)
    return found[0]


async def find_services(session: AsyncSession, wanted: ServiceFilter, part: Slice) -> Some[Document]:
    """Find HSDS services by family, area and agency, each with its organization and its places."""
    found = await finding.services(session, wanted, offset=part.offset, limit=part.per_page)
    return Some(found, await finding.count_services(session, wanted))


async def find_service(session: AsyncSession, service_id: str) -> Document:
    """Find one HSDS service; refuses with `not_found`."""
    found = await finding.services(session, ServiceFilter(service_id=service_id), offset=0, limit=1)
    if not found:
        raise Refusal(RefusalCode.NOT_FOUND, service=service_id)
    return found[0]


async def find_areas(session: AsyncSession) -> list[tuple[NamedArea, str | None]]:
    """Find every area with the agency that is its standing desk, in the order of the description."""
    areas = await finding.areas(session)
    desks: dict[Area, str] = await membership.desks(session, [area.code for area in areas])
    return [(area, desks.get(area.code)) for area in areas]


async def find_coordinator(
    session: AsyncSession, coordinator_id: str, at: datetime
) -> tuple[StaffName, list[Appointment]]:
    """Find a coordinator's name and what they may act under at `at`; refuses with `not_found`."""
    name = await finding.coordinator(session, coordinator_id)
    if name is None:
        raise Refusal(RefusalCode.NOT_FOUND, coordinator=coordinator_id)
    return name, await membership.appointments_of(session, coordinator_id, at)
