"""Statements: added and read, never changed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.statements import Representation, Statement
from services.consent.storage import rows
from services.consent.storage.tables import statements
from services.eventing.statements import Row
from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.events.consent import StatementRecorded

SPOKEN = (
    "statement_id",
    "number",
    "kind",
    "categories",
    "recipients",
    "purposes",
    "how",
    "valid_from",
    "valid_until",
    "stated_at",
    "recorded_at",
    "agency_id",
    "representative_id",
    "ground",
    "overrides",
    "disaster_in",
    "confirms",
)
"""The columns that decisions are made on, in the order in which `statement_of` takes them."""

_SPOKEN = [statements.c[name] for name in SPOKEN]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A statement already recorded under an id that comes again, with the message that it came in."""

    statement: Statement
    record_id: str
    manifest: str


async def insert(session: AsyncSession, recorded: StatementRecorded) -> None:
    """Write one statement as its event says it."""
    spoken_for = recorded.representation
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
                "representative_id": spoken_for.representative_id if spoken_for else None,
                "ground": spoken_for.ground.value if spoken_for else None,
                "overrides": spoken_for.overrides.value if spoken_for and spoken_for.overrides else None,
                "disaster_in": recorded.disaster_in.value if recorded.disaster_in else None,
                "confirms": recorded.confirms,
                "evidence": recorded.evidence,
            }
        ],
    )


async def of(session: AsyncSession, record_ids: Collection[str]) -> dict[str, tuple[Statement, ...]]:
    """Read everything these persons have said, by record id; every id asked for is there."""
    said: dict[str, list[Statement]] = defaultdict(list)
    if record_ids:
        wanted = sa.cast(list(record_ids), sa.ARRAY(sa.Text))
        for record_id, *row in await session.execute(
            sa.select(statements.c.record_id, *_SPOKEN)
            .where(statements.c.record_id == sa.func.any(wanted))
            .order_by(statements.c.record_id, statements.c.number)
        ):
            said[record_id].append(statement_of(row))
    return {record_id: tuple(said[record_id]) for record_id in record_ids}


async def recorder_of_grant(session: AsyncSession, statement_id: str, record_id: str) -> str | None:
    """The agency that recorded this grant of this person; None where it is none."""
    found: str | None = await session.scalar(
        sa.select(statements.c.agency_id).where(
            statements.c.statement_id == statement_id,
            statements.c.record_id == record_id,
            statements.c.kind == StatementKind.GRANT.value,
        )
    )
    return found


async def earlier(session: AsyncSession, statement_id: str, agency_id: str, message_id: str) -> Earlier | None:
    """Read what was recorded under this statement id, or from this message of this agency."""
    row = (
        await session.execute(
            sa.select(statements.c.record_id, statements.c.manifest, *_SPOKEN)
            .where(
                sa.or_(
                    statements.c.statement_id == statement_id,
                    sa.and_(statements.c.agency_id == agency_id, statements.c.message_id == message_id),
                )
            )
            .limit(1)
        )
    ).one_or_none()
    if row is None:
        return None
    record_id, manifest, *said = row
    return Earlier(statement_of(said), record_id, manifest)


def statement_of(row: Row) -> Statement:
    """The statement that the columns `SPOKEN` tell of."""
    (
        statement_id,
        number,
        kind,
        categories,
        recipients,
        purposes,
        how,
        valid_from,
        valid_until,
        stated_at,
        recorded_at,
        agency_id,
        representative_id,
        ground,
        overrides,
        disaster_in,
        confirms,
    ) = row
    return Statement(
        statement_id=statement_id,
        number=number,
        kind=StatementKind(kind),
        categories=frozenset(map(Category, categories)),
        recipients=None if recipients is None else frozenset(recipients),
        purposes=frozenset(map(Purpose, purposes)),
        how=StatementMethod(how),
        valid_from=valid_from,
        valid_until=valid_until,
        stated_at=stated_at,
        recorded_at=recorded_at,
        recorded_by_agency=agency_id,
        representation=(
            Representation(
                representative_id, RepresentationGround(ground), OverrideGround(overrides) if overrides else None
            )
            if representative_id
            else None
        ),
        disaster_in=Area(disaster_in) if disaster_in else None,
        confirms=confirms,
    )
