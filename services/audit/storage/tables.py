"""Audit's tables: the log of exact bytes, what was read out of it for auditors, and sealed evidence."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

metadata = sa.MetaData()

log_entries = sa.Table(
    "log_entries",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    # A JSON array of [name, base64 of the value or null] in the order received; a byte of a name that is not
    # UTF-8 stands as a surrogate (PEP 383), so that the name's bytes can be had back.
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
)
"""Every event as the exact bytes received. Rows are only ever added (a trigger refuses anything else); a tree
over them takes its leaves from here."""

read_events = sa.Table(
    "read_events",
    metadata,
    # Unique without an index of its own: an event is read by whatever first keeps its entry of the log.
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("aggregate", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("referral_id", sa.Text),
    sa.Column("agency_id", sa.Text),
    sa.Column("auditor_id", sa.Text),
    # Questions name an aggregate; the chain is checked by version; an event republished stands twice.
    sa.Index("read_events_aggregate", "aggregate", "version", "partition", "offset"),
)
"""Where in the log each aggregate's versions are, and what places them inside or outside a mandate."""

referral_scopes = sa.Table(
    "referral_scopes",
    metadata,
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("addressee", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
)
"""Where each referral belongs, as its latest version tells."""

_UNMATCHED = "agreed IS NOT NULL AND NOT matched AND provider <> agency_id"

accesses = sa.Table(
    "accesses",
    metadata,
    sa.Column("release_id", sa.Text, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("section_id", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("purpose", sa.Text),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("coordinator_id", sa.Text, nullable=False),
    sa.Column("appointment_id", sa.Text),
    sa.Column("statement_id", sa.Text),
    sa.Column("statement_number", sa.Integer),
    sa.Column("number", sa.Integer),
    sa.Column("reason", sa.Text),
    sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("provider", sa.Text),
    sa.Column("agreed", sa.Text),
    sa.Column("matched", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("accesses_of_referral", "referral_id", "decided_at", "release_id"),
    sa.Index("accesses_by_agency", "agency_id", "decided_at", "release_id"),
    sa.Index("accesses_by_coordinator", "coordinator_id", "decided_at", "release_id"),
    sa.Index("accesses_in_time", "decided_at", "release_id"),
    sa.Index(
        "accesses_unmatched_received", "agency_id", "decided_at", "release_id", postgresql_where=sa.text(_UNMATCHED)
    ),
    sa.Index(
        "accesses_unmatched_provided", "provider", "decided_at", "release_id", postgresql_where=sa.text(_UNMATCHED)
    ),
    sa.Index("accesses_unmatched", "decided_at", "release_id", postgresql_where=sa.text(_UNMATCHED)),
)
"""Who was given the key of which section, and who was not; no person and no content in it.

`agreed` is the digest that both sides' records of an opening must have, `matched` that both are known to have it:
what is not matched may be all the same, where a record came before the opening that it is of.
"""

provision_reports = sa.Table(
    "provision_reports",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("report_id", sa.Text, nullable=False),
    sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
)
"""Agencies' reports of the records that they keep, with the signed message each came in."""

provision_records = sa.Table(
    "provision_records",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("release_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("placed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("provision_records_unplaced", "agency_id", "release_id", "side", postgresql_where=sa.text("NOT placed")),
)
"""What each agency has last reported of an opening; `placed` once the opening is known to have that agency there."""

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("finding", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("findings_position", "topic", "partition", "offset"),
)
"""What was wrong with something that arrived; it is kept in the log all the same."""

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("evidence_id", sa.Text, primary_key=True),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("custodians", ARRAY(sa.Text), nullable=False),
    sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.UniqueConstraint("agency_id", "message_id"),
)
"""Evidence kept, by the signed message that it came with, in which each custodian's sealed share stands."""

evidence_pieces = sa.Table(
    "evidence_pieces",
    metadata,
    sa.Column("evidence_id", sa.Text, sa.ForeignKey("evidence.evidence_id"), primary_key=True),
    sa.Column("piece", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
"""The sealed files, cut into pieces so that nobody need hold one in memory."""

evidence_askings = sa.Table(
    "evidence_askings",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("opening_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("coordinator_id", sa.Text, nullable=False),
    sa.Column("appointment_id", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("share", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Index("evidence_askings_of", "opening_id", "agency_id", "version"),
)
"""Each time that a custodian asked for an opening, with its share as sealed to the other; `version` is the event's."""
