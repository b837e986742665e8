"""The tables of the projection, alike in every consumer's database."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData()

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)

member_agencies = sa.Table(
    "member_agencies",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("desk_for", _CODES, nullable=False),
    sa.Column("service_families", _CODES, nullable=False),
    sa.Column("signing_jwk", JSONB, nullable=False),
    sa.Column("encryption_jwk", JSONB, nullable=False),
)
"""Agencies with their public keys as last registered."""

member_appointments = sa.Table(
    "member_appointments",
    metadata,
    sa.Column("appointment_id", sa.Text, primary_key=True),
    sa.Column("coordinator_id", sa.Text, nullable=False, index=True),
    sa.Column("agency_id", sa.Text, nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_until", _MOMENT),
    sa.Column("ended_at", _MOMENT),
)
"""Every appointment ever granted: what was done under one that has ended must still be explicable."""

member_mandates = sa.Table(
    "member_mandates",
    metadata,
    sa.Column("mandate_id", sa.Text, primary_key=True),
    sa.Column("auditor_id", sa.Text, nullable=False, index=True),
    sa.Column("agencies", _CODES, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_until", _MOMENT, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Every mandate ever granted to an auditor."""


member_revision = sa.Table(
    "member_revision",
    metadata,
    sa.Column("revision", sa.BigInteger, nullable=False),
)
"""One row: a number that is another after each change of agencies or appointments, by which readers notice it."""

sa.event.listen(
    member_revision,
    "after_create",
    sa.DDL("INSERT INTO %(table)s VALUES (0)"),  # type: ignore[no-untyped-call]  # unannotated there
)


def create_tables(op: Operations) -> None:
    """Create those of the projection's tables that are not there; called by migrations of each consumer."""
    metadata.create_all(op.get_bind())
