"""`consent`'s database with so many statements: four a person, each person with one referral of four sections."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.access import PostgresAccess
from deploy.provisioning.databases import connect
from services.consent.keystore import FileKeyStore
from tests.builders.agency_messages import CONTENTS, IDS, SendingAgency
from tsunagu_contracts.codes import AgencyKind, Area, Category, Field, Purpose, ReferralState, Role, StatementMethod
from tsunagu_contracts.keys import EncryptionKey
from tsunagu_contracts.sealing import seal_sections

CLINIC = SendingAgency()
DESK = SendingAgency(id="chiyoda-desk-fujimi", coordinator="c-0002", appointment="ap-0002")
STATEMENTS_EACH = 4
LIVE = 200
"""How many persons, the first ones, have sections that really open."""

_ID = "'0197' || lpad(to_hex(n), 8, '0') || '-7000-8000-00000000000'"
_PERSONS = f"""
    INSERT INTO persons SELECT {_ID} || '0', 6, now() - interval '1 day', {_ID} || '0'
    FROM generate_series($1::int, $2::int) AS n
"""  # noqa: S608 - put together from constants
_STREAMS = f"""
    INSERT INTO streams (aggregate, version, digest)
    SELECT 'record:' || {_ID} || '0', 6, rpad(md5(n::text), 43, 'x') FROM generate_series($1::int, $2::int) AS n
"""  # noqa: S608 - put together from constants
_REFERRALS = f"""
    INSERT INTO referrals (referral_id, record_id, handle_id, sender, addressee, purpose, state, version, capsule)
    SELECT {_ID} || '1', {_ID} || '0', {_ID} || '2', '{CLINIC.id}', '{DESK.id}', '{Purpose.ASSESSMENT.value}',
        '{ReferralState.DELIVERED.value}', 3, NULL
    FROM generate_series($1::int, $2::int) AS n
"""  # noqa: S608 - put together from constants
_SECTIONS = f"""
    INSERT INTO sections (referral_id, section_id, position, category, digest)
    SELECT {_ID} || '1', {_ID} || (3 + place)::text, place, category, rpad(md5(n::text), 43, 'x')
    FROM generate_series($1::int, $2::int) AS n,
        unnest($3::text[]) WITH ORDINALITY AS sealed (category, place)
"""  # noqa: S608 - put together from constants
# A grant by name, one to everybody, a refusal of another agency, a withdrawal of one category.
_STATEMENTS = f"""
    INSERT INTO statements (
        statement_id, record_id, number, referral_id, kind, categories, recipients, purposes, how, valid_from,
        stated_at, recorded_at, agency_id, coordinator_id, appointment_id, message_id, manifest
    )
    SELECT {_ID} || (place + 1)::text || 's', {_ID} || '0', place + 2, {_ID} || '1', kind,
        string_to_array(categories, ' '), CASE WHEN recipient <> '' THEN ARRAY[recipient] END,
        ARRAY['{Purpose.ASSESSMENT.value}', '{Purpose.SERVICE.value}'], '{StatementMethod.WRITTEN.value}',
        now() - interval '9 days', now() - interval '8 days' + place * interval '1 hour',
        now() - interval '8 days' + place * interval '1 hour', '{CLINIC.id}', '{CLINIC.coordinator}',
        '{CLINIC.appointment}', {_ID} || place::text || 'm', 'eyJhbGciOiJFUzI1NiJ9.' || repeat(md5(n::text), 30) || '.x'
    FROM generate_series($1::int, $2::int) AS n, (VALUES
        (1, 'grant', 'contact health', '{DESK.id}'), (2, 'grant', 'identity', ''),
        (3, 'refuse', 'health narrative', 'chiyoda-npo-a'), (4, 'withdraw', 'contact', '{DESK.id}')
    ) AS said (place, kind, categories, recipient)
"""  # noqa: S608 - put together from constants
_MEMBERS = f"""
    INSERT INTO member_agencies
    SELECT 'agency-' || n, '{AgencyKind.NPO.value}', ARRAY['{Area.FUJIMI.value}'], ARRAY[]::text[], ARRAY[]::text[],
        $1::text::jsonb, $2::text::jsonb
    FROM generate_series(1, 2000) AS n
"""  # noqa: S608 - put together from constants
_APPOINTMENTS = f"""
    INSERT INTO member_appointments
    SELECT 'ap-x' || n, 'c-x' || n, 'agency-' || n % 2000, '{Role.CSW.value}', '{Field.COMMUNITY.value}',
        ARRAY['{Area.FUJIMI.value}'], now() - interval '1 year'
    FROM generate_series(1, 20000) AS n
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Openable:
    """A section that its referral's addressee may open."""

    referral_id: str
    section_id: str


def referral_of(person: int) -> str:
    """The referral of the person with this number, from 1 on."""
    return f"0197{person:08x}-7000-8000-000000000001"


async def fill(admin: PostgresAccess, consent: PostgresAccess, keystore: Path, before: int, now: int) -> list[Openable]:
    """Add persons until there are `now` statements where there were `before`; returns what opens, the first time."""
    first, last = before // STATEMENTS_EACH + 1, now // STATEMENTS_EACH
    async with connect(admin.as_role(admin.username, admin.password, consent.database)) as connection:
        # No row refers to one that is not there, and nobody need look.
        await connection.execute("SET session_replication_role = replica")
        openable: list[Openable] = []
        if not before:
            await _enrol(connection)
        for statement in (_PERSONS, _STREAMS, _STATEMENTS):
            await connection.execute(statement, first, last)
        if not before:
            openable = await _seal(connection, keystore)
            first += LIVE
        await connection.execute(_REFERRALS, first, last)
        await connection.execute(_SECTIONS, first, last, [category.value for category in CONTENTS])
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    return openable


async def _enrol(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    keys = [key.public.jwk() for key in (CLINIC.signing, CLINIC.encryption)]
    await connection.execute(_MEMBERS, *map(_json, keys))
    await connection.execute(_APPOINTMENTS)
    for agency in (CLINIC, DESK):
        await connection.execute(
            "INSERT INTO member_agencies VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7::text::jsonb)",
            agency.id,
            AgencyKind.NPO.value,
            [Area.FUJIMI.value],
            [],
            [],
            _json(agency.signing.public.jwk()),
            _json(agency.encryption.public.jwk()),
        )
        await connection.execute(
            "INSERT INTO member_appointments VALUES ($1, $2, $3, $4, $5, $6, now() - interval '1 year')",
            agency.appointment,
            agency.coordinator,
            agency.id,
            Role.CSW.value,
            Field.COMMUNITY.value,
            [Area.FUJIMI.value],
        )


async def _seal(connection: asyncpg.Connection[asyncpg.Record], keystore: Path) -> list[Openable]:
    """Give the first persons referrals whose capsules open, with their handles' keys in the key store."""
    keys = {IDS.new(): EncryptionKey.generate() for _ in range(LIVE)}
    await FileKeyStore(keystore).keep(keys)
    openable: list[Openable] = []
    for person, (handle_id, key) in enumerate(keys.items(), 1):
        sealed = seal_sections(CLINIC.id, CONTENTS, key.public, IDS)
        await connection.execute(_REFERRALS, person, person)
        await connection.execute(
            "UPDATE referrals SET handle_id = $2, capsule = $3 WHERE referral_id = $1",
            referral_of(person),
            handle_id,
            sealed.capsule,
        )
        rows: Sequence[tuple[str, str, int, str, str]] = [
            (referral_of(person), each.section_id, place, each.category.value, each.digest)
            for place, each in enumerate(sealed.sections)
        ]
        await connection.executemany(
            "INSERT INTO sections (referral_id, section_id, position, category, digest) VALUES ($1, $2, $3, $4, $5)",
            rows,
        )
        health = next(each for each in sealed.sections if each.category is Category.HEALTH)
        openable.append(Openable(referral_of(person), health.section_id))
    return openable


def _json(jwk: object) -> str:
    return json.dumps(jwk)
