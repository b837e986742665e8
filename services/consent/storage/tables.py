"""The tables of `consent`; no private key, no content key and no section's body is in any of them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

metadata = sa.MetaData()

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)

persons = sa.Table(
    "persons",
    metadata,
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("latest_at", _MOMENT, nullable=False),
)
"""One row per person, under a random id; whoever takes the next number holds this row's lock.

`number` is the last one taken and the version of the stream `record:<record_id>`; `latest_at` is the latest
moment recorded of the person.
"""

person_references = sa.Table(
    "person_references",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("reference_hash", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, nullable=False),
)
"""Which person an agency means by its own reference, of which only a keyed hash is kept."""

handles = sa.Table(
    "handles",
    metadata,
    sa.Column("handle_id", sa.Text, primary_key=True),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("issued_at", _MOMENT, nullable=False),
    sa.Column("expires_at", _MOMENT, nullable=False),
    sa.Column("referral_id", sa.Text),
)
"""Handles issued; one serves one referral. Their private keys are in the key store."""

referrals = sa.Table(
    "referrals",
    metadata,
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id")),
    sa.Column("handle_id", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("addressee", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("capsule", sa.Text),
    sa.Index("referrals_record", "record_id"),
)
"""Referrals as their events tell them; without a person (and a capsule) where the manifest was not valid."""

sections = sa.Table(
    "sections",
    metadata,
    sa.Column("referral_id", sa.Text, sa.ForeignKey("referrals.referral_id"), primary_key=True),
    sa.Column("section_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("invalid", sa.Text),
    # Whatever else fails, no section id opens in two referrals.
    sa.Index("sections_valid", "section_id", unique=True, postgresql_where=sa.text("invalid IS NULL")),
)
"""The sections of each referral, and what is wrong with those that are not valid."""

content_keys = sa.Table(
    "content_keys",
    metadata,
    sa.Column("key_hash", sa.Text, primary_key=True),
    sa.Column("section_id", sa.Text, nullable=False),
)
"""Keyed hashes of every content key ever seen, so that one that comes back is noticed."""

statements = sa.Table(
    "statements",
    metadata,
    sa.Column("statement_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("referral_id", sa.Text, sa.ForeignKey("referrals.referral_id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("categories", _CODES, nullable=False),
    sa.Column("recipients", _CODES),
    sa.Column("purposes", _CODES, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_until", _MOMENT),
    sa.Column("stated_at", _MOMENT, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("coordinator_id", sa.Text, nullable=False),
    sa.Column("appointment_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("representative_id", sa.Text),
    sa.Column("ground", sa.Text),
    sa.Column("overrides", sa.Text),
    sa.Column("disaster_in", sa.Text),
    sa.Column("confirms", sa.Text),
    sa.UniqueConstraint("record_id", "number"),
    sa.UniqueConstraint("agency_id", "message_id"),
    sa.Index("statements_disaster", "disaster_in", "record_id", postgresql_where=sa.text("disaster_in IS NOT NULL")),
)
"""The person's recorded word, with the signed message it came in; only ever added to."""

representatives = sa.Table(
    "representatives",
    metadata,
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
"""Who may speak in a person's stead, as each agency has recorded it; of one id the last row counts."""

supports = sa.Table(
    "supports",
    metadata,
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("statement_id", sa.Text, sa.ForeignKey("statements.statement_id"), nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.UniqueConstraint("agency_id", "message_id"),
)
"""Countersignatures: what makes a statement rest on more than its recorder."""

disasters = sa.Table(
    "disasters",
    metadata,
    sa.Column("disaster_id", sa.Text, primary_key=True),
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("declared_at", _MOMENT, nullable=False),
    sa.Column("lifted_at", _MOMENT),
    sa.Index("disasters_area", "area"),
)
"""Disasters declared in an area, and when they were lifted there."""

obligations = sa.Table(
    "obligations",
    metadata,
    sa.Column("obligation_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("section_id", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("incurred_at", _MOMENT, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Column("overdue_at", _MOMENT),
    sa.Column("ended_number", sa.Integer),
    sa.Column("ended_at", _MOMENT),
    sa.Column("ended_as", sa.Text),
    sa.Column("kept_under", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("manifest", sa.Text),
    sa.UniqueConstraint("record_id", "number"),
    sa.UniqueConstraint("agency_id", "message_id"),
    sa.Index("obligations_open", "agency_id", "section_id", unique=True, postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("obligations_due", "due_at", postgresql_where=sa.text("ended_at IS NULL AND overdue_at IS NULL")),
    sa.Index("obligations_agency", "agency_id", "obligation_id"),
)
"""What agencies owe for what they have opened and may no longer hold, and how each of it ended."""

# No foreign key: a declaration would else hold the rows of all persons whom it concerns, and with them their word.
coverage_due = sa.Table(
    "coverage_due",
    metadata,
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("due_at", _MOMENT, primary_key=True),
    sa.Index("coverage_due_at", "due_at"),
)
"""When what is covered of a person may change though nobody says anything: a period begins or ends, a disaster."""

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("release_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id")),
    sa.Column("number", sa.Integer),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("section_id", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("coordinator_id", sa.Text, nullable=False),
    sa.Column("appointment_id", sa.Text),
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("statement_id", sa.Text, sa.ForeignKey("statements.statement_id")),
    sa.Column("decided_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("record_id", "number"),
    sa.Index("releases_recipient", "recipient", "section_id", postgresql_where=sa.text("granted")),
    sa.Index("releases_granted", "record_id", "section_id", postgresql_where=sa.text("granted")),
    sa.CheckConstraint(
        "NOT granted OR (record_id IS NOT NULL AND number IS NOT NULL AND appointment_id IS NOT NULL "
        "AND statement_id IS NOT NULL)",
        name="a_release_rests_on_a_statement",
    ),
)
"""Every time somebody asked for a section's key, whether it was handed over, and why or why not."""

consent_requests = sa.Table(
    "consent_requests",
    metadata,
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
    # When there is something to say next: first the reminder, then the lapse, which is at the deadline.
    sa.Column("next_at", _MOMENT, nullable=False),
    sa.Column("asked_by", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("manifest", sa.Text),
    sa.Column("ended_at", _MOMENT),
    sa.Column("answer_manifest", sa.Text),
    sa.UniqueConstraint("record_id", "number"),
    sa.UniqueConstraint("asked_by", "message_id"),
    sa.Index("consent_requests_open", "record_id", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("consent_requests_next", "next_at", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("consent_requests_agency", "agency_id", "request_id", postgresql_where=sa.text("ended_at IS NULL")),
)
"""Duties to ask the person: requests of agencies, renewals and reviews; `asked_by` null where nobody asked."""

renewals_due = sa.Table(
    "renewals_due",
    metadata,
    sa.Column("statement_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Index("renewals_due_at", "due_at"),
)
"""When the person is to be asked again about a grant."""

person_changes = sa.Table(
    "person_changes",
    metadata,
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
"""What agencies have reported of a person's life; of one id of an agency the last row counts."""
