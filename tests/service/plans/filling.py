"""A service's database as it stands after a million referrals: every table of the catalogue filled, by its columns.

What decides a plan is real: keys, how many rows share a value, what a partial index leaves out. What does not is as
short as can be, which makes reading a whole table cheap and so tempts the planner more than real rows would.
"""

import json
from dataclasses import dataclass

import asyncpg

from deploy.access import PostgresAccess
from deploy.provisioning.databases import connect
from tsunagu_contracts.codes import AgencyKind, Area, Field, Role, ServiceFamily
from tsunagu_contracts.keys import SigningKey

MILLION = 1_000_000
AGENCIES, COORDINATORS = 2_000, 20_000
_SMALL = {
    # A ward network many times the size of Chiyoda's and Minato's together.
    "member_agencies": AGENCIES,
    "member_appointments": COORDINATORS,
    "member_mandates": 200,
    # Its one row is there already.
    "member_revision": 0,
    "inboxes": COORDINATORS,
    # One row for each partition of each topic; every agency has a topic.
    "consumed_positions": AGENCIES,
    # The consumer stops at a thousand that need an operator; what waits for a cause has no such bound.
    "parked": 20_000,
    "parked_acts": 10_000,
    # Those of a century.
    "disasters": 200,
    # One counter.
    "wrong_codes": 1,
    # Each has a supervisor's signature; all of them are looked through at every start.
    "erasures": 10_000,
    # A database that was never restored.
    "restorations": 0,
    "restored_referrals": 0,
    # What few statements have beside them.
    "evidence": 10_000,
    "evidence_pieces": 10_000,
    "evidence_askings": 200,
    # Each is a fault of a producer.
    "findings": 10_000,
}
"""How many rows a table has that does not grow with the number of referrals."""

# Rising like the services' own ids, which begin with the time.
_ID = "'0197' || lpad(to_hex(n), 8, '0') || '-7000-8000-' || substr(md5(n::text), 1, 12)"
_IDS = (
    "referral_id record_id handle_id section_id statement_id release_id notification_id message_id key "
    "representative_id disaster_id obligation_id group_id join_id record_a record_b receipt_id "
    "disclosure_id case_id part_id report_id evidence_id request_id change_id"
)
_COORDINATOR = f"'c-' || n % {COORDINATORS}"
_KEY = f"'{json.dumps(SigningKey.generate().public.jwk())}'"
_BY_COLUMN = {
    **dict.fromkeys(_IDS.split(), _ID),
    **dict.fromkeys(("aggregate", "cause_aggregate"), f"'referral:' || {_ID}"),
    **dict.fromkeys(("key_hash", "reference_hash", "secret_hash", "code_hash", "token_hash"), "md5(n::text)"),
    **dict.fromkeys(("agency_id", "sender", "caller", "provider", "opened_by"), f"'agency-' || n % {AGENCIES}"),
    **dict.fromkeys(("addressee", "recipient"), f"'agency-' || n * 7 % {AGENCIES}"),
    **dict.fromkeys(("coordinator_id", "sender_coordinator", "lead_coordinator"), _COORDINATOR),
    "appointment_id": f"'ap-' || n % {COORDINATORS}",
    "mandate_id": "'ma-' || n",
    "auditor_id": "'au-' || n % 20",
    "topic": f"'agency.agency-' || n % {AGENCIES} || '.inbound'",
    "partition": "n % 6",
    "offset": "n",
    "number": "n",
    "evidence": "NULL",
    # One referral in twenty is open.
    "state": "CASE n % 60 WHEN 0 THEN 'delivered' WHEN 1 THEN 'accepted' WHEN 2 THEN 'awaiting_consent' "
    "ELSE 'completed' END",
    # One statement in fifty is for a disaster.
    "disaster_in": f"CASE n % 50 WHEN 0 THEN '{Area.SHIBA.value}' END",
    "area": f"'{Area.SHIBA.value}'",
    # One opening in a hundred has a side without a record; one record in a thousand is of nothing known.
    "matched": "n % 100 > 0",
    "placed": "n % 1000 > 0",
    "side": "CASE n % 2 WHEN 0 THEN 'provided' ELSE 'received' END",
    # Yet to come.
    **dict.fromkeys(("due_at", "next_at"), "now() + n * interval '1 minute'"),
    # Each of another duty, where it is of one.
    "about": "CASE n % 2 WHEN 0 THEN md5(n::text) ELSE '' END",
    "closed_at": "CASE WHEN n % 60 > 2 THEN now() END",
    "bodies_deleted_at": f"CASE WHEN n % 60 > 2 AND n < 0.9 * {MILLION} THEN now() END",
    "acknowledged_at": "CASE WHEN n % 10 > 0 THEN now() END",
    "published_at": f"CASE WHEN n < {MILLION} - 1000 THEN now() END",
    # Later than what has been seen.
    "cause_version": "9",
    "reason": "CASE n % 20 WHEN 0 THEN 'handler_failed' ELSE 'cause_not_seen' END",
    # Members are read whole and understood.
    "kind": f"'{AgencyKind.NPO.value}'",
    "role": f"'{Role.CSW.value}'",
    "field": f"'{Field.COMMUNITY.value}'",
    "areas": f"ARRAY['{Area.SHIBA.value}']",
    "service_families": f"ARRAY['{ServiceFamily.DAILY_LIFE.value}']",
    "desk_for": "ARRAY[]::text[]",
    **dict.fromkeys(("signing_jwk", "encryption_jwk"), _KEY),
    **dict.fromkeys(("overrides", "confirms"), "NULL"),
    **dict.fromkeys(
        (
            "halted_in",
            "invalid",
            "erased",
            "destroyed_at",
            "traceparent",
            "replay_requested_at",
            "ended_at",
            "overdue_at",
            "undone_at",
            "by_receipt",
            "revoked_at",
            "locked_until",
        ),
        "NULL",
    ),
}
_BY_TYPE = {
    "text": "'x'",
    "integer": "1",
    "bigint": "n",
    "boolean": "true",
    "bytea": r"'\x00'",
    "jsonb": "'[]'",
    "date": "current_date",
    "text[]": "ARRAY['x']",
    "timestamp with time zone": f"now() - ({MILLION} - n) * interval '1 second'",
}
# What refers to another table is younger than that.
_TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' ORDER BY oid DESC
"""
_COLUMNS = """
    SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''
"""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str

    @property
    def value(self) -> str:
        by_type = _BY_TYPE[self.type]
        # Bytes are exact copies, which nothing is looked up by, whatever they are called.
        return by_type if self.type == "bytea" else _BY_COLUMN.get(self.name, by_type)


async def fill(admin: PostgresAccess, service: PostgresAccess) -> None:
    """Fill every table of a service's migrated, still empty database, and let PostgreSQL take its statistics."""
    async with connect(admin.as_role(admin.username, admin.password, service.database)) as connection:
        # No row refers to one that is not there, and nobody need look.
        await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
        for row in await connection.fetch(_TABLES):
            await _fill(connection, row["relname"])
        await connection.execute("ANALYZE")


async def _fill(connection: asyncpg.Connection, table: str) -> None:
    columns = [_Column(row["name"], row["type"]) for row in await connection.fetch(_COLUMNS, table)]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(column.value for column in columns)
    rows = _SMALL.get(table, MILLION)
    # Nothing here has to outlive a crash; indexes are left out meanwhile and made afterwards.
    await connection.execute(f"ALTER TABLE {table} SET UNLOGGED")
    await connection.execute("UPDATE pg_index SET indisready = false WHERE indrelid = $1::regclass", table)
    await connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {rows}) AS n"  # noqa: S608
    )
    await connection.execute(f"REINDEX TABLE {table}")
