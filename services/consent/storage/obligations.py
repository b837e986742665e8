"""Obligations: incurred, ended once, and told to the agency that owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.obligations import Held, Open
from services.consent.storage import rows
from services.consent.storage.tables import obligations
from tsunagu_contracts.codes import Category, KeptUnder, ObligationCause, ObligationEnd, Purpose
from tsunagu_contracts.events.consent import ObligationEnded, ObligationIncurred, ObligationOverdue

AT_ONCE = 50
"""How many overdue ones `overdue` takes at most."""

_HELD = sa.text("""
    SELECT DISTINCT opened.recipient, opened.referral_id, opened.section_id, sections.category, referrals.purpose,
        referrals.erased IS NOT NULL AS erased
    FROM releases AS opened
    JOIN sections USING (referral_id, section_id) JOIN referrals USING (referral_id)
    WHERE opened.record_id = :record_id AND opened.granted AND opened.number > coalesce((
        SELECT max(ended_number) FROM obligations
        WHERE obligations.record_id = opened.record_id AND obligations.section_id = opened.section_id
            AND obligations.agency_id = opened.recipient AND ended_as <> 'lifted'
    ), 0)
    ORDER BY opened.section_id, opened.recipient
""")
_OPEN = sa.text("""
    SELECT obligation_id, agency_id, obligations.referral_id, section_id, category, purpose, erased IS NOT NULL
    FROM obligations JOIN referrals USING (referral_id)
    WHERE obligations.record_id = :record_id AND ended_at IS NULL ORDER BY number
""")
_END = sa.text("""
    UPDATE obligations SET ended_number = :number, ended_at = :at, ended_as = :ended_as, kept_under = :kept_under,
        message_id = :message_id, manifest = :manifest
    WHERE obligation_id = :obligation_id AND ended_at IS NULL
""")
_FIND = sa.text("""
    SELECT record_id, ended_at, manifest FROM obligations
    WHERE obligation_id = :obligation_id AND agency_id = :agency_id
""")
_OF_AGENCY = sa.text("""
    SELECT obligation_id, referral_id, section_id, category, cause, incurred_at, due_at, ended_at, ended_as, kept_under
    FROM obligations WHERE agency_id = :agency_id AND obligation_id > :after AND (:all OR ended_at IS NULL)
    ORDER BY obligation_id LIMIT :limit
""")
# The limit stands in the text: of a parameter a kept plan would assume a tenth of the table.
_OVERDUE = sa.text(f"""
    SELECT obligation_id, record_id, agency_id, referral_id, due_at FROM obligations
    WHERE ended_at IS NULL AND overdue_at IS NULL AND due_at <= :now ORDER BY due_at LIMIT {AT_ONCE}
""")  # noqa: S608 - a number of our own
_MARK_OVERDUE = sa.text("""
    UPDATE obligations SET overdue_at = :at
    WHERE obligation_id = :obligation_id AND ended_at IS NULL AND overdue_at IS NULL RETURNING 1
""")


@dataclass(frozen=True, slots=True)
class Found:
    """An obligation that an agency answers: whose record it is on, and how it was answered before, if it was."""

    record_id: str
    ended_at: datetime | None
    manifest: str | None


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation as the agency sees it."""

    obligation_id: str
    referral_id: str
    section_id: str
    category: Category
    cause: ObligationCause
    incurred_at: datetime
    due_at: datetime
    ended_at: datetime | None
    ended_as: ObligationEnd | None
    kept_under: KeptUnder | None


@dataclass(frozen=True, slots=True)
class Overdue:
    """An obligation whose date has passed."""

    obligation_id: str
    record_id: str
    agency_id: str
    referral_id: str
    due_at: datetime


async def held(session: AsyncSession, record_id: str) -> list[Held]:
    """What agencies have opened of this person since they last answered for it."""
    found = await session.execute(_HELD, {"record_id": record_id})
    return [
        Held(agency_id, referral_id, section_id, Category(category), Purpose(purpose), erased)
        for agency_id, referral_id, section_id, category, purpose, erased in found
    ]


async def open_of(session: AsyncSession, record_id: str) -> list[Open]:
    """The open obligations of everybody who has opened something of this person."""
    found = await session.execute(_OPEN, {"record_id": record_id})
    return [
        Open(obligation_id, Held(agency_id, referral_id, section_id, Category(category), Purpose(purpose), erased))
        for obligation_id, agency_id, referral_id, section_id, category, purpose, erased in found
    ]


async def insert(session: AsyncSession, incurred: Sequence[ObligationIncurred]) -> None:
    """Write obligations as their events say them."""
    await rows.insert(
        session,
        obligations,
        [
            {
                "obligation_id": each.obligation_id,
                "record_id": each.record_id,
                "number": each.number,
                "agency_id": each.agency_id,
                "referral_id": each.referral_id,
                "section_id": each.section_id,
                "category": each.category.value,
                "cause": each.cause.value,
                "incurred_at": each.incurred_at,
                "due_at": each.due_at,
            }
            for each in incurred
        ],
    )


async def end(session: AsyncSession, ended: ObligationEnded) -> None:
    """Write how an obligation ended; its person's row is locked, so that it has not ended meanwhile."""
    values: Mapping[str, object] = {
        "number": ended.number,
        "at": ended.ended_at,
        "ended_as": ended.end.value,
        "kept_under": ended.kept_under.value if ended.kept_under else None,
        "message_id": ended.message_id,
        "manifest": ended.manifest,
        "obligation_id": ended.obligation_id,
    }
    await session.execute(_END, values)


async def find(session: AsyncSession, obligation_id: str, agency_id: str) -> Found | None:
    """Read an obligation of this agency; None for another's too."""
    row = (await session.execute(_FIND, {"obligation_id": obligation_id, "agency_id": agency_id})).one_or_none()
    return None if row is None else Found(row.record_id, row.ended_at, row.manifest)


async def of_agency(session: AsyncSession, agency_id: str, *, after: str, limit: int, ended_too: bool) -> list[Owed]:
    """List an agency's obligations by id, those after this one, at most so many."""
    found = await session.execute(
        _OF_AGENCY, {"agency_id": agency_id, "after": after, "limit": limit, "all": ended_too}
    )
    return [
        Owed(
            row.obligation_id,
            row.referral_id,
            row.section_id,
            Category(row.category),
            ObligationCause(row.cause),
            row.incurred_at,
            row.due_at,
            row.ended_at,
            ObligationEnd(row.ended_as) if row.ended_as else None,
            KeptUnder(row.kept_under) if row.kept_under else None,
        )
        for row in found
    ]


async def overdue(session: AsyncSession, now: datetime) -> list[Overdue]:
    """Read those whose date has passed and of whom that has not been said, `AT_ONCE` at most."""
    found = await session.execute(_OVERDUE, {"now": now})
    return [Overdue(row.obligation_id, row.record_id, row.agency_id, row.referral_id, row.due_at) for row in found]


async def mark_overdue(session: AsyncSession, said: ObligationOverdue) -> bool:
    """Note that an obligation is overdue; False where it has ended or that was noted meanwhile."""
    values = {"obligation_id": said.obligation_id, "at": said.noticed_at}
    return (await session.execute(_MARK_OVERDUE, values)).scalar_one_or_none() is not None
