"""Records that are one person's, and the cards by which they are joined."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Let every record be a person's by itself, and create the tables of joins and cards."""
    op.add_column("persons", sa.Column("group_id", sa.Text))
    op.execute("UPDATE persons SET group_id = record_id")
    op.alter_column("persons", "group_id", nullable=False)
    op.create_index("persons_group", "persons", ["group_id"])
    op.create_table(
        "joins",
        sa.Column("join_id", sa.Text, primary_key=True),
        sa.Column("record_a", sa.Text, nullable=False),
        sa.Column("number_a", sa.Integer, nullable=False),
        sa.Column("record_b", sa.Text, nullable=False),
        sa.Column("number_b", sa.Integer, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("joined_at", _MOMENT, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("undone_number_a", sa.Integer),
        sa.Column("undone_number_b", sa.Integer),
        sa.Column("undone_at", _MOMENT),
        sa.Column("undone_as", sa.Text),
        sa.Column("undone_by", sa.Text),
        sa.Column("undone_message_id", sa.Text),
        sa.Column("undone_manifest", sa.Text),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    for side in ("record_a", "record_b"):
        op.create_index(f"joins_{side}", "joins", [side])
    op.create_table(
        "cards",
        sa.Column("secret_hash", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("voided_at", _MOMENT),
        sa.Column("used_at", _MOMENT),
    )
    op.create_index("cards_message", "cards", ["agency_id", "message_id"])
    op.create_index(
        "cards_valid", "cards", ["record_id"], postgresql_where=sa.text("used_at IS NULL AND voided_at IS NULL")
    )
