"""Who provided what was opened, what was disclosed outside the network, and persons' requests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0010"
down_revision = "0009"

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)


def upgrade() -> None:
    """Add the provider of each release, from its referral, and create the tables."""
    op.add_column("releases", sa.Column("provider", sa.Text))
    # Nothing that a release says changes: what its referral says already is written beside it.
    op.execute("ALTER TABLE releases DISABLE TRIGGER releases_only_added")
    op.execute("""
        UPDATE releases SET provider = referrals.sender FROM referrals
        WHERE referrals.referral_id = releases.referral_id AND granted
    """)
    op.execute("ALTER TABLE releases ENABLE TRIGGER releases_only_added")
    granted = sa.text("granted")
    op.create_index("releases_provided", "releases", ["provider", "release_id"], postgresql_where=granted)
    op.create_index("releases_received", "releases", ["recipient", "release_id"], postgresql_where=granted)
    _create_disclosures()
    op.execute("""
        CREATE TRIGGER disclosures_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON disclosures
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    _create_cases()


def _create_disclosures() -> None:
    op.create_table(
        "disclosures",
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("disclosure_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("to_agency", sa.Text),
        sa.Column("to_body", sa.Text),
        sa.Column("categories", _CODES, nullable=False),
        sa.Column("disclosed_at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("agency_id", "disclosure_id"),
        sa.UniqueConstraint("agency_id", "message_id"),
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("representative_id", sa.Text),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("record_id", "number"),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    op.create_table(
        "case_parts",
        sa.Column("part_id", sa.Text, primary_key=True),
        sa.Column("opened_by", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("referral_ids", _CODES, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("overdue_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended_as", sa.Text),
        sa.Column("refused_under", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("manifest", sa.Text),
        sa.UniqueConstraint("opened_by", "case_id", "agency_id"),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    op.create_index("case_parts_agency", "case_parts", ["agency_id", "part_id"])
    op.create_index(
        "case_parts_due",
        "case_parts",
        ["due_at"],
        postgresql_where=sa.text("ended_at IS NULL AND overdue_at IS NULL"),
    )
