"""HTTP of `directory`: agencies, services and areas in HSDS shape, names of staff, the keys that all trust."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.directory.domain.network import Document, NamedArea, StaffName
from services.directory.storage.finding import AgencyFilter, FoundAgency, ServiceFilter
from services.directory.use_cases import finding
from services.directory.use_cases.finding import Slice, Some
from services.eventing.database import Database
from services.membership import Appointment
from services.runtime.errors import PROBLEM_JSON
from services.runtime.identity import Caller, caller
from tsunagu_contracts.codes import AgencyKind, Area, Field, Role, ServiceFamily
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.ports import Clock
from tsunagu_contracts.types import AgencyId, Id


class Page(BaseModel):
    """A page of HSDS objects (https://docs.openreferral.org/en/v3.1.1/hsds/api_reference.html)."""

    total_items: int
    total_pages: int
    page_number: int
    size: int
    first_page: bool
    last_page: bool
    empty: bool
    contents: list[dict[str, object]]

    @classmethod
    def of(cls, contents: Sequence[Document], total: int, part: Slice) -> Self:
        """Say which part of the whole this is; without contents there is one page, and it is empty."""
        pages = max(1, -(-total // part.per_page))
        return cls(
            total_items=total,
            total_pages=pages,
            page_number=part.page,
            size=len(contents),
            first_page=part.page == 1,
            last_page=part.page >= pages,
            empty=not contents,
            contents=[dict(each) for each in contents],
        )


class AreaView(BaseModel):
    """An area close to people's homes, its ward, and the agency that is its standing desk."""

    code: Area
    ward: Mapping[str, str]
    name: Mapping[str, str]
    desk: AgencyId | None

    @classmethod
    def of(cls, area: NamedArea, desk: str | None) -> Self:
        """Show an area."""
        return cls(code=area.code, ward=area.ward, name=area.name, desk=desk)


class AppointmentView(BaseModel):
    """What a coordinator may act under now."""

    appointment_id: Id
    agency_id: AgencyId
    role: Role
    field: Field
    areas: list[Area]
    valid_from: datetime
    valid_until: datetime | None

    @classmethod
    def of(cls, appointment: Appointment) -> Self:
        """Show an appointment."""
        return cls(
            appointment_id=appointment.appointment_id,
            agency_id=appointment.agency_id,
            role=appointment.role,
            field=appointment.field,
            areas=sorted(appointment.areas),
            valid_from=appointment.valid_from,
            valid_until=appointment.ends,
        )


class CoordinatorView(BaseModel):
    """A coordinator's name, and their appointments that hold now."""

    coordinator_id: Id
    name: str
    kana: str
    romanised: str
    languages: list[str]
    appointments: list[AppointmentView]

    @classmethod
    def of(cls, staff: StaffName, held: Sequence[Appointment]) -> Self:
        """Show a coordinator."""
        return cls(
            coordinator_id=staff.id,
            name=staff.name,
            kana=staff.kana,
            romanised=staff.romanised,
            languages=list(staff.languages),
            appointments=[AppointmentView.of(appointment) for appointment in held],
        )


class TrustView(BaseModel):
    """The public keys that everyone trusts: `handles` certifies handles, to `person_ref` references are sealed."""

    handles: PublicKey
    person_ref: PublicKey


def _part(
    page: Annotated[int, Query(ge=1, le=100_000)] = 1, per_page: Annotated[int, Query(ge=1, le=200)] = 50
) -> Slice:
    return Slice(page, per_page)


Part = Annotated[Slice, Depends(_part)]


def router(database: Database, clock: Clock, trust: TrustView) -> APIRouter:
    """Return the routes; all of them read, and every member of the network may."""

    async def member(calling: Annotated[Caller, Depends(caller)]) -> AsyncIterator[AsyncSession]:
        async with database.reading() as session:
            await finding.require_member(session, calling, clock.now())
            yield session

    # The session may be given back before the answer is written: nothing in it is read lazily.
    reading = Depends(member, scope="function")
    routes = APIRouter(
        tags=["directory"],
        responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}},
    )

    @routes.get("/agencies")
    async def get_agencies(
        part: Part,
        kind: AgencyKind | None = None,
        area: Area | None = None,
        desk_for: Area | None = None,
        session: AsyncSession = reading,
    ) -> Page:
        """List agencies as HSDS organizations with their locations; `tsunagu` holds what the network adds."""
        found: Some[FoundAgency] = await finding.find_agencies(
            session, AgencyFilter(kind=kind, area=area, desk_for=desk_for), part
        )
        return Page.of([_organization(agency) for agency in found.contents], found.total, part)

    @routes.get("/agencies/{agency_id}")
    async def get_agency(agency_id: AgencyId, session: AsyncSession = reading) -> dict[str, object]:
        """Show one agency, as in the list."""
        return _organization(await finding.find_agency(session, agency_id))

    @routes.get("/services")
    async def get_services(
        part: Part,
        family: ServiceFamily | None = None,
        area: Area | None = None,
        agency: AgencyId | None = None,
        session: AsyncSession = reading,
    ) -> Page:
        """List services as HSDS services, each with its organization and where it is offered."""
        found = await finding.find_services(session, ServiceFilter(agency_id=agency, family=family, area=area), part)
        return Page.of(found.contents, found.total, part)

    @routes.get("/services/{service_id}")
    async def get_service(service_id: Id, session: AsyncSession = reading) -> dict[str, object]:
        """Show one service, as in the list."""
        return dict(await finding.find_service(session, service_id))

    @routes.get("/areas")
    async def get_areas(session: AsyncSession = reading) -> list[AreaView]:
        """List the areas with their standing desks."""
        return [AreaView.of(area, desk) for area, desk in await finding.find_areas(session)]

    @routes.get("/coordinators/{coordinator_id}")
    async def get_coordinator(coordinator_id: Id, session: AsyncSession = reading) -> CoordinatorView:
        """Tell the name of a coordinator, and what they may act under now."""
        return CoordinatorView.of(*await finding.find_coordinator(session, coordinator_id, clock.now()))

    @routes.get("/trust", dependencies=[reading])
    async def get_trust() -> TrustView:
        """Show the public keys that everyone trusts."""
        return trust

    return routes


def _organization(agency: FoundAgency) -> dict[str, object]:
    return {**agency.organization, "tsunagu": agency.facts.model_dump(mode="json")}
