"""Persons' requests: opened with a part for each agency, answered part by part, closed when none is open."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import case_parts, cases
from tsunagu_contracts.codes import CaseEnd, CaseKind, CaseRefusal
from tsunagu_contracts.events.consent import CaseAnswered, CaseAsked, CaseClosed, CaseOpened, CaseOverdue

AT_ONCE = 50
"""How many overdue parts `overdue` reads at most."""
AT_MOST = 200
"""How many parts `of_agency` reads at most."""

_KNOWING = sa.text("""
    SELECT agency_id, array_agg(referral_id ORDER BY referral_id) AS referral_ids FROM (
        SELECT sender AS agency_id, referral_id FROM referrals WHERE record_id = ANY(:record_ids)
        UNION
        SELECT recipient, referral_id FROM releases WHERE record_id = ANY(:record_ids) AND granted
    ) AS known
    GROUP BY agency_id ORDER BY agency_id
""")
_KNOWN = sa.text("""
    SELECT recorded_at, due_at, manifest FROM cases
    WHERE agency_id = :agency_id AND (case_id = :case_id OR message_id = :message_id)
""")
_FIND = sa.text("""
    SELECT parts.record_id, opened_by, parts.case_id, parts.kind, parts.referral_ids, ended_at, parts.manifest,
        cases.referral_id
    FROM case_parts AS parts JOIN cases ON cases.agency_id = opened_by AND cases.case_id = parts.case_id
    WHERE part_id = :part_id AND parts.agency_id = :agency_id
""")
_SAID = sa.text("SELECT part_id FROM case_parts WHERE agency_id = :agency_id AND message_id = :message_id")
_ANSWER = sa.text("""
    UPDATE case_parts SET ended_at = :at, ended_as = :end, refused_under = :refused_under,
        message_id = :message_id, manifest = :manifest
    WHERE part_id = :part_id AND ended_at IS NULL
""")
_STILL_OPEN = sa.text("""
    SELECT EXISTS (SELECT FROM case_parts WHERE opened_by = :opened_by AND case_id = :case_id AND ended_at IS NULL)
""")
_CLOSE = sa.text("UPDATE cases SET closed_at = :at WHERE agency_id = :opened_by AND case_id = :case_id")
_PART_AGAIN = sa.text("""
    INSERT INTO case_parts (part_id, opened_by, case_id, record_id, kind, agency_id, referral_ids, due_at)
    SELECT :part_id, cases.agency_id, cases.case_id, cases.record_id, kind, :agency_id, ARRAY[:referral_id], :due_at
    FROM cases WHERE cases.record_id = :record_id AND cases.case_id = :case_id
    ORDER BY number DESC LIMIT 1
""")
_CLOSE_AGAIN = sa.text("UPDATE cases SET closed_at = :at WHERE record_id = :record_id AND case_id = :case_id")
_OF_AGENCY = sa.text(f"""
    SELECT part_id, kind, referral_ids, due_at, overdue_at, ended_at, ended_as, refused_under,
        CASE WHEN opened_by = :agency_id THEN case_id END AS case_id
    FROM case_parts WHERE agency_id = :agency_id AND part_id > :after AND (:all OR ended_at IS NULL)
    ORDER BY part_id LIMIT {AT_MOST}
""")  # noqa: S608 - a number of our own
_OVERDUE = sa.text(f"""
    SELECT part_id, record_id, case_id, agency_id, referral_ids, due_at FROM case_parts
    WHERE ended_at IS NULL AND overdue_at IS NULL AND due_at <= :now ORDER BY due_at LIMIT {AT_ONCE}
""")  # noqa: S608 - a number of our own
_MARK_OVERDUE = sa.text("""
    UPDATE case_parts SET overdue_at = :at
    WHERE part_id = :part_id AND ended_at IS NULL AND overdue_at IS NULL RETURNING 1
""")


@dataclass(frozen=True, slots=True)
class Knowing:
    """An agency that sent a referral of a person or opened a section of one, and which referrals those are."""

    agency_id: str
    referral_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A case that an agency has opened before, under the same case id or by the same message."""

    opened_at: datetime
    due_at: datetime
    manifest: str


@dataclass(frozen=True, slots=True)
class Part:
    """An agency's part of a case: what it is to answer for, and how it was answered before, if it was."""

    record_id: str
    opened_by: str
    case_id: str
    kind: CaseKind
    referral_ids: tuple[str, ...]
    ended_at: datetime | None
    manifest: str | None
    opened_for: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A part as its agency sees it; `case_id` only where that agency has opened the case itself."""

    part_id: str
    kind: CaseKind
    referral_ids: tuple[str, ...]
    due_at: datetime
    overdue_at: datetime | None
    ended_at: datetime | None
    ended_as: CaseEnd | None
    refused_under: CaseRefusal | None
    case_id: str | None


@dataclass(frozen=True, slots=True)
class Overdue:
    """A part whose date has passed."""

    part_id: str
    record_id: str
    case_id: str
    agency_id: str
    referral_ids: tuple[str, ...]
    due_at: datetime


async def knowing(session: AsyncSession, record_ids: Collection[str]) -> list[Knowing]:
    """Read which agencies hold something of the person of these records, by agency."""
    found = await session.execute(_KNOWING, {"record_ids": list(record_ids)})
    return [Knowing(row.agency_id, tuple(row.referral_ids)) for row in found]


async def insert(session: AsyncSession, opened: CaseOpened) -> None:
    """Write a case as its event says it, as yet without parts."""
    await rows.insert(
        session,
        cases,
        [
            {
                "agency_id": opened.opened_by.agency_id,
                "case_id": opened.case_id,
                "record_id": opened.record_id,
                "number": opened.number,
                "referral_id": opened.referral_id,
                "kind": opened.kind.value,
                "how": opened.how.value,
                "representative_id": opened.representative_id,
                "received_at": opened.received_at,
                "recorded_at": opened.opened_at,
                "due_at": opened.due_at,
                "message_id": opened.message_id,
                "manifest": opened.manifest,
            }
        ],
    )


async def insert_parts(
    session: AsyncSession, opened_by: str, kind: CaseKind, asked: Sequence[tuple[CaseAsked, Knowing]]
) -> None:
    """Write the parts of a case, as their events say them, with the referrals that each is about."""
    await rows.insert(
        session,
        case_parts,
        [
            {
                "part_id": part.part_id,
                "opened_by": opened_by,
                "case_id": part.case_id,
                "record_id": part.record_id,
                "kind": kind.value,
                "agency_id": part.agency_id,
                "referral_ids": list(known.referral_ids),
                "due_at": part.due_at,
            }
            for part, known in asked
        ],
    )


async def insert_part_again(session: AsyncSession, asked: CaseAsked) -> None:
    """Write a part into a database that has forgotten it, with the one referral that its event names."""
    await session.execute(_PART_AGAIN, asked.model_dump(exclude={"number"}))


async def known(session: AsyncSession, agency_id: str, case_id: str, message_id: str) -> list[Known]:
    """Read what this agency has opened under one of these ids; empty when nothing."""
    found = await session.execute(_KNOWN, {"agency_id": agency_id, "case_id": case_id, "message_id": message_id})
    return [Known(row.recorded_at, row.due_at, row.manifest) for row in found]


async def find(session: AsyncSession, part_id: str, agency_id: str) -> Part | None:
    """Read a part of this agency; None for another's too."""
    row = (await session.execute(_FIND, {"part_id": part_id, "agency_id": agency_id})).one_or_none()
    if row is None:
        return None
    return Part(
        row.record_id,
        row.opened_by,
        row.case_id,
        CaseKind(row.kind),
        tuple(row.referral_ids),
        row.ended_at,
        row.manifest,
        row.referral_id,
    )


async def answered_by(session: AsyncSession, agency_id: str, message_id: str) -> str | None:
    """Read which part this message of this agency has answered; None when none."""
    found = await session.execute(_SAID, {"agency_id": agency_id, "message_id": message_id})
    part_id: str | None = found.scalar_one_or_none()
    return part_id


async def answer(session: AsyncSession, said: CaseAnswered) -> None:
    """Write how a part was answered; the case's person is locked, so that it has not been meanwhile."""
    values: Mapping[str, object] = {
        "at": said.answered_at,
        "end": said.end.value,
        "refused_under": said.refused_under.value if said.refused_under else None,
        "message_id": said.message_id,
        "manifest": said.manifest,
        "part_id": said.part_id,
    }
    await session.execute(_ANSWER, values)


async def still_open(session: AsyncSession, part: Part) -> bool:
    """Whether any agency has yet to answer in the case of this part."""
    values = {"opened_by": part.opened_by, "case_id": part.case_id}
    return bool((await session.execute(_STILL_OPEN, values)).scalar_one())


async def close(session: AsyncSession, part: Part, said: CaseClosed) -> None:
    """Write that everybody has answered."""
    await session.execute(_CLOSE, {"at": said.closed_at, "opened_by": part.opened_by, "case_id": part.case_id})


async def close_again(session: AsyncSession, said: CaseClosed) -> None:
    """Write into a database that has forgotten it that everybody has answered."""
    values = {"at": said.closed_at, "record_id": said.record_id, "case_id": said.case_id}
    await session.execute(_CLOSE_AGAIN, values)


async def of_agency(session: AsyncSession, agency_id: str, *, after: str, answered_too: bool) -> list[Asked]:
    """List an agency's parts by id, those after this one, `AT_MOST`."""
    found = await session.execute(_OF_AGENCY, {"agency_id": agency_id, "after": after, "all": answered_too})
    return [
        Asked(
            row.part_id,
            CaseKind(row.kind),
            tuple(row.referral_ids),
            row.due_at,
            row.overdue_at,
            row.ended_at,
            CaseEnd(row.ended_as) if row.ended_as else None,
            CaseRefusal(row.refused_under) if row.refused_under else None,
            row.case_id,
        )
        for row in found
    ]


async def overdue(session: AsyncSession, now: datetime) -> list[Overdue]:
    """Read parts whose date has passed and of which that has not been said, `AT_ONCE` at most."""
    found = await session.execute(_OVERDUE, {"now": now})
    return [
        Overdue(row.part_id, row.record_id, row.case_id, row.agency_id, tuple(row.referral_ids), row.due_at)
        for row in found
    ]


async def mark_overdue(session: AsyncSession, said: CaseOverdue) -> bool:
    """Note that a part is overdue; False where it was answered or that was noted meanwhile."""
    values = {"part_id": said.part_id, "at": said.noticed_at}
    return (await session.execute(_MARK_OVERDUE, values)).scalar_one_or_none() is not None
