"""Who belongs to the network and who may act: what each consumer keeps of the directory's events.

Every service that checks an actor has these tables in its own database (`create_tables` in a migration),
hands the directory's events to `apply`, and asks the lookups inside its own transactions.
"""

from services.membership.facts import (
    Agency,
    AgencyKeys,
    Appointment,
    Mandate,
    appointment_refusal,
)
from services.membership.lookups import (
    APPOINTMENT_COLUMNS,
    agencies,
    agencies_offering,
    agency,
    agency_keys,
    appointment,
    appointment_of,
    appointments,
    appointments_at,
    appointments_of,
    appointments_of_all,
    desk_for,
    desks,
    key_of,
    mandate,
    mandates_of,
    on_duty,
    on_duty_at,
)
from services.membership.members import MemberCache, Members
from services.membership.projection import apply
from services.membership.signing import signing_keys_in
from services.membership.tables import create_tables, metadata

__all__ = [
    "APPOINTMENT_COLUMNS",
    "Agency",
    "AgencyKeys",
    "Appointment",
    "Mandate",
    "MemberCache",
    "Members",
    "agencies",
    "agencies_offering",
    "agency",
    "agency_keys",
    "apply",
    "appointment",
    "appointment_of",
    "appointment_refusal",
    "appointments",
    "appointments_at",
    "appointments_of",
    "appointments_of_all",
    "create_tables",
    "desk_for",
    "desks",
    "key_of",
    "mandate",
    "mandates_of",
    "metadata",
    "on_duty",
    "on_duty_at",
    "signing_keys_in",
]
