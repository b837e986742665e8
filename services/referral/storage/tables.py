"""The tables of `referral`, beside those of the pipeline and of the membership projection."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()

referrals = sa.Table(
    "referrals",
    metadata,
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("halted_in", sa.Text),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("sender_coordinator", sa.Text, nullable=False),
    sa.Column("sender_appointment", sa.Text, nullable=False),
    sa.Column("addressee", sa.Text, nullable=False),
    sa.Column("routed_by", sa.Text, nullable=False),
    sa.Column("lead_coordinator", sa.Text),
    sa.Column("lead_appointment", sa.Text),
    sa.Column("handle_id", sa.Text, nullable=False, unique=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("service_family", sa.Text, nullable=False),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("sections", JSONB, nullable=False),
    sa.Column("coverage", JSONB, nullable=False),
    sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("delivered_at", sa.DateTime(timezone=True)),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.Column("bodies_deleted_at", sa.DateTime(timezone=True)),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("delivery", sa.Text),
    sa.Index("referrals_sent", "sender", "referral_id"),
    sa.Index("referrals_received", "addressee", "referral_id", postgresql_where=sa.text("delivered_at IS NOT NULL")),
    sa.Index(
        "referrals_bodies_due",
        "closed_at",
        postgresql_where=sa.text("closed_at IS NOT NULL AND bodies_deleted_at IS NULL"),
    ),
)
"""One row per referral at its present version.

`manifest` is the sender's, verbatim; `delivery` is the event with which the addressee got the bodies.
"""

bodies = sa.Table(
    "bodies",
    metadata,
    sa.Column("referral_id", sa.Text, sa.ForeignKey("referrals.referral_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("section_id", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
"""Sealed sections in transit, as compact JWE; deleted a set time after their referral has closed."""

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("agency_id", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("answer", sa.Text),
)
"""What became of each authentic message: the event that answered it, to be told again when it comes again.

An id counts per agency, so that nobody can use up, or find out, another's.
"""
