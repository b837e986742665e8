"""Persons' tokens by keyed hash, and the count of exchanges that failed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.receipts import Receipt
from services.consent.storage.receipts import RECEIPT, receipt_of

_KEEP = sa.text("""
    INSERT INTO person_tokens (token_hash, receipt_id, may_view, expires_at)
    VALUES (:token_hash, :receipt_id, :may_view, :expires_at)
""")
# The limit stands in the text: of a parameter a kept plan would assume a tenth of the table.
_PRUNE = sa.text("""
    DELETE FROM person_tokens WHERE token_hash IN (
        SELECT token_hash FROM person_tokens WHERE expires_at <= :now
        ORDER BY expires_at LIMIT 50 FOR UPDATE SKIP LOCKED
    )
""")
_FORGET = sa.text("DELETE FROM person_tokens WHERE receipt_id = :receipt_id")
_RECEIPT_OF = sa.text(f"""
    SELECT may_view, {RECEIPT} FROM person_tokens JOIN receipts USING (receipt_id)
    WHERE token_hash = :token_hash AND expires_at > :now
""")  # noqa: S608 - our columns
# Replicas whose clocks differ must not begin the same minute twice.
_COUNT_WRONG = sa.text("""
    INSERT INTO wrong_codes (one, minute, tries) VALUES (true, date_trunc('minute', CAST(:now AS timestamptz)), 1)
    ON CONFLICT (one) DO UPDATE SET
        tries = CASE WHEN excluded.minute > wrong_codes.minute THEN 1 ELSE wrong_codes.tries + 1 END,
        minute = greatest(excluded.minute, wrong_codes.minute)
    RETURNING tries
""")


async def keep(
    session: AsyncSession, token_hash: str, receipt_id: str, *, may_view: bool, expires_at: datetime
) -> None:
    """Write a new token."""
    values = {"token_hash": token_hash, "receipt_id": receipt_id, "may_view": may_view, "expires_at": expires_at}
    await session.execute(_KEEP, values)


async def prune(session: AsyncSession, now: datetime) -> None:
    """Delete some of those that have expired."""
    await session.execute(_PRUNE, {"now": now})


async def forget(session: AsyncSession, receipt_id: str) -> None:
    """Delete every token of a receipt."""
    await session.execute(_FORGET, {"receipt_id": receipt_id})


async def receipt_of_token(session: AsyncSession, token_hash: str, now: datetime) -> tuple[Receipt, bool] | None:
    """The receipt whose code a token was got for, and whether it may view; None without one that holds now."""
    row = (await session.execute(_RECEIPT_OF, {"token_hash": token_hash, "now": now})).one_or_none()
    if row is None:
        return None
    may_view, *columns = row
    return receipt_of(columns), may_view


async def count_wrong(session: AsyncSession, now: datetime) -> int:
    """Count one more exchange that failed; returns how many did in this minute, whoever tried."""
    return int((await session.execute(_COUNT_WRONG, {"now": now})).scalar_one())
