"""Idempotency-Key on writes: the same key with the same request is answered as before, with another it is refused."""

from typing import NamedTuple

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.errors import Refusal

_LONGEST = 128

metadata = sa.MetaData()

answered_requests = sa.Table(
    "answered_requests",
    metadata,
    sa.Column("caller", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("answer", JSONB),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
)
"""Requests that took effect, by caller and key; an answer that must not be kept (a released key) is left out."""

_CLAIM = sa.text("""
    INSERT INTO answered_requests (caller, key, request) VALUES (:caller, :key, :request)
    ON CONFLICT (caller, key) DO UPDATE SET caller = answered_requests.caller
    RETURNING request, status, answer
""")
_KEEP = sa.text("""
    UPDATE answered_requests SET status = :status, answer = CAST(:answer AS jsonb)
    WHERE caller = :caller AND key = :key
""").bindparams(sa.bindparam("answer", type_=JSONB))


class Answer(NamedTuple):
    """What was answered: the HTTP status and the JSON object."""

    status: int
    body: dict[str, object]


def create_tables(op: Operations) -> None:
    """Create the table; called by the first migration of a service that takes writes."""
    metadata.create_all(op.get_bind())


def require_key(header: str | None) -> str:
    """The Idempotency-Key of a write; refuses its absence with `idempotency_key_missing`."""
    if not header or len(header) > _LONGEST or not header.isprintable():
        raise Refusal(RefusalCode.IDEMPOTENCY_KEY_MISSING)
    return header


async def claim(session: AsyncSession, *, caller: str, key: str, request: bytes) -> Answer | None:
    """Claim a key inside the transaction of the effect; returns the earlier answer if there is one.

    A concurrent request with the same key waits here until the first has committed. Refuses with
    `idempotency_key_reused` when the key was used for another request.
    """
    fingerprint = digest(request)
    row = (await session.execute(_CLAIM, {"caller": caller, "key": key, "request": fingerprint})).one()
    if row.request != fingerprint:
        raise Refusal(RefusalCode.IDEMPOTENCY_KEY_REUSED)
    return Answer(row.status, row.answer) if row.status is not None else None


async def keep(session: AsyncSession, answer: Answer, *, caller: str, key: str) -> None:
    """Keep the answer for a repetition of the request."""
    await session.execute(_KEEP, {"caller": caller, "key": key, "status": answer.status, "answer": answer.body})
