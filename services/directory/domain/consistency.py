"""Whether a network's description holds together: each id once, each reference met, each period a period."""

from collections import Counter
from collections.abc import Collection as Some
from collections.abc import Iterable, Iterator
from datetime import datetime

from services.directory.domain.network import Collection, Network
from services.directory.domain.problems import Problem
from tsunagu_contracts.codes import Area


def problems_of(network: Network) -> list[Problem]:
    """List everything that is wrong with a description, in the order of its collections."""
    return [
        *_repeated(network),
        *_areas(network),
        *_agencies(network),
        *_resources(network),
        *_appointments(network),
        *_mandates(network),
    ]


def _repeated(network: Network) -> Iterator[Problem]:
    ids: dict[Collection, Iterable[str]] = {
        Collection.AREAS: (area.code for area in network.areas),
        Collection.SERVICES: (service.service_id for service in network.services),
        Collection.LOCATIONS: (location.location_id for location in network.locations),
        Collection.SERVICE_AT_LOCATION: (link.id for link in network.services_at_locations),
        Collection.COORDINATORS: (coordinator.id for coordinator in network.coordinators),
        Collection.APPOINTMENTS: (appointment.appointment_id for appointment in network.appointments),
        Collection.AUDITORS: (auditor.id for auditor in network.auditors),
        Collection.MANDATES: (mandate.mandate_id for mandate in network.mandates),
    }
    for collection, given in ids.items():
        yield from _more_than_once(collection, given, "this id stands more than once")
    organizations = [(agency.agency_id, agency.organization_id) for agency in network.agencies]
    for place, what in ((0, "this agency id stands more than once"), (1, "this id stands more than once")):
        yield from _more_than_once(Collection.ORGANIZATIONS, (both[place] for both in organizations), what)


def _more_than_once(collection: Collection, given: Iterable[str], what: str) -> Iterator[Problem]:
    for entry, times in Counter(given).items():
        if times > 1:
            yield Problem(collection, entry, what)


def _areas(network: Network) -> Iterator[Problem]:
    desks = Counter(area for agency in network.agencies for area in agency.desk_for)
    for area in network.areas:
        if desks[area.code] != 1:
            what = f"it has {desks[area.code]} standing desks and needs exactly one"
            yield Problem(Collection.AREAS, area.code, what)


def _agencies(network: Network) -> Iterator[Problem]:
    known = {area.code for area in network.areas}
    for agency in network.agencies:
        entry = agency.agency_id
        yield from _unknown_areas(Collection.ORGANIZATIONS, entry, agency.areas, known)
        if not agency.desk_for <= agency.areas:
            what = "it is the standing desk of an area that is not among its areas"
            yield Problem(Collection.ORGANIZATIONS, entry, what)
        if entry not in network.keys:
            yield Problem(Collection.AGENCY_KEYS, entry, "the agency has no public keys")


def _resources(network: Network) -> Iterator[Problem]:
    known = {area.code for area in network.areas}
    organizations = {agency.organization_id for agency in network.agencies}
    for service in network.services:
        if service.organization_id not in organizations:
            yield Problem(Collection.SERVICES, service.service_id, "its organization_id is in no file")
        if not service.families:
            yield Problem(Collection.SERVICES, service.service_id, "it belongs to no service family")
        yield from _unknown_areas(Collection.SERVICES, service.service_id, service.areas, known)
    for location in network.locations:
        if location.organization_id not in organizations:
            yield Problem(Collection.LOCATIONS, location.location_id, "its organization_id is in no file")
    services = {service.service_id for service in network.services}
    locations = {location.location_id for location in network.locations}
    for link in network.services_at_locations:
        if link.service_id not in services:
            yield Problem(Collection.SERVICE_AT_LOCATION, link.id, "its service_id is in no file")
        if link.location_id not in locations:
            yield Problem(Collection.SERVICE_AT_LOCATION, link.id, "its location_id is in no file")


def _appointments(network: Network) -> Iterator[Problem]:
    known = {area.code for area in network.areas}
    agencies = {agency.agency_id for agency in network.agencies}
    coordinators = {coordinator.id for coordinator in network.coordinators}
    for appointment in network.appointments:
        entry = appointment.appointment_id
        if appointment.agency_id not in agencies:
            what = f"there is no agency {appointment.agency_id!r}"
            yield Problem(Collection.APPOINTMENTS, entry, what)
        if appointment.coordinator_id not in coordinators:
            what = f"there is no coordinator {appointment.coordinator_id!r}"
            yield Problem(Collection.APPOINTMENTS, entry, what)
        yield from _unknown_areas(Collection.APPOINTMENTS, entry, appointment.areas, known)
        yield from _no_period(Collection.APPOINTMENTS, entry, appointment.valid_from, appointment.valid_until)
        if appointment.ended_at is not None and appointment.ended_at < appointment.valid_from:
            yield Problem(Collection.APPOINTMENTS, entry, "ended_at lies before valid_from")


def _mandates(network: Network) -> Iterator[Problem]:
    known = {area.code for area in network.areas}
    agencies = {agency.agency_id for agency in network.agencies}
    auditors = {auditor.id for auditor in network.auditors}
    for mandate in network.mandates:
        entry = mandate.mandate_id
        if mandate.auditor_id not in auditors:
            yield Problem(Collection.MANDATES, entry, f"there is no auditor {mandate.auditor_id!r}")
        for agency_id in sorted(mandate.agencies - agencies):
            yield Problem(Collection.MANDATES, entry, f"there is no agency {agency_id!r}")
        yield from _unknown_areas(Collection.MANDATES, entry, mandate.areas, known)
        yield from _no_period(Collection.MANDATES, entry, mandate.valid_from, mandate.valid_until)


def _unknown_areas(collection: Collection, entry: str, areas: Some[Area], known: Some[Area]) -> Iterator[Problem]:
    if not areas:
        yield Problem(collection, entry, "it names no area")
    for area in sorted(set(areas) - set(known)):
        yield Problem(collection, entry, f"there is no area {area.value!r}")


def _no_period(collection: Collection, entry: str, start: datetime, end: datetime | None) -> Iterator[Problem]:
    if end is not None and end <= start:
        yield Problem(collection, entry, "valid_until does not lie after valid_from")
