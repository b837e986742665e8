"""Referrals as rows: read and written for a whole batch with one statement each."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.referral.domain.referral import Referral
from services.referral.domain.routing import RoutedBy
from services.referral.storage.tables import referrals
from tsunagu_contracts.codes import Area, Language, Purpose, ReferralState, ServiceFamily, Urgency
from tsunagu_contracts.events.referral import Accountable, SectionCoverage, SectionFacts

_SECTIONS = TypeAdapter(tuple[SectionFacts, ...])
_COVERAGE = TypeAdapter(tuple[SectionCoverage, ...])
_Value = TypeVar("_Value")

_KEPT_ASIDE = ("manifest", "delivery")
_STATE = [column for column in referrals.c if column.name not in _KEPT_ASIDE]

# One JSON parameter carries the whole batch: the statement stays the same whatever the batch's size.
_INSERT = sa.text("""
    INSERT INTO referrals
    SELECT * FROM json_populate_recordset(CAST(NULL AS referrals), CAST(:rows AS json)) ORDER BY referral_id
    ON CONFLICT DO NOTHING
    RETURNING referral_id
""")
_UPDATE = sa.text("""
    UPDATE referrals SET
        version = new.version, state = new.state, halted_in = new.halted_in, coverage = new.coverage,
        lead_coordinator = new.lead_coordinator, lead_appointment = new.lead_appointment,
        changed_at = new.changed_at,
        delivered_at = coalesce(referrals.delivered_at, new.delivered_at),
        closed_at = coalesce(referrals.closed_at, new.closed_at),
        delivery = coalesce(referrals.delivery, new.delivery)
    FROM json_populate_recordset(CAST(NULL AS referrals), CAST(:rows AS json)) AS new
    WHERE referrals.referral_id = new.referral_id
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """A referral with the moments that its rows tell beside it."""

    referral: Referral
    submitted_at: datetime
    changed_at: datetime
    bodies_deleted: bool


async def insert(
    session: AsyncSession, begun: Sequence[Referral], manifests: Mapping[str, str], now: datetime
) -> set[str]:
    """Write new referrals, with their manifests by id; returns those whose id and handle were free."""
    if not begun:
        return set()
    rows = [
        _row(referral, now) | {"submitted_at": now.isoformat(), "manifest": manifests[referral.referral_id]}
        for referral in begun
    ]
    inserted = await session.scalars(_INSERT, {"rows": json.dumps(rows)})
    return set(inserted)


async def update(
    session: AsyncSession, moved: Sequence[Referral], deliveries: Mapping[str, str], now: datetime
) -> None:
    """Write referrals that are locked in this transaction, and the events that delivered some of them."""
    if moved:
        rows = [_row(referral, now) | {"delivery": deliveries.get(referral.referral_id)} for referral in moved]
        await session.execute(_UPDATE, {"rows": json.dumps(rows)})


async def lock(session: AsyncSession, referral_ids: Collection[str]) -> dict[str, Referral]:
    """Load and lock referrals, in the order of their ids so that no two transactions deadlock."""
    if not referral_ids:
        return {}
    query = (
        sa.select(*_STATE)
        .where(referrals.c.referral_id == sa.func.any(sa.bindparam("ids", list(referral_ids), sa.ARRAY(sa.Text))))
        .order_by(referrals.c.referral_id)
        .with_for_update()
    )
    return {row.referral_id: _referral(row) for row in await session.execute(query)}


async def existing(session: AsyncSession, referral_ids: Collection[str]) -> set[str]:
    """Return which of these ids are taken."""
    query = sa.select(referrals.c.referral_id).where(referrals.c.referral_id.in_(list(referral_ids)))
    return set(await session.scalars(query))


async def manifests_of(session: AsyncSession, referral_ids: Collection[str]) -> dict[str, str]:
    """Return the senders' manifests of these referrals, verbatim."""
    if not referral_ids:
        return {}
    query = sa.select(referrals.c.referral_id, referrals.c.manifest).where(
        referrals.c.referral_id == sa.func.any(sa.bindparam("ids", list(referral_ids), sa.ARRAY(sa.Text)))
    )
    return {row.referral_id: row.manifest for row in await session.execute(query)}


async def find(session: AsyncSession, referral_id: str) -> Stored | None:
    """Return one referral, unlocked; None when there is none."""
    row = (await session.execute(sa.select(*_STATE).where(referrals.c.referral_id == referral_id))).one_or_none()
    return _stored(row) if row is not None else None


async def delivery_of(session: AsyncSession, referral_id: str) -> str | None:
    """Return the event that delivered the referral, as it was said; None before delivery."""
    delivery: str | None = await session.scalar(
        sa.select(referrals.c.delivery).where(referrals.c.referral_id == referral_id)
    )
    return delivery


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


def _row(referral: Referral, now: datetime) -> dict[str, object]:
    moment = now.isoformat()
    return {
        "referral_id": referral.referral_id,
        "version": referral.version,
        "state": referral.state.value,
        "halted_in": referral.halted_in and referral.halted_in.value,
        "sender": referral.sender,
        "sender_coordinator": referral.sent_by.coordinator_id,
        "sender_appointment": referral.sent_by.appointment_id,
        "addressee": referral.addressee,
        "routed_by": referral.routed_by.value,
        "lead_coordinator": referral.lead and referral.lead.coordinator_id,
        "lead_appointment": referral.lead and referral.lead.appointment_id,
        "handle_id": referral.handle_id,
        "purpose": referral.purpose.value,
        "area": referral.area.value,
        "service_family": referral.service_family.value,
        "urgency": referral.urgency.value,
        "language": referral.language.value,
        "sections": _SECTIONS.dump_python(referral.sections, mode="json"),
        "coverage": _COVERAGE.dump_python(referral.coverage, mode="json"),
        "changed_at": moment,
        "delivered_at": moment if referral.delivered else None,
        "closed_at": moment if referral.closed else None,
    }


def _referral(row: "Row[tuple[object, ...]]") -> Referral:
    sent_by = Accountable(
        agency_id=row.sender, coordinator_id=row.sender_coordinator, appointment_id=row.sender_appointment
    )
    lead = None
    if row.lead_coordinator is not None:
        lead = Accountable(
            agency_id=row.addressee, coordinator_id=row.lead_coordinator, appointment_id=row.lead_appointment
        )
    return Referral(
        referral_id=row.referral_id,
        version=row.version,
        state=ReferralState(row.state),
        halted_in=ReferralState(row.halted_in) if row.halted_in else None,
        sent_by=sent_by,
        lead=lead,
        addressee=row.addressee,
        routed_by=RoutedBy(row.routed_by),
        delivered=row.delivered_at is not None,
        handle_id=row.handle_id,
        purpose=Purpose(row.purpose),
        area=Area(row.area),
        service_family=ServiceFamily(row.service_family),
        urgency=Urgency(row.urgency),
        language=Language(row.language),
        sections=_SECTIONS.validate_python(row.sections),
        coverage=_COVERAGE.validate_python(row.coverage),
    )


def _stored(row: "Row[tuple[object, ...]]") -> Stored:
    return Stored(
        referral=_referral(row),
        submitted_at=row.submitted_at,
        changed_at=row.changed_at,
        bodies_deleted=row.bodies_deleted_at is not None,
    )
