"""By what readers notice that members have changed, so that they can keep them in memory."""

from alembic import op
from alembic.operations import Operations

from services import membership

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table where the first migration has not."""
    membership.create_tables(Operations(op.get_context()))
