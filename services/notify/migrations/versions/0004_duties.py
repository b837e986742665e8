"""Items about what an agency is to do for a person, beside those about versions of referrals."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what such an item is about and its date; of neither area nor urgency does it tell."""
    op.add_column("inbox_items", sa.Column("about", sa.Text, nullable=False, server_default=""))
    op.add_column("inbox_items", sa.Column("due_on", sa.Date))
    for column in ("area", "urgency"):
        op.alter_column("inbox_items", column, nullable=True)
    op.drop_constraint("inbox_items_once", "inbox_items")
    op.create_unique_constraint(
        "inbox_items_once", "inbox_items", ["referral_id", "referral_version", "coordinator_id", "about", "message"]
    )
