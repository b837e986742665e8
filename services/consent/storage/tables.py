"""The tables of `consent`; no private key, no content key and no section's body is in any of them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData()

_MOMENT = sa.DateTime(timezone=True)
_CODES = ARRAY(sa.Text)

persons = sa.Table(
    "persons",
    metadata,
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("latest_at", _MOMENT, nullable=False),
    sa.Column("group_id", sa.Text, nullable=False),
    sa.Index("persons_group", "group_id"),
)
"""One row per record, under a random id; whoever takes the next number holds the rows' locks of the whole group.

`number` is the last one taken and the version of the stream `record:<record_id>`; `latest_at` is the latest
moment recorded of the record. Rows with one `group_id` are one person's. A record that is joined with none has its own
id there; whenever joins change a group of several, all of it gets a new id, which no other rows ever had.
"""

person_references = sa.Table(
    "person_references",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("reference_hash", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Index("person_references_record", "record_id"),
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
    sa.Column("erased", sa.Integer),
    sa.Index("referrals_record", "record_id"),
)
"""Referrals as their events tell them; without a person (and a capsule) where the manifest was not valid.

`erased` is the number with which the person was erased, and the capsule with them.
"""

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
    sa.Column("referral_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("categories", _CODES, nullable=False),
    sa.Column("recipients", _CODES),
    sa.Column("purposes", _CODES, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_until", _MOMENT),
    sa.Column("stated_at", _MOMENT, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("agency_id", sa.Text),
    sa.Column("coordinator_id", sa.Text),
    sa.Column("appointment_id", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("manifest", sa.Text),
    sa.Column("by_receipt", sa.Text),
    sa.Column("representative_id", sa.Text),
    sa.Column("ground", sa.Text),
    sa.Column("overrides", sa.Text),
    sa.Column("disaster_in", sa.Text),
    sa.Column("confirms", sa.Text),
    sa.Column("evidence", sa.Text),
    sa.UniqueConstraint("record_id", "number"),
    sa.UniqueConstraint("agency_id", "message_id"),
    sa.Index("statements_disaster", "disaster_in", "record_id", postgresql_where=sa.text("disaster_in IS NOT NULL")),
    sa.CheckConstraint(
        "(by_receipt IS NULL) = (manifest IS NOT NULL AND agency_id IS NOT NULL AND coordinator_id IS NOT NULL "
        "AND appointment_id IS NOT NULL AND message_id IS NOT NULL AND referral_id IS NOT NULL) "
        "AND (by_receipt IS NULL OR kind = 'withdraw')",
        name="an_agency_or_a_receipt",
    ),
)
"""The person's recorded word, with the signed message or the receipt by which it came; only ever added to."""

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
    sa.Column("statement_id", sa.Text, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("agency_id", sa.Text),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.UniqueConstraint("agency_id", "message_id"),
)
"""What makes a statement rest on more than its recorder: a countersignature, or without an agency kept evidence."""

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
    sa.Column("statement_id", sa.Text),
    sa.Column("decided_at", _MOMENT, nullable=False),
    sa.Column("provider", sa.Text),
    sa.UniqueConstraint("record_id", "number"),
    sa.Index("releases_recipient", "recipient", "section_id", postgresql_where=sa.text("granted")),
    sa.Index("releases_provided", "provider", "release_id", postgresql_where=sa.text("granted")),
    sa.Index("releases_received", "recipient", "release_id", postgresql_where=sa.text("granted")),
    sa.Index("releases_granted", "record_id", "section_id", postgresql_where=sa.text("granted")),
    sa.CheckConstraint(
        "NOT granted OR (record_id IS NOT NULL AND number IS NOT NULL AND appointment_id IS NOT NULL "
        "AND statement_id IS NOT NULL)",
        name="a_release_rests_on_a_statement",
    ),
)
"""Every time somebody asked for a section's key, whether it was handed over, and why or why not."""

# No foreign keys: to a restored database the log tells of a join before it tells of both its records.
joins = sa.Table(
    "joins",
    metadata,
    sa.Column("join_id", sa.Text, primary_key=True),
    sa.Column("record_a", sa.Text, nullable=False),
    sa.Column("number_a", sa.Integer, nullable=False),
    sa.Column("record_b", sa.Text, nullable=False),
    sa.Column("number_b", sa.Integer, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("joined_at", _MOMENT, nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("undone_number_a", sa.Integer),
    sa.Column("undone_number_b", sa.Integer),
    sa.Column("undone_at", _MOMENT),
    sa.Column("undone_as", sa.Text),
    sa.Column("undone_by", sa.Text),
    sa.Column("undone_message_id", sa.Text),
    sa.Column("undone_manifest", sa.Text),
    sa.UniqueConstraint("agency_id", "message_id"),
    sa.Index("joins_record_a", "record_a"),
    sa.Index("joins_record_b", "record_b"),
)
"""Records that are one person's by a card or a word, and from which numbers on; undone where that was a mistake."""

cards = sa.Table(
    "cards",
    metadata,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("issued_at", _MOMENT, nullable=False),
    sa.Column("expires_at", _MOMENT, nullable=False),
    sa.Column("voided_at", _MOMENT),
    sa.Column("used_at", _MOMENT),
    sa.Index("cards_message", "agency_id", "message_id"),
    sa.Index("cards_valid", "record_id", postgresql_where=sa.text("used_at IS NULL AND voided_at IS NULL")),
)
"""Cards by the keyed hashes of their secrets; one is good for one join, and no longer once there is a newer one."""
receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("representative_id", sa.Text),
    sa.Column("hidden_categories", _CODES, nullable=False),
    sa.Column("hidden_agencies", _CODES, nullable=False),
    sa.Column("issued_at", _MOMENT, nullable=False),
    sa.Column("ends_at", _MOMENT, nullable=False),
    sa.Column("revoked_at", _MOMENT),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False, unique=True),
    sa.Column("permission_hash", sa.Text),
    sa.Column("permission_until", _MOMENT, nullable=False),
    sa.Column("secret", sa.Text),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("locked_until", _MOMENT),
    sa.UniqueConstraint("agency_id", "message_id"),
)
"""Receipts in persons' hands: keyed hashes of the code and of the permission to set a secret, never either of them.

`secret` is a slow hash (Argon2id); `tries` are those since the last right one or the last lock.
"""

person_tokens = sa.Table(
    "person_tokens",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("receipt_id", sa.Text, nullable=False),
    sa.Column("may_view", sa.Boolean, nullable=False),
    sa.Column("expires_at", _MOMENT, nullable=False),
    sa.Index("person_tokens_receipt", "receipt_id"),
    sa.Index("person_tokens_expires", "expires_at"),
)
"""Tokens for which codes were exchanged, by keyed hash; those that have expired are deleted with the next exchange."""

wrong_codes = sa.Table(
    "wrong_codes",
    metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("minute", _MOMENT, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
)
"""One row: how many exchanges failed in the last minute in which one did."""

view_limits = sa.Table(
    "view_limits",
    metadata,
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("hidden_categories", _CODES, nullable=False),
    sa.Column("hidden_agencies", _CODES, nullable=False),
)
"""What each person lets no representative's receipt show, as last said."""

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("erasure_id", sa.Text, nullable=False),
    sa.Column("handle_ids", _CODES, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("destroyed_at", _MOMENT),
    sa.UniqueConstraint("agency_id", "message_id", "record_id"),
    sa.UniqueConstraint("erasure_id", "record_id"),
    sa.Index("erasures_due", "recorded_at", postgresql_where=sa.text("destroyed_at IS NULL")),
)
"""Records erased, the handles whose keys go with them, and when those keys were destroyed in every replica."""

restorations = sa.Table(
    "restorations",
    metadata,
    sa.Column("restored_at", _MOMENT, primary_key=True),
)
"""When this database was found behind the log."""

restored_referrals = sa.Table(
    "restored_referrals",
    metadata,
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text),
    sa.Column("faults", JSONB),
)
"""Referrals of which the log says more than a restored database knew, until they are taken in again.

`faults` are the sections' faults as the coverage has said them, by section id; NULL where it has said nothing.
"""

disclosures = sa.Table(
    "disclosures",
    metadata,
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("disclosure_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("ground", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("to_agency", sa.Text),
    sa.Column("to_body", sa.Text),
    sa.Column("categories", _CODES, nullable=False),
    sa.Column("disclosed_at", _MOMENT, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.UniqueConstraint("agency_id", "disclosure_id"),
    sa.UniqueConstraint("agency_id", "message_id"),
)
"""What agencies have disclosed outside the network, so that it is traceable; nothing is decided by it."""

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("representative_id", sa.Text),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Column("closed_at", _MOMENT),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.UniqueConstraint("record_id", "number"),
    sa.UniqueConstraint("agency_id", "message_id"),
)
"""Persons' requests about what is held of them, by the agency that received each and the id that it gave it."""

case_parts = sa.Table(
    "case_parts",
    metadata,
    sa.Column("part_id", sa.Text, primary_key=True),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, sa.ForeignKey("persons.record_id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("referral_ids", _CODES, nullable=False),
    sa.Column("due_at", _MOMENT, nullable=False),
    sa.Column("overdue_at", _MOMENT),
    sa.Column("ended_at", _MOMENT),
    sa.Column("ended_as", sa.Text),
    sa.Column("refused_under", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("manifest", sa.Text),
    sa.UniqueConstraint("opened_by", "case_id", "agency_id"),
    sa.UniqueConstraint("agency_id", "message_id"),
    sa.Index("case_parts_agency", "agency_id", "part_id"),
    sa.Index("case_parts_due", "due_at", postgresql_where=sa.text("ended_at IS NULL AND overdue_at IS NULL")),
)
"""What each agency is to answer for in a person's request: its own referrals of the person, and nobody else's."""
# No foreign keys: either side may come first, and both may belong to nothing that is known here.
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("statement_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text),
    sa.Column("evidence_id", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("manifest", sa.Text),
)
"""Where a statement that names evidence and the news that it is kept find each other.

`record_id` is whose statement has named it, the others what is kept and by which message; both given, it counts.
"""
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
