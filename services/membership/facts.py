"""What is known of members, and the pure checks on it; a span of time includes its start and not its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tsunagu_contracts.codes import AgencyKind, Area, Field, RefusalCode, Role, ServiceFamily
from tsunagu_contracts.keys import PublicKey


class AgencyKeys(NamedTuple):
    """An agency's registered public keys: with one it signs, to the other others write."""

    signing: PublicKey
    encryption: PublicKey


@dataclass(frozen=True, slots=True)
class Agency:
    """A member of the network."""

    agency_id: str
    kind: AgencyKind
    areas: frozenset[Area]
    desk_for: frozenset[Area]
    service_families: frozenset[ServiceFamily]
    keys: AgencyKeys


@dataclass(frozen=True, slots=True)
class Appointment:
    """That a coordinator may act for an agency, in a role, from `valid_from` until before `ends`."""

    appointment_id: str
    coordinator_id: str
    agency_id: str
    role: Role
    field: Field
    areas: frozenset[Area]
    valid_from: datetime
    valid_until: datetime | None
    ended_at: datetime | None = None

    @property
    def ends(self) -> datetime | None:
        """The first moment at which it no longer holds; None when it is open-ended."""
        given = [moment for moment in (self.valid_until, self.ended_at) if moment is not None]
        return min(given, default=None)

    def holds(self, at: datetime) -> bool:
        """Tell whether the coordinator may act under it at this moment."""
        ends = self.ends
        return self.valid_from <= at and (ends is None or at < ends)


@dataclass(frozen=True, slots=True)
class Mandate:
    """That an auditor may ask about these agencies and areas, from `valid_from` to before `valid_until`."""

    mandate_id: str
    auditor_id: str
    agencies: frozenset[str]
    areas: frozenset[Area]
    valid_from: datetime
    valid_until: datetime
    reason: str

    def holds(self, at: datetime) -> bool:
        """Tell whether the auditor may ask under it at this moment."""
        return self.valid_from <= at < self.valid_until


def appointment_refusal(
    appointment: Appointment | None, coordinator_id: str, agency_id: str, at: datetime
) -> RefusalCode | None:
    """Say why this coordinator may not act for this agency under this appointment at `at`; None if they may.

    `appointment_unknown`, `appointment_of_another` (coordinator or agency) or `appointment_not_valid` (time).
    """
    if appointment is None:
        return RefusalCode.APPOINTMENT_UNKNOWN
    if (appointment.coordinator_id, appointment.agency_id) != (coordinator_id, agency_id):
        return RefusalCode.APPOINTMENT_OF_ANOTHER
    if not appointment.holds(at):
        return RefusalCode.APPOINTMENT_NOT_VALID
    return None
