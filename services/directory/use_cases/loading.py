"""Load a description of the network: replace what is kept, and say what changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from services import membership
from services.directory.domain.changes import Changes, changes
from services.directory.domain.network import Appointment, Mandate, Network
from services.directory.storage import registered
from services.eventing.work import Emission, Work
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.events.directory import (
    AgencyRegistered,
    AppointmentEnded,
    AppointmentGranted,
    MandateGranted,
)

_DIRECTORY = Actor.system("directory")


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much of each kind was new."""

    agencies: int
    appointments_granted: int
    appointments_ended: int
    mandates: int


async def load_network(work: Work, network: Network) -> Loaded:
    """Make a description, already found consistent, the registered one; loading it again says nothing.

    Raises `NetworkFilesError` when it rewrites the past; the caller's transaction then keeps nothing.
    """
    await registered.lock(work.session)
    found = changes(await registered.registered(work.session), network)
    await registered.replace_with(work.session, network)
    events = await work.emit(*_emissions(found))
    # Our own answers to "who may call" rest on the same projection as everybody's.
    membership.apply(work, events)
    return Loaded(len(found.registrations), len(found.grants), len(found.ends), len(found.mandates))


def _emissions(found: Changes) -> Iterator[Emission]:
    yield from (_registration(facts) for facts in found.registrations)
    yield from (_grant(appointment) for appointment in found.grants)
    yield from (_end(appointment) for appointment in found.ends)
    yield from (_mandate(mandate) for mandate in found.mandates)


def _registration(facts: AgencyRegistered) -> Emission:
    return Emission(f"agency:{facts.agency_id}", facts, _DIRECTORY)


def _grant(appointment: Appointment) -> Emission:
    data = AppointmentGranted(
        appointment_id=appointment.appointment_id,
        coordinator_id=appointment.coordinator_id,
        agency_id=appointment.agency_id,
        role=appointment.role,
        field=appointment.field,
        areas=tuple(sorted(appointment.areas)),
        valid_from=appointment.valid_from,
        valid_until=appointment.valid_until,
        granted_by=str(appointment.granted_by),
    )
    return Emission(
        f"appointment:{appointment.appointment_id}",
        data,
        appointment.granted_by,
        # Whoever knows the appointment knows the agency.
        cause=Cause(f"agency:{appointment.agency_id}", 1),
    )


def _end(appointment: Appointment) -> Emission:
    if appointment.ended_at is None:
        raise ValueError("an appointment that has not ended")
    data = AppointmentEnded(
        appointment_id=appointment.appointment_id,
        coordinator_id=appointment.coordinator_id,
        agency_id=appointment.agency_id,
        ended_at=appointment.ended_at,
    )
    return Emission(f"appointment:{appointment.appointment_id}", data, _DIRECTORY)


def _mandate(mandate: Mandate) -> Emission:
    data = MandateGranted(
        mandate_id=mandate.mandate_id,
        auditor_id=mandate.auditor_id,
        agencies=tuple(sorted(mandate.agencies)),
        areas=tuple(sorted(mandate.areas)),
        valid_from=mandate.valid_from,
        valid_until=mandate.valid_until,
        reason=mandate.reason,
        granted_by=str(mandate.granted_by),
    )
    return Emission(f"mandate:{mandate.mandate_id}", data, mandate.granted_by)
