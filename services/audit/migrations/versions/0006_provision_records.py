"""What agencies report of the records that they keep of openings, matched with the openings themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_UNMATCHED = sa.text("agreed IS NOT NULL AND NOT matched AND provider <> agency_id")


def upgrade() -> None:
    """Add what is matched to accesses, and create the tables of reports; earlier openings stay out of it."""
    op.add_column("accesses", sa.Column("provider", sa.Text))
    op.add_column("accesses", sa.Column("agreed", sa.Text))
    op.add_column("accesses", sa.Column("matched", sa.Boolean, nullable=False, server_default=sa.false()))
    for name, columns in (
        ("accesses_unmatched_received", ["agency_id", "decided_at", "release_id"]),
        ("accesses_unmatched_provided", ["provider", "decided_at", "release_id"]),
        ("accesses_unmatched", ["decided_at", "release_id"]),
    ):
        op.create_index(name, "accesses", columns, postgresql_where=_UNMATCHED)
    op.create_table(
        "provision_reports",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("report_id", sa.Text, nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
    )
    op.create_table(
        "provision_records",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("side", sa.Text, primary_key=True),
        sa.Column("release_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "provision_records_unplaced",
        "provision_records",
        ["agency_id", "release_id", "side"],
        postgresql_where=sa.text("NOT placed"),
    )
