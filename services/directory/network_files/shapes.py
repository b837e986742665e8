"""The shapes that a network's files must have; what else an HSDS object holds is kept and not looked at.

HSDS has no column for an agency's id, its kind, its areas or a service's family, so these are said with
its own means: an identifier of the scheme `tsunagu`, attributes with terms of our taxonomies, and areas as
URIs (https://docs.openreferral.org/en/v3.1.1/hsds/).
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter

from tsunagu_contracts import codes
from tsunagu_contracts.actors import ActorString
from tsunagu_contracts.codes import Area, Role
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant

AREA_URI = "urn:tsunagu:area:"
SCHEME = "tsunagu"
KIND, AREA, DESK, FAMILY = (
    "tsunagu-agency-kind",
    "tsunagu-area",
    "tsunagu-standing-desk",
    "tsunagu-service-family",
)


def _canonical(text: str) -> str:
    try:
        canonical = str(UUID(text))
    except ValueError:
        raise ValueError("is no UUID") from None
    if canonical != text:
        raise ValueError("is a UUID in another spelling than lower case with hyphens")
    return text


HsdsId = Annotated[str, AfterValidator(_canonical)]
"""HSDS ids are UUIDs."""

AGENCY_ID: TypeAdapter[str] = TypeAdapter(AgencyId)
"""Checks an agency's id."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Names(Frozen):
    """A name as it is written in Japanese, as it is read, and in Latin letters."""

    ja: Text
    kana: Text | None = None
    en: Text


class Term(Frozen):
    """A term of a taxonomy."""

    taxonomy: Text | None = None
    code: Text | None = None


class Attribute(Frozen):
    """An attribute that classifies what it is linked to."""

    taxonomy_term: Term | None = None


class Identifier(Frozen):
    """One of an organization's identifiers."""

    identifier_scheme: Text | None = None
    identifier: Text


class HsdsOrganization(Frozen):
    """An HSDS organization, as far as it is looked at."""

    id: HsdsId
    name: Text
    description: Text
    organization_identifiers: tuple[Identifier, ...]
    attributes: tuple[Attribute, ...]


class ServiceArea(Frozen):
    """Where a service is offered."""

    uri: Text | None = None


class HsdsService(Frozen):
    """An HSDS service, as far as it is looked at."""

    id: HsdsId
    organization_id: HsdsId
    name: Text
    status: Literal["active", "inactive", "defunct", "temporarily closed"]
    service_areas: tuple[ServiceArea, ...]
    attributes: tuple[Attribute, ...]


class HsdsLocation(Frozen):
    """An HSDS location, as far as it is looked at."""

    id: HsdsId
    organization_id: HsdsId
    location_type: Literal["physical", "postal", "virtual"]


class HsdsServiceAtLocation(Frozen):
    """An HSDS service_at_location, as far as it is looked at."""

    id: HsdsId
    service_id: HsdsId
    location_id: HsdsId


class AreaShape(Frozen):
    """An entry of areas.json."""

    code: Area
    ward: Names
    name: Names


class CoordinatorShape(Frozen):
    """An entry of coordinators.json."""

    coordinator_id: Id
    name: Text
    kana: Text
    romanised: Text
    languages: tuple[Text, ...] = ()


class AppointmentShape(Frozen):
    """An entry of appointments.json."""

    appointment_id: Id
    coordinator_id: Id
    agency_id: AgencyId
    role: Role
    # The enumeration is named as pydantic's own Field is.
    field: codes.Field
    areas: tuple[Area, ...]
    valid_from: Instant
    valid_until: Instant | None = None
    ended_at: Instant | None = None
    granted_by: ActorString


class AuditorShape(Frozen):
    """An entry of auditors.json."""

    auditor_id: Id
    name: Text
    kana: Text
    romanised: Text


class MandateShape(Frozen):
    """An entry of mandates.json."""

    mandate_id: Id
    auditor_id: Id
    agencies: Annotated[tuple[AgencyId, ...], Field(min_length=1)]
    areas: tuple[Area, ...]
    valid_from: Instant
    valid_until: Instant
    reason: Id
    granted_by: ActorString
