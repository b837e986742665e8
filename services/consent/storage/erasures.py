"""Records erased: what goes from the database with them, and the handles whose keys are still to be destroyed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.storage import rows
from services.consent.storage.tables import erasures
from tsunagu_contracts.events.consent import RecordErased

_OF_RECORDS = "SELECT record_id, handle_id FROM referrals WHERE record_id = ANY(:record_ids) ORDER BY referral_id"
_HANDLES = sa.text(_OF_RECORDS)
_HOLD = sa.text(f"{_OF_RECORDS} FOR NO KEY UPDATE")
_ERASED = sa.text("SELECT record_id FROM erasures WHERE record_id = ANY(:record_ids)")
_EARLIER = sa.text("""
    SELECT erasure_id, recorded_at, manifest FROM erasures
    WHERE erasure_id = :erasure_id OR (agency_id = :agency_id AND message_id = :message_id) LIMIT 1
""")
_CLOSE_REFERRALS = sa.text("""
    UPDATE referrals SET capsule = NULL, erased = :number WHERE record_id = :record_id AND erased IS NULL
""")
_FORGET_REFERENCES = sa.text("DELETE FROM person_references WHERE record_id = :record_id")
# The limits stand in the text: of a parameter a kept plan would assume a tenth of the table.
_DUE = sa.text("""
    SELECT record_id, handle_ids FROM erasures WHERE destroyed_at IS NULL ORDER BY recorded_at LIMIT 50
""")
_PAGE = sa.text("""
    SELECT record_id, handle_ids FROM erasures WHERE record_id > :after ORDER BY record_id LIMIT 500
""")
_DESTROYED = sa.text("UPDATE erasures SET destroyed_at = :at WHERE record_id = :record_id AND destroyed_at IS NULL")


@dataclass(frozen=True, slots=True)
class Erased:
    """A record erased, and the handles whose keys go with it."""

    record_id: str
    handle_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An erasure already recorded under an id that comes again, with the message that it came in."""

    erasure_id: str
    recorded_at: datetime
    manifest: str


async def handles(
    session: AsyncSession, record_ids: Collection[str], *, hold: bool = False
) -> dict[str, tuple[str, ...]]:
    """The handles of these records' referrals, by record id.

    With `hold` the referrals stay as they are until this has committed: whoever releases a key of one of them waits,
    or has this wait. It is done before persons' rows are locked, as everybody does.
    """
    found: dict[str, list[str]] = {record_id: [] for record_id in record_ids}
    wanted = {"record_ids": sorted(record_ids)}
    for record_id, handle_id in await session.execute(_HOLD if hold else _HANDLES, wanted):
        found[record_id].append(handle_id)
    return {record_id: tuple(handle_ids) for record_id, handle_ids in found.items()}


async def erased_among(session: AsyncSession, record_ids: Collection[str]) -> set[str]:
    """Those of these records that are erased already."""
    return set(await session.scalars(_ERASED, {"record_ids": sorted(record_ids)}))


async def earlier(session: AsyncSession, erasure_id: str, agency_id: str, message_id: str) -> Earlier | None:
    """Read what was recorded under this erasure id, or from this message of this agency."""
    wanted = {"erasure_id": erasure_id, "agency_id": agency_id, "message_id": message_id}
    row = (await session.execute(_EARLIER, wanted)).one_or_none()
    return None if row is None else Earlier(row.erasure_id, row.recorded_at, row.manifest)


async def insert(session: AsyncSession, erased: RecordErased) -> None:
    """Write an erasure as its event says it; capsules go, and no agency's reference means this record any more."""
    of_record: Mapping[str, object] = {"record_id": erased.record_id, "number": erased.number}
    await session.execute(_CLOSE_REFERRALS, of_record)
    await session.execute(_FORGET_REFERENCES, {"record_id": erased.record_id})
    await rows.insert(
        session,
        erasures,
        [
            {
                "record_id": erased.record_id,
                "number": erased.number,
                "erasure_id": erased.erasure_id,
                "handle_ids": list(erased.handle_ids),
                "recorded_at": erased.erased_at,
                "agency_id": erased.recorded_by.agency_id,
                "message_id": erased.message_id,
                "manifest": erased.manifest,
            }
        ],
    )


async def due(session: AsyncSession) -> list[Erased]:
    """Some of those whose keys may still be there, the oldest first."""
    return [Erased(row.record_id, row.handle_ids) for row in await session.execute(_DUE)]


async def all_handles(session: AsyncSession) -> frozenset[str]:
    """The handles of everybody who was ever erased, read some at a time."""
    found: set[str] = set()
    after = ""
    while some := (await session.execute(_PAGE, {"after": after})).all():
        found.update(handle_id for row in some for handle_id in row.handle_ids)
        after = some[-1].record_id
    return frozenset(found)


async def mark_destroyed(session: AsyncSession, record_id: str, at: datetime) -> None:
    """Note that the keys of a record's handles are destroyed."""
    await session.execute(_DESTROYED, {"record_id": record_id, "at": at})
