"""Receipts: found by the hash of their code, tried a bounded number of times, revoked."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.receipts import Hidden, Receipt
from services.consent.storage import rows
from services.consent.storage.tables import receipts
from services.eventing.statements import Row
from tsunagu_contracts.codes import Category
from tsunagu_contracts.events.consent import ReceiptIssued, ReceiptRevoked

RECEIPT = "receipt_id, record_id, agency_id, representative_id, hidden_categories, hidden_agencies, ends_at, revoked_at"
"""What `receipt_of` takes of receipts."""

_BY_CODE = sa.text(f"SELECT secret, {RECEIPT} FROM receipts WHERE code_hash = :code_hash")  # noqa: S608 - our columns
_FIND = sa.text("SELECT record_id, revoked_at FROM receipts WHERE receipt_id = :receipt_id")
_EARLIER = sa.text("""
    SELECT receipt_id, ends_at, manifest FROM receipts
    WHERE receipt_id = :receipt_id OR (agency_id = :agency_id AND message_id = :message_id) LIMIT 1
""")
_REVOKE = sa.text("UPDATE receipts SET revoked_at = :at WHERE receipt_id = :receipt_id")
# One more is taken before it is looked at, so that many at once are no more than one after the other.
_TAKE_TRY = sa.text("""
    UPDATE receipts SET
        tries = CASE WHEN tries >= :most THEN 1 ELSE tries + 1 END,
        locked_until = CASE WHEN tries + 1 = :most THEN CAST(:until AS timestamptz) END
    WHERE receipt_id = :receipt_id AND (locked_until IS NULL OR locked_until <= :now)
    RETURNING 1
""")
_FORGET_TRIES = sa.text("UPDATE receipts SET tries = 0, locked_until = NULL WHERE receipt_id = :receipt_id")
_PERMITTED = sa.text("""
    SELECT 1 FROM receipts
    WHERE receipt_id = :receipt_id AND permission_hash = :permission_hash AND permission_until > :now
""")
_SET_SECRET = sa.text("""
    UPDATE receipts SET secret = :secret, permission_hash = NULL WHERE receipt_id = :receipt_id
""")


@dataclass(frozen=True, slots=True)
class Codes:
    """What is kept of a receipt's code and of the permission beside it: keyed hashes, and how long the latter holds."""

    code_hash: str
    permission_hash: str
    permission_until: datetime


@dataclass(frozen=True, slots=True)
class Earlier:
    """A receipt already issued under an id or a message that comes again."""

    receipt_id: str
    ends_at: datetime
    manifest: str


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a receipt is, and since when it is revoked, if it is."""

    record_id: str
    revoked_at: datetime | None


async def insert(session: AsyncSession, issued: ReceiptIssued, codes: Codes) -> None:
    """Write a receipt as its event says it, with what is kept of its codes."""
    await rows.insert(
        session,
        receipts,
        [
            {
                "receipt_id": issued.receipt_id,
                "record_id": issued.record_id,
                "number": issued.number,
                "referral_id": issued.referral_id,
                "representative_id": issued.representative_id,
                "hidden_categories": [each.value for each in issued.hidden_categories],
                "hidden_agencies": list(issued.hidden_agencies),
                "issued_at": issued.issued_at,
                "ends_at": issued.ends_at,
                "agency_id": issued.recorded_by.agency_id,
                "message_id": issued.message_id,
                "manifest": issued.manifest,
                "code_hash": codes.code_hash,
                "permission_hash": codes.permission_hash,
                "permission_until": codes.permission_until,
                "tries": 0,
            }
        ],
    )


async def earlier(session: AsyncSession, receipt_id: str, agency_id: str, message_id: str) -> Earlier | None:
    """Read what was issued under this id, or from this message of this agency."""
    wanted = {"receipt_id": receipt_id, "agency_id": agency_id, "message_id": message_id}
    row = (await session.execute(_EARLIER, wanted)).one_or_none()
    return None if row is None else Earlier(row.receipt_id, row.ends_at, row.manifest)


async def find(session: AsyncSession, receipt_id: str) -> Found | None:
    """Read whose a receipt is; None where there is none of this id."""
    row = (await session.execute(_FIND, {"receipt_id": receipt_id})).one_or_none()
    return None if row is None else Found(row.record_id, row.revoked_at)


async def revoke(session: AsyncSession, revoked: ReceiptRevoked) -> None:
    """Let a receipt open nothing any more."""
    await session.execute(_REVOKE, {"receipt_id": revoked.receipt_id, "at": revoked.revoked_at})


async def by_code(session: AsyncSession, code_hash: str) -> tuple[Receipt, str | None] | None:
    """The receipt with this code, and the slow hash of its secret, if one is set; None where no receipt has it."""
    row = (await session.execute(_BY_CODE, {"code_hash": code_hash})).one_or_none()
    if row is None:
        return None
    secret, *columns = row
    return receipt_of(columns), secret


async def take_try(session: AsyncSession, receipt_id: str, now: datetime, *, most: int, until: datetime) -> bool:
    """Take one of the tries that a receipt has; False while it is locked. The last one locks it until then."""
    values = {"receipt_id": receipt_id, "now": now, "most": most, "until": until}
    return (await session.execute(_TAKE_TRY, values)).scalar_one_or_none() is not None


async def forget_tries(session: AsyncSession, receipt_id: str) -> None:
    """Count tries from the beginning, after a right one."""
    await session.execute(_FORGET_TRIES, {"receipt_id": receipt_id})


async def is_permitted(session: AsyncSession, receipt_id: str, permission_hash: str, now: datetime) -> bool:
    """Whether this is the permission to set this receipt's secret, not yet used and not too old."""
    values = {"receipt_id": receipt_id, "permission_hash": permission_hash, "now": now}
    return (await session.execute(_PERMITTED, values)).scalar_one_or_none() is not None


async def set_secret(session: AsyncSession, receipt_id: str, secret: str) -> None:
    """Set the slow hash of a receipt's secret; the permission to set it is thereby used up."""
    await session.execute(_SET_SECRET, {"receipt_id": receipt_id, "secret": secret})


def receipt_of(row: Row) -> Receipt:
    """The receipt that the columns `RECEIPT` tell of."""
    receipt_id, record_id, agency_id, representative_id, categories, agencies, ends_at, revoked_at = row
    hidden = Hidden(frozenset(map(Category, categories)), frozenset(agencies))
    return Receipt(receipt_id, record_id, agency_id, representative_id, hidden, ends_at, revoked_at)
