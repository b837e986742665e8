"""The tables that every service's database has for the pipeline."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import BYTEA

metadata = sa.MetaData()

_NOW = sa.text("clock_timestamp()")

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", BYTEA, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Index("outbox_unpublished", "id", postgresql_where=sa.text("published_at IS NULL")),
    sa.Index("outbox_unpublished_key", "topic", "key", postgresql_where=sa.text("published_at IS NULL")),
    sa.Index("outbox_published", "published_at", postgresql_where=sa.text("published_at IS NOT NULL")),
)
"""What has been said in committed transactions; a row without `published_at` still has to reach Kafka."""

streams = sa.Table(
    "streams",
    metadata,
    sa.Column("aggregate", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text),
)
"""The last version that this service has said of each aggregate it owns, and the digest of that event."""

consumed_positions = sa.Table(
    "consumed_positions",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    sa.Column("previous_offset", sa.BigInteger, nullable=False),
)
"""The next offset to take of each partition, moved in the transaction of the effect."""

seen_versions = sa.Table(
    "seen_versions",
    metadata,
    sa.Column("aggregate", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
"""The last version that has taken effect here of each aggregate of other services."""

parked = sa.Table(
    "parked",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("key", sa.Text),
    sa.Column("value", BYTEA, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
    sa.Column("blocks", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("cause_aggregate", sa.Text),
    sa.Column("cause_version", sa.Integer),
    sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("replay_requested_at", sa.DateTime(timezone=True)),
    sa.Column("replays", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("topic", "partition", "offset"),
    sa.Index("parked_key", "topic", "key", postgresql_where=sa.text("blocks")),
    sa.Index("parked_cause", "cause_aggregate", postgresql_where=sa.text("cause_aggregate IS NOT NULL")),
)
"""Messages that could not take effect, each with its reason; a blocking one keeps later ones of its key behind it."""


parked_acts = sa.Table(
    "parked_acts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("parked_id", sa.BigInteger, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("parked_for", sa.Text, nullable=False),
    sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("aggregate", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("seen_before", sa.Integer),
    sa.Index("parked_acts_message", "parked_id"),
)
"""What operators did with parked messages and why; kept for good, holds no message and nothing personal.

`seen_before` is set where a discarded event counts as seen: the last version that had taken effect until then.
"""


# Values are base64 inside and do not shrink; PostgreSQL would try to compress each of them, several times over.
for _table in (outbox, parked):
    sa.event.listen(
        _table,
        "after_create",
        sa.DDL("ALTER TABLE %(table)s ALTER COLUMN value SET STORAGE EXTERNAL"),  # type: ignore[no-untyped-call]  # unannotated there
    )


def create_tables(op: Operations) -> None:
    """Create those of the pipeline's tables that are not there; called by a migration of each service."""
    metadata.create_all(op.get_bind())
