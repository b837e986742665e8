"""Applies the directory's events to the tables: one statement per kind of event, however many there are."""

import json
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

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
_AGENCIES = sa.text("""
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
_APPOINTMENTS = sa.text("""
    INSERT INTO member_appointments
        (appointment_id, coordinator_id, agency_id, role, field, areas, valid_from, valid_until)
    SELECT appointment_id, coordinator_id, agency_id, role, field, areas, valid_from, valid_until
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (
        appointment_id text, coordinator_id text, agency_id text, role text, field text, areas text[],
        valid_from timestamptz, valid_until timestamptz
    )
    ON CONFLICT (appointment_id) DO NOTHING
""")
_ENDS = sa.text("""
    UPDATE member_appointments SET ended_at = said.ended_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (appointment_id text, ended_at timestamptz)
    WHERE member_appointments.appointment_id = said.appointment_id
""")
_MANDATES = sa.text("""
    INSERT INTO member_mandates (mandate_id, auditor_id, agencies, areas, valid_from, valid_until, reason)
    SELECT mandate_id, auditor_id, agencies, areas, valid_from, valid_until, reason
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said (
        mandate_id text, auditor_id text, agencies text[], areas text[],
        valid_from timestamptz, valid_until timestamptz, reason text
    )
    ON CONFLICT (mandate_id) DO NOTHING
""")


async def apply(work: Work, events: Iterable[Event]) -> None:
    """Take the effects of the directory's events among `events`; others are passed over.

    Grants come before ends, so that a batch may hold both for one appointment.
    """
    agencies: dict[str, EventData] = {}
    appointments: dict[str, EventData] = {}
    ends: dict[str, EventData] = {}
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
    for statement, found in (
        (_AGENCIES, agencies),
        (_APPOINTMENTS, appointments),
        (_ENDS, ends),
        (_MANDATES, mandates),
    ):
        if found:
            await work.session.execute(statement, {"rows": _as_json(list(found.values()))})


def _as_json(data: Sequence[EventData]) -> str:
    rows: list[Mapping[str, object]] = [each.model_dump(mode="json") for each in data]
    return json.dumps(rows)
