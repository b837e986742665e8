"""Referrals, their bodies in transit and the messages that were answered; the pipeline; who belongs to the network."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from services import membership
from services.eventing import schema
from services.runtime import idempotency
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create every table."""
    operations = Operations(op.get_context())
    schema.create_tables(operations)
    membership.create_tables(operations)
    idempotency.create_tables(operations)
    op.create_table(
        "referrals",
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("halted_in", sa.Text),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_coordinator", sa.Text, nullable=False),
        sa.Column("sender_appointment", sa.Text, nullable=False),
        sa.Column("addressee", sa.Text, nullable=False),
        sa.Column("routed_by", sa.Text, nullable=False),
        sa.Column("lead_coordinator", sa.Text),
        sa.Column("lead_appointment", sa.Text),
        sa.Column("handle_id", sa.Text, nullable=False, unique=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("service_family", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("sections", JSONB, nullable=False),
        sa.Column("coverage", JSONB, nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("delivered_at", _MOMENT),
        sa.Column("closed_at", _MOMENT),
        sa.Column("bodies_deleted_at", _MOMENT),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("delivery", sa.Text),
    )
    op.create_index("referrals_sent", "referrals", ["sender", "referral_id"])
    op.create_index(
        "referrals_received",
        "referrals",
        ["addressee", "referral_id"],
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )
    op.create_index(
        "referrals_bodies_due",
        "referrals",
        ["closed_at"],
        postgresql_where=sa.text("closed_at IS NOT NULL AND bodies_deleted_at IS NULL"),
    )
    op.create_table(
        "bodies",
        sa.Column(
            "referral_id", sa.Text, sa.ForeignKey("referrals.referral_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("section_id", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    # Ciphertext in base64 does not compress; here and below, spare the attempts.
    op.execute("ALTER TABLE bodies ALTER COLUMN body SET STORAGE EXTERNAL")
    op.create_table(
        "messages",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("answer", sa.Text),
    )
    op.execute("ALTER TABLE messages ALTER COLUMN answer SET STORAGE EXTERNAL")
    op.execute(
        "ALTER TABLE referrals ALTER COLUMN manifest SET STORAGE EXTERNAL, ALTER COLUMN delivery SET STORAGE EXTERNAL"
    )


def downgrade() -> None:
    """Refuse: what was recorded is not thrown away by a migration."""
    raise NotImplementedError("restore a backup instead")
