"""All members at one moment, in memory: a batch asks about many, and they change seldom."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from services.eventing.statements import Statement
from services.eventing.work import Work
from services.membership.facts import Agency, AgencyKeys, Appointment
from services.membership.lookups import APPOINTMENT_COLUMNS, agency_of, appointment_of, key_of
from tsunagu_contracts.codes import Area
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.directory import AgencyRegistered, AppointmentEnded, AppointmentGranted

_REVISION = Statement("SELECT revision FROM member_revision")
# Locked, so that who changes members and then looks for what others did meanwhile finds it.
_UNCHANGED = Statement("SELECT FROM member_revision WHERE revision = CAST(:revision AS bigint) FOR SHARE")
_AGENCIES = Statement("""
    SELECT agency_id, kind, areas, desk_for, service_families, CAST(signing_jwk AS text), CAST(encryption_jwk AS text)
    FROM member_agencies
""")
_APPOINTMENTS = Statement(f"SELECT {', '.join(APPOINTMENT_COLUMNS)} FROM member_appointments")  # noqa: S608 - our own


@dataclass(frozen=True)
class Members:
    """Every agency and every appointment ever granted, by id."""

    agencies: Mapping[str, Agency]
    appointments: Mapping[str, Appointment]

    @cached_property
    def desks(self) -> Mapping[Area, str]:
        """The agency that is the standing desk of each area; areas without one are absent."""
        found: dict[Area, str] = {}
        for agency_id in sorted(self.agencies):
            for area in self.agencies[agency_id].desk_for:
                found.setdefault(area, agency_id)
        return found

    @cached_property
    def _appointments_by_agency(self) -> Mapping[str, Sequence[Appointment]]:
        found: dict[str, list[Appointment]] = defaultdict(list)
        for appointment in self.appointments.values():
            found[appointment.agency_id].append(appointment)
        return found

    def keys_of(self, agency_id: str) -> AgencyKeys | None:
        """The registered public keys of an agency; None when it is unknown."""
        found = self.agencies.get(agency_id)
        return found.keys if found is not None else None

    def appointments_at(self, agency_id: str) -> Sequence[Appointment]:
        """Every appointment at an agency, ended ones too."""
        return self._appointments_by_agency.get(agency_id, ())

    def after(self, events: Iterable[Event]) -> "Members":
        """The members after these events of the directory; others are passed over."""
        agencies: dict[str, Agency] = {}
        appointments: dict[str, Appointment] = {}
        for event in events:
            match event.data:
                case AgencyRegistered() as data:
                    agencies[data.agency_id] = Agency(
                        data.agency_id,
                        data.kind,
                        frozenset(data.areas),
                        frozenset(data.desk_for),
                        frozenset(data.service_families),
                        AgencyKeys(key_of(data.signing_key), key_of(data.encryption_key)),
                    )
                case AppointmentGranted() as data if data.appointment_id not in self.appointments:
                    appointments.setdefault(
                        data.appointment_id,
                        Appointment(
                            data.appointment_id,
                            data.coordinator_id,
                            data.agency_id,
                            data.role,
                            data.field,
                            frozenset(data.areas),
                            data.valid_from,
                            data.valid_until,
                        ),
                    )
                case AppointmentEnded() as data:
                    held = appointments.get(data.appointment_id) or self.appointments.get(data.appointment_id)
                    if held is not None:
                        appointments[data.appointment_id] = replace(held, ended_at=data.ended_at)
                case _:
                    pass
        if not (agencies or appointments):
            return self
        return Members({**self.agencies, **agencies}, {**self.appointments, **appointments})


class MemberCache:
    """The members as last read, with the revision by which a change is noticed."""

    def __init__(self) -> None:
        self._revision = -1
        self._members = Members({}, {})

    async def members(self, work: Work) -> Members:
        """The members as they are.

        In a transaction the revision is asked for. A batch believes what was read last and has it checked when it
        is saved: after a change it fails once and is then done in a transaction.
        """
        if self._revision < 0 or work.locks:
            revision: int = (await work.fetch(_REVISION, {}))[0][0]
            if revision != self._revision:
                self._members = await _read(work)
                self._revision = revision
        if not work.locks:
            work.later(_UNCHANGED, {"revision": self._revision}, touches=1)
        return self._members


async def _read(work: Work) -> Members:
    agencies: dict[str, Agency] = {}
    for *columns, signing, encryption in await work.fetch(_AGENCIES, {}):
        found = agency_of((*columns, json.loads(signing), json.loads(encryption)))
        agencies[found.agency_id] = found
    appointments = [appointment_of(row) for row in await work.fetch(_APPOINTMENTS, {})]
    return Members(agencies, {each.appointment_id: each for each in appointments})
