"""What is registered, names of staff and resources; the pipeline; who belongs to the network."""

from alembic import op
from alembic.operations import Operations
from services import membership
from services.directory.storage import tables
from services.eventing import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    operations = Operations(op.get_context())
    schema.create_tables(operations)
    membership.create_tables(operations)
    tables.create_tables(operations)


def downgrade() -> None:
    """Refuse: what was registered is not thrown away by a migration."""
    raise NotImplementedError("restore a backup instead")
