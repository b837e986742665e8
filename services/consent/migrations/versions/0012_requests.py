"""Asking the person: requests with their dates, renewals, and what has changed in a person's life."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_MOMENT = sa.DateTime(timezone=True)
_CODES = sa.ARRAY(sa.Text)


def upgrade() -> None:
    """Create the tables, and note when those are to be asked again who have agreed already."""
    op.create_table(
        "consent_requests",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("categories", _CODES, nullable=False),
        sa.Column("purposes", _CODES, nullable=False),
        sa.Column("recipients", _CODES),
        sa.Column("change", sa.Text),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("deadline", _MOMENT, nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("asked_by", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("manifest", sa.Text),
        sa.Column("ended_at", _MOMENT),
        sa.Column("answer_manifest", sa.Text),
        sa.UniqueConstraint("record_id", "number"),
        sa.UniqueConstraint("asked_by", "message_id"),
    )
    still_open = sa.text("ended_at IS NULL")
    op.create_index("consent_requests_open", "consent_requests", ["record_id"], postgresql_where=still_open)
    op.create_index("consent_requests_next", "consent_requests", ["next_at"], postgresql_where=still_open)
    op.create_index(
        "consent_requests_agency", "consent_requests", ["agency_id", "request_id"], postgresql_where=still_open
    )
    op.create_table(
        "renewals_due",
        sa.Column("statement_id", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
    )
    op.create_index("renewals_due_at", "renewals_due", ["due_at"])
    op.create_table(
        "person_changes",
        sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("change_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.UniqueConstraint("agency_id", "message_id"),
    )
    # As new grants are noted under the default settings; which of them still stand is looked at when they are due.
    op.execute("""
        INSERT INTO renewals_due (statement_id, record_id, referral_id, due_at)
        SELECT statement_id, record_id, referral_id, coalesce(
            valid_until - least(interval '30 days', (valid_until - greatest(valid_from, recorded_at)) / 2),
            greatest(valid_from, recorded_at) + interval '365 days'
        )
        FROM statements
        WHERE kind = 'grant' AND (valid_until > now() OR (valid_until IS NULL AND disaster_in IS NULL))
    """)
