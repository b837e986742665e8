"""The directory's tables; names of staff are in `coordinators` and `auditors` and nowhere else."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData()

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)

areas = sa.Table(
    "areas",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("ward", JSONB, nullable=False),
    sa.Column("name", JSONB, nullable=False),
)
"""Areas in the order of their file."""

agencies = sa.Table(
    "agencies",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("organization_id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("desk_for", _CODES, nullable=False),
    sa.Column("service_families", _CODES, nullable=False),
    sa.Column("signing_key", JSONB, nullable=False),
    sa.Column("encryption_key", JSONB, nullable=False),
    sa.Column("document", JSONB, nullable=False),
)
"""Agencies: what was said of them in events, and the HSDS organization."""

services = sa.Table(
    "services",
    metadata,
    sa.Column("service_id", sa.Text, primary_key=True),
    sa.Column("organization_id", sa.Text, nullable=False, index=True),
    sa.Column("families", _CODES, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("document", JSONB, nullable=False),
)
"""HSDS services."""

locations = sa.Table(
    "locations",
    metadata,
    sa.Column("location_id", sa.Text, primary_key=True),
    sa.Column("organization_id", sa.Text, nullable=False, index=True),
    sa.Column("document", JSONB, nullable=False),
)
"""HSDS locations."""

services_at_locations = sa.Table(
    "services_at_locations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service_id", sa.Text, nullable=False, index=True),
    sa.Column("location_id", sa.Text, nullable=False),
    sa.Column("document", JSONB, nullable=False),
)
"""HSDS service_at_location: which service is offered where."""

coordinators = sa.Table(
    "coordinators",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kana", sa.Text, nullable=False),
    sa.Column("romanised", sa.Text, nullable=False),
    sa.Column("languages", _CODES, nullable=False),
)
"""Names of coordinators."""

auditors = sa.Table(
    "auditors",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kana", sa.Text, nullable=False),
    sa.Column("romanised", sa.Text, nullable=False),
    sa.Column("languages", _CODES, nullable=False),
)
"""Names of auditors."""

appointments = sa.Table(
    "appointments",
    metadata,
    sa.Column("appointment_id", sa.Text, primary_key=True),
    sa.Column("coordinator_id", sa.Text, nullable=False, index=True),
    sa.Column("agency_id", sa.Text, nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_until", _MOMENT),
    sa.Column("granted_by", sa.Text, nullable=False),
    sa.Column("ended_at", _MOMENT),
)
"""Every appointment ever granted."""

mandates = sa.Table(
    "mandates",
    metadata,
    sa.Column("mandate_id", sa.Text, primary_key=True),
    sa.Column("auditor_id", sa.Text, nullable=False),
    sa.Column("agencies", _CODES, nullable=False),
    sa.Column("areas", _CODES, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_until", _MOMENT, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("granted_by", sa.Text, nullable=False),
)
"""Every mandate ever granted."""


def create_tables(op: Operations) -> None:
    """Create the directory's tables; called by its first migration."""
    metadata.create_all(op.get_bind())
