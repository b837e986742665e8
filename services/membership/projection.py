"""Applies the directory's events to the tables: one statement per kind of event, however many there are."""

import json
from collections.abc import Iterable, Mapping

from services.eventing.statements import Statement
from services.eventing.work import Work
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.directory import (
    AgencyRegistered,
    AppointmentEnded,
    AppointmentGranted,
    MandateGranted,
)

# An agency registered again replaces what was known of it; its events arrive in the order of their versions.
_AGENCIES = Statement("""
    INSERT INTO member_agencies
        (agency_id, kind, areas, desk_for, service_families, signing_jwk, encryption_jwk)
    SELECT agency_id, kind, areas, desk_for, service_families, signing_key, encryption_key
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (
        agency_id text, kind text, areas text[], desk_for text[], service_families text[],
        signing_key jsonb, encryption_key jsonb
    )
    ON CONFLICT (agency_id) DO UPDATE SET
        kind = excluded.kind, areas = excluded.areas, desk_for = excluded.desk_for,
        service_families = excluded.service_families,
        signing_jwk = excluded.signing_jwk, encryption_jwk = excluded.encryption_jwk
""")
_APPOINTMENTS = Statement("""
    INSERT INTO member_appointments
        (appointment_id, coordinator_id, agency_id, role, field, areas, valid_from, valid_until, ended_at)
    SELECT appointment_id, coordinator_id, agency_id, role, field, areas, valid_from, valid_until, ended_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (
        appointment_id text, coordinator_id text, agency_id text, role text, field text, areas text[],
        valid_from timestamptz, valid_until timestamptz, ended_at timestamptz
    )
    ON CONFLICT (appointment_id) DO NOTHING
""")
_ENDS = Statement("""
    UPDATE member_appointments SET ended_at = said.ended_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (appointment_id text, ended_at timestamptz)
    WHERE member_appointments.appointment_id = said.appointment_id
""")
_MANDATES = Statement("""
    INSERT INTO member_mandates (mandate_id, auditor_id, agencies, areas, valid_from, valid_until, reason)
    SELECT mandate_id, auditor_id, agencies, areas, valid_from, valid_until, reason
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (
        mandate_id text, auditor_id text, agencies text[], areas text[],
        valid_from timestamptz, valid_until timestamptz, reason text
    )
    ON CONFLICT (mandate_id) DO NOTHING
""")


# Never the same twice, lest what a transaction read that was then undone be taken for what another has committed.
_CHANGED = Statement("UPDATE member_revision SET revision = CAST(random() * 9e18 AS bigint)")


def apply(work: Work, events: Iterable[Event]) -> None:
    """Take the effects of the directory's events among `events`; others are passed over.

    A batch may hold both the grant and the end of one appointment.
    """
    agencies: dict[str, EventData] = {}
    appointments: dict[str, AppointmentGranted] = {}
    ends: dict[str, AppointmentEnded] = {}
    mandates: dict[str, EventData] = {}
    for event in events:
        match event.data:
            case AgencyRegistered() as data:
                agencies[data.agency_id] = data
            case AppointmentGranted() as data:
                appointments.setdefault(data.appointment_id, data)
            case AppointmentEnded() as data:
                ends[data.appointment_id] = data
            case MandateGranted() as data:
                mandates.setdefault(data.mandate_id, data)
            case _:
                pass
    for statement, rows in (
        (_AGENCIES, _rows(agencies)),
        # The end of an appointment granted in the same batch is written with it: one statement writes them all.
        (_APPOINTMENTS, [row | _end(ends.get(row["appointment_id"])) for row in _rows(appointments)]),
        (_ENDS, _rows({each: end for each, end in ends.items() if each not in appointments})),
        (_MANDATES, _rows(mandates)),
    ):
        if rows:
            work.later(statement, {"rows": json.dumps(rows)})
    if agencies or appointments or ends:
        work.later(_CHANGED, {})


def _rows(data: Mapping[str, EventData]) -> list[dict[str, str]]:
    return [each.model_dump(mode="json") for each in data.values()]


def _end(ended: AppointmentEnded | None) -> dict[str, str]:
    return {"ended_at": ended.ended_at.isoformat()} if ended is not None else {}
