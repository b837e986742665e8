"""The log of exact bytes, what is read out of it, who may ask, and the pipeline."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations

from services import membership
from services.eventing import schema as eventing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create audit's first tables."""
    operations = Operations(op.get_context())
    eventing.create_tables(operations)
    membership.create_tables(operations)
    _create_log()
    _create_readings()
    _create_accesses()


def _create_log() -> None:
    op.create_table(
        "log_entries",
        *_position(),
        sa.Column("key", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )
    # Manifests are base64 and do not compress: spare the attempts.
    op.execute("ALTER TABLE log_entries ALTER COLUMN value SET STORAGE EXTERNAL")
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the log is only ever added to'; END $$
    """)
    op.execute("""
        CREATE TRIGGER log_entries_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)


def _create_readings() -> None:
    op.create_table(
        "read_events",
        *_position(),
        sa.Column("aggregate", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("referral_id", sa.Text),
        sa.Column("agency_id", sa.Text),
        sa.Column("auditor_id", sa.Text),
    )
    op.create_index("read_events_aggregate", "read_events", ["aggregate", "version", "partition", "offset"])
    op.create_table(
        "referral_scopes",
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("addressee", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
    )
    op.create_table(
        "findings",
        sa.Column("finding", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("findings_position", "findings", ["topic", "partition", "offset"])


def _create_accesses() -> None:
    op.create_table(
        "accesses",
        sa.Column("release_id", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("section_id", sa.Text, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("purpose", sa.Text),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("coordinator_id", sa.Text, nullable=False),
        sa.Column("appointment_id", sa.Text),
        sa.Column("statement_id", sa.Text),
        sa.Column("statement_number", sa.Integer),
        sa.Column("number", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("accesses_of_referral", "accesses", ["referral_id", "decided_at", "release_id"])
    op.create_index("accesses_by_agency", "accesses", ["agency_id", "decided_at", "release_id"])
    op.create_index("accesses_by_coordinator", "accesses", ["coordinator_id", "decided_at", "release_id"])
    op.create_index("accesses_in_time", "accesses", ["decided_at", "release_id"])


def _position() -> tuple[sa.Column[str], sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
    )
