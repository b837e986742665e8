"""How an agency's signed message takes effect over HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fastapi import Request

from services.eventing.database import Database
from services.eventing.work import Work
from services.membership.messages import M, Verified, verify
from services.runtime import idempotency
from services.runtime.identity import Caller
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.limits import DEFAULT_LIMITS

_Result = TypeVar("_Result")

MESSAGE = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
"""The body of a route that takes an agency's signed message, in its OpenAPI description."""


class RecordRefusal(Protocol):
    """Records that an authentic message was refused."""

    async def __call__(self, work: Work, verified: Verified[M], code: RefusalCode, /) -> None:
        """Say so, in a transaction of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Taking:
    """Lets agencies' signed messages take effect, and records those that it refuses where it is told how."""

    database: Database
    record_refusal: RecordRefusal | None = None

    async def take(
        self,
        calling: Caller,
        request: Request,
        key: str | None,
        kind: type[M],
        use_case: Callable[[Work, Verified[M]], Awaitable[_Result]],
    ) -> _Result:
        """Let an agency's signed message of this kind take effect, once it is known to be authentic.

        A refusal is recorded in a transaction of its own: what was refused has changed nothing.
        """
        idempotency.require_key(key)
        raw = await _body(request)
        async with self.database.reading() as session:
            verified = await verify(session, raw, calling, kind)
        try:
            return await self.database.until_settled(lambda work: use_case(work, verified))
        except Refusal as refusal:
            code, record = refusal.code, self.record_refusal
            if record is not None:
                await self.database.until_settled(lambda work: record(work, verified, code))
            raise


async def _body(request: Request) -> bytes:
    """The request's bytes; refuses with `oversize` before more than a message has been read."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > DEFAULT_LIMITS.message:
            raise Refusal(RefusalCode.OVERSIZE, part="message")
    return bytes(raw)
