"""Evidence named by statements and kept by audit, whichever is heard of first."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table; a support by evidence has no agency, and a statement may name evidence."""
    op.create_table(
        "evidence",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("statement_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text),
        sa.Column("evidence_id", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("manifest", sa.Text),
    )
    op.alter_column("supports", "agency_id", nullable=True)
    op.add_column("statements", sa.Column("evidence", sa.Text))
