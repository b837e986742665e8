"""Statements: added and read, never changed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.statements import Statement
from services.consent.storage import rows
from services.consent.storage.tables import statements
from tsunagu_contracts.codes import Category, Purpose, StatementKind, StatementMethod
from tsunagu_contracts.events.consent import StatementRecorded


@dataclass(frozen=True, slots=True)
class Earlier:
    """A statement already recorded under an id that comes again, with the message that it came in."""

    statement: Statement
    record_id: str
    manifest: str


async def insert(session: AsyncSession, recorded: StatementRecorded) -> None:
    """Write one statement as its event says it."""
    await rows.insert(
        session,
        statements,
        [
            {
                "statement_id": recorded.statement_id,
                "record_id": recorded.record_id,
                "number": recorded.number,
                "referral_id": recorded.referral_id,
                "kind": recorded.kind.value,
                "categories": [category.value for category in recorded.categories],
                "recipients": None if recorded.recipients is None else list(recorded.recipients),
                "purposes": [purpose.value for purpose in recorded.purposes],
                "how": recorded.how.value,
                "valid_from": recorded.valid_from,
                "valid_until": recorded.valid_until,
                "stated_at": recorded.stated_at,
                "recorded_at": recorded.recorded_at,
                "agency_id": recorded.recorded_by.agency_id,
                "coordinator_id": recorded.recorded_by.coordinator_id,
                "appointment_id": recorded.recorded_by.appointment_id,
                "message_id": recorded.message_id,
                "manifest": recorded.manifest,
            }
        ],
    )


async def of(session: AsyncSession, record_ids: Collection[str]) -> dict[str, tuple[Statement, ...]]:
    """Read everything these persons have said, by record id; every id asked for is there."""
    said: dict[str, list[Statement]] = defaultdict(list)
    if record_ids:
        wanted = sa.cast(list(record_ids), sa.ARRAY(sa.Text))
        for row in await session.execute(
            sa.select(statements)
            .where(statements.c.record_id == sa.func.any(wanted))
            .order_by(statements.c.record_id, statements.c.number)
        ):
            said[row.record_id].append(_statement(row._mapping))
    return {record_id: tuple(said[record_id]) for record_id in record_ids}


async def earlier(session: AsyncSession, statement_id: str, agency_id: str, message_id: str) -> Earlier | None:
    """Read what was recorded under this statement id, or from this message of this agency."""
    row = (
        await session.execute(
            sa.select(statements)
            .where(
                sa.or_(
                    statements.c.statement_id == statement_id,
                    sa.and_(statements.c.agency_id == agency_id, statements.c.message_id == message_id),
                )
            )
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else Earlier(_statement(row._mapping), row.record_id, row.manifest)


def _statement(row: sa.RowMapping) -> Statement:
    return Statement(
        statement_id=row["statement_id"],
        number=row["number"],
        kind=StatementKind(row["kind"]),
        categories=frozenset(map(Category, row["categories"])),
        recipients=None if row["recipients"] is None else frozenset(row["recipients"]),
        purposes=frozenset(map(Purpose, row["purposes"])),
        how=StatementMethod(row["how"]),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        stated_at=row["stated_at"],
        recorded_at=row["recorded_at"],
        recorded_by_agency=row["agency_id"],
    )
