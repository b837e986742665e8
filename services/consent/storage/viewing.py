"""What the person may see of their record; what is hidden is left out before anything is counted off."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.receipts import SHOWN_IN_PERSON, Hidden
from tsunagu_contracts.codes import Category, ObligationCause, Purpose, StatementKind
from tsunagu_contracts.events.consent import ReceiptViewLimited

_IN_PERSON = ", ".join(f"'{category.value}'" for category in sorted(SHOWN_IN_PERSON))
_OPENLY = f"""
    NOT EXISTS (SELECT 1 FROM sections WHERE referral_id = {{}}.referral_id AND category IN ({_IN_PERSON}))
"""  # noqa: S608 - put together from constants
_STATEMENTS = sa.text(f"""
    SELECT kind, categories, recipients, purposes, disaster_in, valid_from, valid_until, recorded_at, representative_id
    FROM statements AS said
    WHERE record_id = ANY(:record_ids) AND {_OPENLY.format("said")}
    ORDER BY recorded_at DESC, number DESC
""")  # noqa: S608 - put together from constants
_ASKED = sa.text(f"""
    SELECT recipient, category, purpose, granted, reason, decided_at
    FROM releases AS asked JOIN sections USING (referral_id, section_id) JOIN referrals USING (referral_id)
    WHERE asked.record_id = ANY(:record_ids) AND {_OPENLY.format("asked")}
        AND category <> ALL(CAST(:categories AS text[])) AND recipient <> ALL(CAST(:agencies AS text[]))
    ORDER BY decided_at DESC, number DESC LIMIT 500
""")  # noqa: S608 - put together from constants
_OWED = sa.text(f"""
    SELECT agency_id, category, cause, due_at FROM obligations AS owed
    WHERE record_id = ANY(:record_ids) AND ended_at IS NULL AND {_OPENLY.format("owed")}
        AND category <> ALL(CAST(:categories AS text[])) AND agency_id <> ALL(CAST(:agencies AS text[]))
    ORDER BY due_at, number LIMIT 500
""")  # noqa: S608 - put together from constants
_LIMITS = sa.text("SELECT hidden_categories, hidden_agencies FROM view_limits WHERE record_id = ANY(:record_ids)")
_LIMIT = sa.text("""
    INSERT INTO view_limits (record_id, number, hidden_categories, hidden_agencies)
    VALUES (:record_id, :number, :categories, :agencies)
    ON CONFLICT (record_id) DO UPDATE SET number = excluded.number,
        hidden_categories = excluded.hidden_categories, hidden_agencies = excluded.hidden_agencies
""")


@dataclass(frozen=True, slots=True)
class Said:
    """A statement as the person sees it; `recipients` None means every agency."""

    kind: StatementKind
    categories: tuple[Category, ...]
    recipients: tuple[str, ...] | None
    purposes: tuple[Purpose, ...]
    only_in_disaster: bool
    valid_from: datetime
    valid_until: datetime | None
    recorded_at: datetime
    by_representative: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """That an agency asked to open something, and whether it did; `reason` is a code of the release."""

    agency_id: str
    category: Category
    purpose: Purpose
    opened: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """What an agency has to delete, or to say why it keeps it."""

    agency_id: str
    category: Category
    cause: ObligationCause
    due_at: datetime


async def statements(session: AsyncSession, record_ids: Collection[str], hidden: Hidden) -> list[Said]:
    """Everything said, newest first; what is hidden is taken out of each, and what is then empty is left out."""
    found = []
    for row in await session.execute(_STATEMENTS, {"record_ids": list(record_ids)}):
        categories = tuple(each for each in map(Category, row.categories) if each not in hidden.categories)
        recipients = None if row.recipients is None else tuple(e for e in row.recipients if e not in hidden.agencies)
        if categories and recipients != ():
            found.append(
                Said(
                    StatementKind(row.kind),
                    categories,
                    recipients,
                    tuple(map(Purpose, row.purposes)),
                    row.disaster_in is not None,
                    row.valid_from,
                    row.valid_until,
                    row.recorded_at,
                    row.representative_id is not None,
                )
            )
    return found


async def asked(session: AsyncSession, record_ids: Collection[str], hidden: Hidden) -> list[Asked]:
    """The last times that agencies asked to open something, newest first."""
    return [
        Asked(row.recipient, Category(row.category), Purpose(row.purpose), row.granted, row.reason, row.decided_at)
        for row in await session.execute(_ASKED, _parameters(record_ids, hidden))
    ]


async def owed(session: AsyncSession, record_ids: Collection[str], hidden: Hidden) -> list[Owed]:
    """What agencies owe, soonest first."""
    return [
        Owed(row.agency_id, Category(row.category), ObligationCause(row.cause), row.due_at)
        for row in await session.execute(_OWED, _parameters(record_ids, hidden))
    ]


async def limits(session: AsyncSession, record_ids: Collection[str]) -> Hidden:
    """What the person hides from representatives."""
    found = Hidden()
    for categories, agencies in await session.execute(_LIMITS, {"record_ids": list(record_ids)}):
        found |= Hidden(frozenset(map(Category, categories)), frozenset(agencies))
    return found


async def limit(session: AsyncSession, limited: ReceiptViewLimited) -> None:
    """Write what the person hides from representatives, as the event says it."""
    await session.execute(
        _LIMIT,
        {
            "record_id": limited.record_id,
            "number": limited.number,
            "categories": [each.value for each in limited.hidden_categories],
            "agencies": list(limited.hidden_agencies),
        },
    )


def _parameters(record_ids: Collection[str], hidden: Hidden) -> Mapping[str, list[str]]:
    return {
        "record_ids": list(record_ids),
        "categories": [each.value for each in hidden.categories],
        "agencies": list(hidden.agencies),
    }
