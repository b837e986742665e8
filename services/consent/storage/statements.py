"""Statements: added and read, never changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable
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
from tsunagu_contracts.events.consent import StatementRecorded, StatementWithdrawnByPerson

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
    """A statement already recorded under an id that comes again, with the message that it came in, if in one."""

    statement: Statement
    record_id: str
    manifest: str | None


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


async def insert_withdrawal(session: AsyncSession, said: StatementWithdrawnByPerson) -> None:
    """Write what was withdrawn by a receipt, as its event says it."""
    spoken_for = said.representation
    await rows.insert(
        session,
        statements,
        [
            {
                "statement_id": said.statement_id,
                "record_id": said.record_id,
                "number": said.number,
                "kind": StatementKind.WITHDRAW.value,
                "categories": [category.value for category in said.categories],
                "recipients": None if said.recipients is None else list(said.recipients),
                "purposes": [purpose.value for purpose in said.purposes],
                "how": StatementMethod.ONLINE.value,
                "valid_from": said.recorded_at,
                "stated_at": said.recorded_at,
                "recorded_at": said.recorded_at,
                "by_receipt": said.receipt_id,
                "representative_id": spoken_for.representative_id if spoken_for else None,
                "ground": spoken_for.ground.value if spoken_for else None,
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


async def recorder_of_grant(session: AsyncSession, statement_id: str, record_ids: Collection[str]) -> str | None:
    """The agency that recorded this grant of the person of these records; None where it is none."""
    found: str | None = await session.scalar(
        sa.select(statements.c.agency_id).where(
            statements.c.statement_id == statement_id,
            statements.c.record_id.in_(record_ids),
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


def by_record(rows: Iterable[Row]) -> dict[str, list[Statement]]:
    """Statements by record id, of rows of a record id with the columns `SPOKEN`."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for record_id, *said in rows:
        found[record_id].append(statement_of(said))
    return found


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
