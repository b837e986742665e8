"""Sealed evidence, piece by piece, and who asked to have it opened."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.Text, primary_key=True),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("custodians", ARRAY(sa.Text), nullable=False),
        sa.Column("stored_at", _MOMENT, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    op.create_table(
        "evidence_pieces",
        sa.Column("evidence_id", sa.Text, sa.ForeignKey("evidence.evidence_id"), primary_key=True),
        sa.Column("piece", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    # Ciphertext does not compress: spare the attempts.
    op.execute("ALTER TABLE evidence_pieces ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "evidence_askings",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("opening_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("coordinator_id", sa.Text, nullable=False),
        sa.Column("appointment_id", sa.Text, nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("share", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
    )
    op.create_index("evidence_askings_of", "evidence_askings", ["opening_id", "agency_id", "version"])
