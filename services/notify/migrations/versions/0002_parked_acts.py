"""The record of what operators did with parked messages."""

from alembic import op
from alembic.operations import Operations

from services.eventing import schema as eventing

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table where the first migration has not."""
    eventing.create_tables(Operations(op.get_context()))
