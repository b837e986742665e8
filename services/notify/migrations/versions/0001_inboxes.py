"""Inboxes, followed referrals, who is on duty, and the pipeline."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations

from services import membership
from services.eventing import schema as eventing
from services.runtime import idempotency

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create notify's first tables."""
    operations = Operations(op.get_context())
    eventing.create_tables(operations)
    membership.create_tables(operations)
    idempotency.create_tables(operations)
    op.create_table(
        "followed_referrals",
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_coordinator", sa.Text),
        sa.Column("addressee", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("delivered_version", sa.Integer),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "followed_referrals_waiting",
        "followed_referrals",
        ["addressee"],
        postgresql_where=sa.text("state = 'delivered'"),
    )
    op.create_table(
        "inboxes",
        sa.Column("coordinator_id", sa.Text, primary_key=True),
        sa.Column("last_number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "inbox_items",
        sa.Column("coordinator_id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("notification_id", sa.Text, nullable=False, unique=True),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("referral_version", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("referral_id", "referral_version", "coordinator_id", name="inbox_items_once"),
    )
    op.create_index(
        "inbox_items_unseen",
        "inbox_items",
        ["coordinator_id", "number"],
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    )
