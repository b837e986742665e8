"""What an agency has opened is found by section."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "releases_recipient", "releases", ["recipient", "section_id"], postgresql_where=sa.text("granted")
    )
