"""Persons, handles, referrals, statements and releases; the pipeline; who belongs to the network."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from services import membership
from services.eventing import schema
from services.runtime import idempotency
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)


def upgrade() -> None:
    """Create every table."""
    operations = Operations(op.get_context())
    schema.create_tables(operations)
    membership.create_tables(operations)
    idempotency.create_tables(operations)
    _create_persons_and_handles()
    _create_referrals()
    _create_statements()
    _create_releases()
    _keep_the_past()


def _create_persons_and_handles() -> None:
    op.create_table(
        "persons",
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("latest_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "person_references",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("reference_hash", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, nullable=False),
    )
    op.create_table(
        "handles",
        sa.Column("handle_id", sa.Text, primary_key=True),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("referral_id", sa.Text),
    )
    op.create_table(
        "content_keys",
        sa.Column("key_hash", sa.Text, primary_key=True),
        sa.Column("section_id", sa.Text, nullable=False),
    )


def _create_referrals() -> None:
    op.create_table(
        "referrals",
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id")),
        sa.Column("handle_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("addressee", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("capsule", sa.Text),
    )
    # Ciphertext in base64 does not compress: spare the attempts.
    op.execute("ALTER TABLE referrals ALTER COLUMN capsule SET STORAGE EXTERNAL")
    op.create_index("referrals_record", "referrals", ["record_id"])
    op.create_table(
        "sections",
        sa.Column("referral_id", sa.Text, sa.ForeignKey("referrals.referral_id"), primary_key=True),
        sa.Column("section_id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("invalid", sa.Text),
    )
    # Whatever else fails, no section id opens in two referrals.
    op.create_index(
        "sections_valid",
        "sections",
        ["section_id"],
        unique=True,
        postgresql_where=sa.text("invalid IS NULL"),
    )


def _create_statements() -> None:
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("referral_id", sa.Text, sa.ForeignKey("referrals.referral_id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("categories", _CODES, nullable=False),
        sa.Column("recipients", _CODES),
        sa.Column("purposes", _CODES, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_until", _MOMENT),
        sa.Column("stated_at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("coordinator_id", sa.Text, nullable=False),
        sa.Column("appointment_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("record_id", "number"),
        sa.UniqueConstraint("agency_id", "message_id"),
    )


def _create_releases() -> None:
    op.create_table(
        "releases",
        sa.Column("release_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id")),
        sa.Column("number", sa.Integer),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("section_id", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("coordinator_id", sa.Text, nullable=False),
        sa.Column("appointment_id", sa.Text),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("statement_id", sa.Text, sa.ForeignKey("statements.statement_id")),
        sa.Column("decided_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("record_id", "number"),
        sa.CheckConstraint(
            "NOT granted OR (record_id IS NOT NULL AND number IS NOT NULL AND appointment_id IS NOT NULL "
            "AND statement_id IS NOT NULL)",
            name="a_release_rests_on_a_statement",
        ),
    )


def _keep_the_past() -> None:
    """Statements and releases are only ever followed by others, never edited."""
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME; END $$
    """)
    for table in ("statements", "releases"):
        op.execute(f"""
            CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """)


def downgrade() -> None:
    """Refuse: the person's recorded word is not thrown away by a migration."""
    raise NotImplementedError("restore a backup instead")
