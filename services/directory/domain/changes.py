"""What a description changes in what is registered; the past can be added to and never rewritten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from services.directory.domain.network import Appointment, Collection, Mandate, Network
from services.directory.domain.problems import NetworkFilesError, Problem
from tsunagu_contracts.events.directory import AgencyRegistered

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Registered:
    """What has been said in events so far, by id."""

    agencies: Mapping[str, AgencyRegistered]
    appointments: Mapping[str, Appointment]
    mandates: Mapping[str, Mandate]


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be said: in this order, agencies before the appointments that need them."""

    registrations: tuple[AgencyRegistered, ...]
    grants: tuple[Appointment, ...]
    ends: tuple[Appointment, ...]
    mandates: tuple[Mandate, ...]


def facts_of(network: Network) -> dict[str, AgencyRegistered]:
    """Return what may be said of each agency, by its id; the same agency always gives the same facts."""
    return {
        agency.agency_id: AgencyRegistered(
            agency_id=agency.agency_id,
            kind=agency.kind,
            areas=tuple(sorted(agency.areas)),
            desk_for=tuple(sorted(agency.desk_for)),
            service_families=tuple(sorted(network.families_of(agency.organization_id))),
            signing_key=network.keys[agency.agency_id].signing.jwk(),
            encryption_key=network.keys[agency.agency_id].encryption.jwk(),
        )
        for agency in network.agencies
    }


def changes(registered: Registered, network: Network) -> Changes:
    """Compare a consistent description with what is registered.

    Raises `NetworkFilesError` when it drops an agency, appointment or mandate, changes an agency's keys,
    or alters an appointment or mandate otherwise than by ending the appointment.
    """
    facts = facts_of(network)
    appointments = {appointment.appointment_id: appointment for appointment in network.appointments}
    mandates = {mandate.mandate_id: mandate for mandate in network.mandates}
    problems = [
        *_dropped(Collection.ORGANIZATIONS, registered.agencies, facts),
        *_dropped(Collection.APPOINTMENTS, registered.appointments, appointments),
        *_dropped(Collection.MANDATES, registered.mandates, mandates),
        *_other_keys(registered.agencies, facts),
        *_rewritten_appointments(registered.appointments, appointments),
        *_rewritten_mandates(registered.mandates, mandates),
    ]
    if problems:
        raise NetworkFilesError(problems)
    return Changes(
        registrations=tuple(said for agency_id, said in facts.items() if registered.agencies.get(agency_id) != said),
        grants=tuple(each for key, each in appointments.items() if key not in registered.appointments),
        ends=tuple(
            each
            for key, each in appointments.items()
            if each.ended_at is not None
            and (key not in registered.appointments or registered.appointments[key].ended_at is None)
        ),
        mandates=tuple(each for key, each in mandates.items() if key not in registered.mandates),
    )


def _dropped(
    collection: Collection, registered: Mapping[str, object], given: Mapping[str, object]
) -> Iterator[Problem]:
    for entry in registered:
        if entry not in given:
            yield Problem(collection, entry, "it is registered and stands in no file any more")


def _other_keys(registered: Mapping[str, AgencyRegistered], given: Mapping[str, AgencyRegistered]) -> Iterator[Problem]:
    for entry, before, after in _in_both(registered, given):
        if (before.signing_key, before.encryption_key) != (after.signing_key, after.encryption_key):
            what = "its public keys are not the registered ones; keys are not changed by file"
            yield Problem(Collection.AGENCY_KEYS, entry, what)


def _rewritten_appointments(
    registered: Mapping[str, Appointment], given: Mapping[str, Appointment]
) -> Iterator[Problem]:
    for entry, before, after in _in_both(registered, given):
        if replace(after, ended_at=None) != replace(before, ended_at=None):
            what = "it differs from the one registered; end it with ended_at and add another"
            yield Problem(Collection.APPOINTMENTS, entry, what)
        elif before.ended_at is not None and after.ended_at != before.ended_at:
            yield Problem(Collection.APPOINTMENTS, entry, "it has ended; its ended_at cannot change any more")


def _rewritten_mandates(registered: Mapping[str, Mandate], given: Mapping[str, Mandate]) -> Iterator[Problem]:
    for entry, before, after in _in_both(registered, given):
        if before != after:
            what = "it differs from the one registered; add another mandate instead"
            yield Problem(Collection.MANDATES, entry, what)


def _in_both(registered: Mapping[str, _T], given: Mapping[str, _T]) -> Iterator[tuple[str, _T, _T]]:
    return ((entry, registered[entry], given[entry]) for entry in given if entry in registered)
