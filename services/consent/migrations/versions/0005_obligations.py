"""What agencies owe for what they have opened and may no longer hold."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table, and find releases by person."""
    op.create_table(
        "obligations",
        sa.Column("obligation_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("section_id", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("incurred_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("overdue_at", _MOMENT),
        sa.Column("ended_number", sa.Integer),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended_as", sa.Text),
        sa.Column("kept_under", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("manifest", sa.Text),
        sa.UniqueConstraint("record_id", "number"),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "obligations_open", "obligations", ["agency_id", "section_id"], unique=True, postgresql_where=still_open
    )
    op.create_index(
        "obligations_due",
        "obligations",
        ["due_at"],
        postgresql_where=sa.text("ended_at IS NULL AND overdue_at IS NULL"),
    )
    op.create_index("obligations_agency", "obligations", ["agency_id", "obligation_id"])
    op.create_index("releases_granted", "releases", ["record_id", "section_id"], postgresql_where=sa.text("granted"))
