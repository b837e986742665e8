"""Requests to ask the person: opened, reminded of, ended once, and listed for the agency that must ask."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.asking import PersonRequest, remind_at
from services.consent.storage import rows
from services.consent.storage.tables import consent_requests
from tsunagu_contracts.codes import Category, PersonChange, Purpose, RequestKind
from tsunagu_contracts.events.consent import ConsentRequested

AT_ONCE = 50
"""How many rows `due` takes at most."""

_COLUMNS = """
    request_id, record_id, kind, agency_id, referral_id, categories, purposes, recipients, change, opened_at, deadline
"""
_OPEN = sa.text(f"""
    SELECT {_COLUMNS} FROM consent_requests
    WHERE record_id = ANY(:record_ids) AND ended_at IS NULL ORDER BY record_id, number
""")  # noqa: S608 - columns of our own
_OF_AGENCY = sa.text(f"""
    SELECT {_COLUMNS} FROM consent_requests
    WHERE agency_id = :agency_id AND request_id > :after AND ended_at IS NULL ORDER BY request_id LIMIT :limit
""")  # noqa: S608 - columns of our own
# The limit stands in the text: of a parameter a kept plan would assume a tenth of the table.
_DUE = sa.text(f"""
    SELECT {_COLUMNS}, next_at FROM consent_requests
    WHERE ended_at IS NULL AND next_at <= :now ORDER BY next_at LIMIT {AT_ONCE}
""")  # noqa: S608 - columns and a number of our own
_FIND = sa.text(f"""
    SELECT {_COLUMNS}, ended_at, answer_manifest FROM consent_requests
    WHERE request_id = :request_id AND agency_id = :agency_id
""")  # noqa: S608 - columns of our own
_EARLIER = sa.text("""
    SELECT request_id, deadline, manifest FROM consent_requests WHERE request_id = :request_id
    UNION SELECT request_id, deadline, manifest FROM consent_requests
    WHERE asked_by = :asked_by AND message_id = :message_id
""")
_REMIND = sa.text("""
    UPDATE consent_requests SET next_at = deadline
    WHERE request_id = :request_id AND ended_at IS NULL AND next_at = :next_at RETURNING 1
""")
_END_ALL = sa.text("""
    UPDATE consent_requests SET ended_at = :at WHERE record_id = ANY(:record_ids) AND ended_at IS NULL
""")
_REMIND_AGAIN = sa.text("UPDATE consent_requests SET next_at = deadline WHERE request_id = :request_id")
_END = sa.text("""
    UPDATE consent_requests SET ended_at = :at, answer_manifest = :manifest
    WHERE request_id = :request_id AND ended_at IS NULL RETURNING 1
""")


@dataclass(frozen=True, slots=True)
class Due:
    """A request of which there is something to say, and since when."""

    request: PersonRequest
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A request that an agency answers, and how it ended before, if it did."""

    request: PersonRequest
    ended_at: datetime | None
    answer_manifest: str | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request already recorded under an id, or from a message, that comes again."""

    request_id: str
    deadline: datetime
    manifest: str | None


async def insert(
    session: AsyncSession, requests: Iterable[tuple[PersonRequest, int]], asked: ConsentRequested | None = None
) -> None:
    """Write requests, each with its number; `asked` is the agency's message that brought one of them about."""
    await rows.insert(
        session,
        consent_requests,
        [
            {
                "request_id": each.request_id,
                "record_id": each.record_id,
                "number": number,
                "kind": each.kind.value,
                "agency_id": each.agency_id,
                "referral_id": each.referral_id,
                "categories": sorted(category.value for category in each.categories),
                "purposes": sorted(purpose.value for purpose in each.purposes),
                "recipients": None if each.recipients is None else sorted(each.recipients),
                "change": each.change.value if each.change else None,
                "opened_at": each.opened_at,
                "deadline": each.deadline,
                "next_at": remind_at(each.opened_at, each.deadline),
                "asked_by": asked.requested_by.agency_id if asked else None,
                "message_id": asked.message_id if asked else None,
                "manifest": asked.manifest if asked else None,
            }
            for each, number in requests
        ],
    )


async def open_of(session: AsyncSession, record_ids: Collection[str]) -> list[PersonRequest]:
    """The open requests about the person of these records, in the order of their numbers."""
    return [_request(row) for row in await session.execute(_OPEN, {"record_ids": list(record_ids)})]


async def of_agency(session: AsyncSession, agency_id: str, *, after: str, limit: int) -> list[PersonRequest]:
    """The open requests that an agency is to see to, by id, those after this one, at most so many."""
    found = await session.execute(_OF_AGENCY, {"agency_id": agency_id, "after": after, "limit": limit})
    return [_request(row) for row in found]


async def due(session: AsyncSession, now: datetime) -> list[Due]:
    """Those of which there is something to say by now, `AT_ONCE` at most."""
    return [Due(_request(row), row.next_at) for row in await session.execute(_DUE, {"now": now})]


async def find(session: AsyncSession, request_id: str, agency_id: str) -> Found | None:
    """Read a request that this agency is to see to; None for another's too."""
    row = (await session.execute(_FIND, {"request_id": request_id, "agency_id": agency_id})).one_or_none()
    return None if row is None else Found(_request(row), row.ended_at, row.answer_manifest)


async def earlier(session: AsyncSession, request_id: str, asked_by: str, message_id: str) -> Earlier | None:
    """Read what was recorded under this request's id, or from this message of this agency."""
    wanted = {"request_id": request_id, "asked_by": asked_by, "message_id": message_id}
    row = (await session.execute(_EARLIER, wanted)).first()
    return None if row is None else Earlier(*row)


async def remind(session: AsyncSession, due: Due) -> bool:
    """Note that a request was reminded of; False where it was, or has ended, meanwhile."""
    values = {"request_id": due.request.request_id, "next_at": due.next_at}
    return (await session.execute(_REMIND, values)).scalar_one_or_none() is not None


async def end_all(session: AsyncSession, record_ids: Collection[str], at: datetime) -> None:
    """Note that nobody is to be asked any more of the person of these records."""
    await session.execute(_END_ALL, {"record_ids": list(record_ids), "at": at})


async def remind_again(session: AsyncSession, request_id: str) -> None:
    """Note in a database that has forgotten it that a request was reminded of."""
    await session.execute(_REMIND_AGAIN, {"request_id": request_id})


async def end(session: AsyncSession, request_id: str, at: datetime, manifest: str | None = None) -> bool:
    """Note that a request has ended, with an agency's own answer if there is one; False where it had already."""
    values = {"request_id": request_id, "at": at, "manifest": manifest}
    return (await session.execute(_END, values)).scalar_one_or_none() is not None


def _request(row: sa.Row[tuple[object, ...]]) -> PersonRequest:
    return PersonRequest(
        request_id=row.request_id,
        record_id=row.record_id,
        kind=RequestKind(row.kind),
        agency_id=row.agency_id,
        referral_id=row.referral_id,
        categories=frozenset(map(Category, row.categories)),
        purposes=frozenset(map(Purpose, row.purposes)),
        recipients=None if row.recipients is None else frozenset(row.recipients),
        change=PersonChange(row.change) if row.change else None,
        opened_at=row.opened_at,
        deadline=row.deadline,
    )
