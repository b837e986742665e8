"""Records erased, and what the log told a restored database of referrals that it did not know."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, and let events be replayed before those of other streams that they speak of."""
    op.add_column("referrals", sa.Column("erased", sa.Integer))
    op.drop_constraint("statements_referral_id_fkey", "statements", type_="foreignkey")
    # Of records that are joined, one's events are replayed before the other's.
    op.drop_constraint("supports_statement_id_fkey", "supports", type_="foreignkey")
    op.drop_constraint("releases_statement_id_fkey", "releases", type_="foreignkey")
    op.create_index("person_references_record", "person_references", ["record_id"])
    op.create_table(
        "erasures",
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("erasure_id", sa.Text, nullable=False),
        sa.Column("handle_ids", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("destroyed_at", _MOMENT),
        sa.UniqueConstraint("agency_id", "message_id", "record_id"),
        sa.UniqueConstraint("erasure_id", "record_id"),
    )
    op.create_index("erasures_due", "erasures", ["recorded_at"], postgresql_where=sa.text("destroyed_at IS NULL"))
    op.create_table("restorations", sa.Column("restored_at", _MOMENT, primary_key=True))
    op.create_table(
        "restored_referrals",
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text),
        sa.Column("faults", JSONB),
    )
