"""Receipts in persons' hands, and what persons say by them without an agency."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)


def upgrade() -> None:
    """Create the tables, and let a statement come by a receipt."""
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("representative_id", sa.Text),
        sa.Column("hidden_categories", _CODES, nullable=False),
        sa.Column("hidden_agencies", _CODES, nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("code_hash", sa.Text, nullable=False, unique=True),
        sa.Column("permission_hash", sa.Text),
        sa.Column("permission_until", _MOMENT, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("locked_until", _MOMENT),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    op.create_table(
        "person_tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("receipt_id", sa.Text, nullable=False),
        sa.Column("may_view", sa.Boolean, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
    )
    op.create_index("person_tokens_receipt", "person_tokens", ["receipt_id"])
    op.create_index("person_tokens_expires", "person_tokens", ["expires_at"])
    op.create_table(
        "wrong_codes",
        sa.Column("one", sa.Boolean, primary_key=True),
        sa.Column("minute", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_table(
        "view_limits",
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hidden_categories", _CODES, nullable=False),
        sa.Column("hidden_agencies", _CODES, nullable=False),
    )
    for column in ("referral_id", "agency_id", "coordinator_id", "appointment_id", "message_id", "manifest"):
        op.alter_column("statements", column, nullable=True)
    op.add_column("statements", sa.Column("by_receipt", sa.Text))
    op.create_check_constraint(
        "an_agency_or_a_receipt",
        "statements",
        "(by_receipt IS NULL) = (manifest IS NOT NULL AND agency_id IS NOT NULL AND coordinator_id IS NOT NULL "
        "AND appointment_id IS NOT NULL AND message_id IS NOT NULL AND referral_id IS NOT NULL) "
        "AND (by_receipt IS NULL OR kind = 'withdraw')",
    )
