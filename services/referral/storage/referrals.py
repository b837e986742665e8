"""Referrals as rows: read and written for a whole batch with one statement each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.statements import Statement
from services.eventing.work import Work
from services.referral.domain.referral import Referral
from services.referral.domain.routing import RoutedBy
from services.referral.storage.eliding import with_manifest, without_manifest
from services.referral.storage.tables import referrals
from tsunagu_contracts.codes import Area, Language, Purpose, ReferralState, ServiceFamily, Urgency
from tsunagu_contracts.events.referral import Accountable, SectionCoverage, SectionFacts

_SECTIONS = TypeAdapter(tuple[SectionFacts, ...])
_COVERAGE = TypeAdapter(tuple[SectionCoverage, ...])

_KEPT_ASIDE = ("manifest", "delivery")
_STATE = [column for column in referrals.c if column.name not in _KEPT_ASIDE]

# One JSON parameter carries the whole batch: the statement stays the same whatever the batch's size.
_INSERT = Statement("""
    INSERT INTO referrals SELECT * FROM json_populate_recordset(CAST(NULL AS referrals), CAST(:rows AS json))
""")
_UPDATE = Statement("""
    UPDATE referrals SET
        version = new.version, state = new.state, halted_in = new.halted_in, coverage = new.coverage,
        lead_coordinator = new.lead_coordinator, lead_appointment = new.lead_appointment,
        changed_at = new.changed_at,
        delivered_at = coalesce(referrals.delivered_at, new.delivered_at),
        closed_at = coalesce(referrals.closed_at, new.closed_at),
        delivery = coalesce(referrals.delivery, new.delivery)
    FROM json_to_recordset(CAST(:rows AS json)) AS new (
        referral_id text, before int, version int, state text, halted_in text, coverage jsonb,
        lead_coordinator text, lead_appointment text, changed_at timestamptz, delivered_at timestamptz,
        closed_at timestamptz, delivery text
    )
    WHERE referrals.referral_id = new.referral_id AND referrals.version = new.before
    RETURNING 1
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """A referral with the moments that its rows tell beside it."""

    referral: Referral
    submitted_at: datetime
    changed_at: datetime
    bodies_deleted: bool


def insert(work: Work, begun: Sequence[Referral], manifests: Mapping[str, str], deliveries: Mapping[str, str]) -> None:
    """Write new referrals with their manifests, and the events that delivered some of them, by id."""
    if begun:
        moment = work.now.isoformat()
        rows = [
            _now(referral, moment, manifests, deliveries)
            | {
                "sender": referral.sender,
                "sender_coordinator": referral.sent_by.coordinator_id,
                "sender_appointment": referral.sent_by.appointment_id,
                "addressee": referral.addressee,
                "routed_by": referral.routed_by.value,
                "handle_id": referral.handle_id,
                "purpose": referral.purpose.value,
                "area": referral.area.value,
                "service_family": referral.service_family.value,
                "urgency": referral.urgency.value,
                "language": referral.language.value,
                "sections": referral.sections,
                "submitted_at": moment,
                "manifest": manifests[referral.referral_id],
            }
            for referral in begun
        ]
        work.later(_INSERT, {"rows": to_json(rows).decode()})


def update(
    work: Work,
    changed: Sequence[Referral],
    befores: Mapping[str, int],
    manifests: Mapping[str, str],
    deliveries: Mapping[str, str],
) -> None:
    """Write where referrals stand now, provided that they still stand at the versions `befores`."""
    if changed:
        moment = work.now.isoformat()
        rows = [
            _now(referral, moment, manifests, deliveries) | {"before": befores[referral.referral_id]}
            for referral in changed
        ]
        work.later(_UPDATE, {"rows": to_json(rows).decode()}, touches=len(rows))


async def find(session: AsyncSession, referral_id: str) -> Stored | None:
    """Return one referral, unlocked; None when there is none."""
    row = (await session.execute(sa.select(*_STATE).where(referrals.c.referral_id == referral_id))).one_or_none()
    return _stored(row) if row is not None else None


async def delivery_of(session: AsyncSession, referral_id: str) -> str | None:
    """Return the event that delivered the referral, as it was said; None before delivery."""
    query = sa.select(referrals.c.delivery, referrals.c.manifest).where(referrals.c.referral_id == referral_id)
    row = (await session.execute(query)).one_or_none()
    return None if row is None or row.delivery is None else with_manifest(row.delivery, row.manifest)


async def visible_to(
    session: AsyncSession,
    agency_ids: Collection[str],
    *,
    states: Collection[ReferralState],
    after: str | None,
    limit: int,
) -> list[Stored]:
    """Return what these agencies sent or had delivered, in the order of ids, from behind `after`."""
    sent = referrals.c.sender.in_(list(agency_ids))
    received = sa.and_(referrals.c.addressee.in_(list(agency_ids)), referrals.c.delivered_at.is_not(None))
    query = sa.select(*_STATE).where(sa.or_(sent, received)).order_by(referrals.c.referral_id).limit(limit)
    if states:
        query = query.where(referrals.c.state.in_([state.value for state in states]))
    if after is not None:
        query = query.where(referrals.c.referral_id > after)
    return [_stored(row) for row in await session.execute(query)]


def _now(
    referral: Referral, moment: str, manifests: Mapping[str, str], deliveries: Mapping[str, str]
) -> dict[str, object]:
    delivery = deliveries.get(referral.referral_id)
    return {
        "referral_id": referral.referral_id,
        "version": referral.version,
        "state": referral.state.value,
        "halted_in": referral.halted_in and referral.halted_in.value,
        "lead_coordinator": referral.lead and referral.lead.coordinator_id,
        "lead_appointment": referral.lead and referral.lead.appointment_id,
        "coverage": referral.coverage,
        "changed_at": moment,
        "delivered_at": moment if referral.delivered else None,
        "closed_at": moment if referral.closed else None,
        "delivery": delivery and without_manifest(delivery, manifests[referral.referral_id]),
    }


def referral_of(row: Mapping[str, Any]) -> Referral:
    """The referral that a row tells of, by column name; `delivered` says whether it has been."""
    sent_by = Accountable(
        agency_id=row["sender"],
        coordinator_id=row["sender_coordinator"],
        appointment_id=row["sender_appointment"],
    )
    lead = None
    if row["lead_coordinator"] is not None:
        lead = Accountable(
            agency_id=row["addressee"],
            coordinator_id=row["lead_coordinator"],
            appointment_id=row["lead_appointment"],
        )
    return Referral(
        referral_id=row["referral_id"],
        version=row["version"],
        state=ReferralState(row["state"]),
        halted_in=ReferralState(row["halted_in"]) if row["halted_in"] else None,
        sent_by=sent_by,
        lead=lead,
        addressee=row["addressee"],
        routed_by=RoutedBy(row["routed_by"]),
        delivered=row["delivered"],
        handle_id=row["handle_id"],
        purpose=Purpose(row["purpose"]),
        area=Area(row["area"]),
        service_family=ServiceFamily(row["service_family"]),
        urgency=Urgency(row["urgency"]),
        language=Language(row["language"]),
        sections=_SECTIONS.validate_python(row["sections"]),
        coverage=_COVERAGE.validate_python(row["coverage"]),
    )


def _stored(row: "Row[tuple[object, ...]]") -> Stored:
    return Stored(
        referral=referral_of({**row._mapping, "delivered": row.delivered_at is not None}),
        submitted_at=row.submitted_at,
        changed_at=row.changed_at,
        bodies_deleted=row.bodies_deleted_at is not None,
    )
