"""Representatives, confirmations, countersignatures, conditions, and when coverage changes by itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)


def upgrade() -> None:
    """Add what a statement may also say, and the facts beside it."""
    _add_to_statements()
    _create_representatives()
    _create_supports()
    for table in ("representatives", "supports"):
        op.execute(f"""
            CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """)
    _create_disasters()
    _create_coverage_due()


def _add_to_statements() -> None:
    for name in ("representative_id", "ground", "overrides", "disaster_in", "confirms"):
        op.add_column("statements", sa.Column(name, sa.Text))
    op.create_index(
        "statements_disaster",
        "statements",
        ["disaster_in", "record_id"],
        postgresql_where=sa.text("disaster_in IS NOT NULL"),
    )


def _create_representatives() -> None:
    op.create_table(
        "representatives",
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("representative_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
        sa.Column("categories", _CODES),
        sa.Column("purposes", _CODES),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_until", _MOMENT),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("agency_id", "message_id"),
    )


def _create_supports() -> None:
    op.create_table(
        "supports",
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("statement_id", sa.Text, sa.ForeignKey("statements.statement_id"), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("agency_id", "message_id"),
    )


def _create_disasters() -> None:
    op.create_table(
        "disasters",
        sa.Column("disaster_id", sa.Text, primary_key=True),
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("declared_at", _MOMENT, nullable=False),
        sa.Column("lifted_at", _MOMENT),
    )
    op.create_index("disasters_area", "disasters", ["area"])


def _create_coverage_due() -> None:
    op.create_table(
        "coverage_due",
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("due_at", _MOMENT, primary_key=True),
    )
    op.create_index("coverage_due_at", "coverage_due", ["due_at"])
