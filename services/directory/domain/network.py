"""The network as its files describe it: values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import AgencyKind, Area, Field, Role, ServiceFamily
from tsunagu_contracts.keys import PublicKey

Document = Mapping[str, object]
"""One HSDS 3 object, kept as it was given (https://docs.openreferral.org/en/v3.1.1/hsds/)."""


class Collection(StrEnum):
    """The kinds of entries of a network's description; each stands in files of that name."""

    AREAS = "areas"
    ORGANIZATIONS = "organizations"
    SERVICES = "services"
    LOCATIONS = "locations"
    SERVICE_AT_LOCATION = "service_at_location"
    COORDINATORS = "coordinators"
    APPOINTMENTS = "appointments"
    AUDITORS = "auditors"
    MANDATES = "mandates"
    AGENCY_KEYS = "agency_keys"


@dataclass(frozen=True, slots=True)
class NamedArea:
    """An area close to people's homes, with its names and its ward's."""

    code: Area
    ward: Mapping[str, str]
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AgencyKeyPair:
    """The two public keys that an agency is registered with."""

    signing: PublicKey
    encryption: PublicKey


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency: what everyone may know of it, and its HSDS organization."""

    agency_id: str
    organization_id: str
    kind: AgencyKind
    areas: frozenset[Area]
    desk_for: frozenset[Area]
    organization: Document


@dataclass(frozen=True, slots=True)
class Service:
    """A service of an agency: its families and areas, and its HSDS service."""

    service_id: str
    organization_id: str
    families: frozenset[ServiceFamily]
    areas: frozenset[Area]
    document: Document


@dataclass(frozen=True, slots=True)
class Location:
    """A place of an agency, and its HSDS location."""

    location_id: str
    organization_id: str
    document: Document


@dataclass(frozen=True, slots=True)
class ServiceAtLocation:
    """That a service is offered at a place, and its HSDS service_at_location."""

    id: str
    service_id: str
    location_id: str
    document: Document


@dataclass(frozen=True, slots=True)
class StaffName:
    """The name of a coordinator or auditor; it is told on request and never leaves in an event."""

    id: str
    name: str
    kana: str
    romanised: str
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Appointment:
    """That a coordinator may act for an agency; `ended_at` cuts it short."""

    appointment_id: str
    coordinator_id: str
    agency_id: str
    role: Role
    field: Field
    areas: frozenset[Area]
    valid_from: datetime
    valid_until: datetime | None
    granted_by: Actor
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """That an auditor may ask about agencies and areas in a period, for a coded reason."""

    mandate_id: str
    auditor_id: str
    agencies: frozenset[str]
    areas: frozenset[Area]
    valid_from: datetime
    valid_until: datetime
    reason: str
    granted_by: Actor


@dataclass(frozen=True, slots=True)
class Network:
    """Everything that the files say, in their order."""

    areas: tuple[NamedArea, ...]
    agencies: tuple[Agency, ...]
    services: tuple[Service, ...]
    locations: tuple[Location, ...]
    services_at_locations: tuple[ServiceAtLocation, ...]
    coordinators: tuple[StaffName, ...]
    appointments: tuple[Appointment, ...]
    auditors: tuple[StaffName, ...]
    mandates: tuple[Mandate, ...]
    keys: Mapping[str, AgencyKeyPair]

    def families_of(self, organization_id: str) -> frozenset[ServiceFamily]:
        """Return the families of all services that an organization offers."""
        return frozenset(
            family
            for service in self.services
            if service.organization_id == organization_id
            for family in service.families
        )
