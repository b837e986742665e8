"""What `directory` says: agencies, appointments and mandates, by ids and never by names of staff."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from tsunagu_contracts.actors import ActorString
from tsunagu_contracts.codes import AgencyKind, Area, Field, Role, ServiceFamily
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.keys import KeyUse, PublicKey
from tsunagu_contracts.types import AgencyId, Id, Instant, Jwk


def _a_key_for(use: KeyUse) -> AfterValidator:
    """Readers keep keys as they come and import them with every message of the agency: no other thing may pass."""

    def check(jwk: Jwk) -> Jwk:
        try:
            key = PublicKey.from_jwk(jwk)
        except Refusal:
            raise ValueError("no public key") from None
        if key.use is not use:
            raise ValueError("a key for something else")
        return jwk

    return AfterValidator(check)


class AgencyRegistered(EventData):
    """An agency belongs to the network, with its public keys and the areas whose standing desk it is."""

    TYPE: ClassVar[str] = "agency.registered.v1"

    agency_id: AgencyId
    kind: AgencyKind
    areas: tuple[Area, ...]
    desk_for: tuple[Area, ...]
    service_families: tuple[ServiceFamily, ...]
    signing_key: Annotated[Jwk, _a_key_for(KeyUse.SIGNING)]
    encryption_key: Annotated[Jwk, _a_key_for(KeyUse.ENCRYPTION)]


class AppointmentGranted(EventData):
    """A coordinator may act for an agency, from `valid_from` until before `valid_until`."""

    TYPE: ClassVar[str] = "appointment.granted.v1"

    appointment_id: Id
    coordinator_id: Id
    agency_id: AgencyId
    role: Role
    field: Field
    areas: tuple[Area, ...]
    valid_from: Instant
    valid_until: Instant | None
    granted_by: ActorString


class AppointmentEnded(EventData):
    """An appointment ends at `ended_at`, earlier than it was granted for."""

    TYPE: ClassVar[str] = "appointment.ended.v1"

    appointment_id: Id
    coordinator_id: Id
    agency_id: AgencyId
    ended_at: Instant


class MandateGranted(EventData):
    """An auditor may ask about these agencies and areas in this period, for a coded reason."""

    TYPE: ClassVar[str] = "mandate.granted.v1"

    mandate_id: Id
    auditor_id: Id
    agencies: tuple[AgencyId, ...]
    areas: tuple[Area, ...]
    valid_from: Instant
    valid_until: Instant
    reason: Id
    granted_by: ActorString
