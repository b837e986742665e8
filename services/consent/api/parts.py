"""What the routes of consent have in common: who calls, and how a signed message takes effect."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Query, Request

from services.consent.use_cases import messages, refusals
from services.consent.use_cases.messages import M, Verified
from services.eventing.database import Database
from services.eventing.work import Work
from services.runtime import idempotency
from services.runtime.identity import Caller, caller
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.limits import DEFAULT_LIMITS

Calling = Annotated[Caller, Depends(caller)]
IdempotencyKey = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=200)]
_Result = TypeVar("_Result")

MESSAGE = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
"""The body of a route that takes an agency's signed message, in its OpenAPI description."""


@dataclass(frozen=True, slots=True)
class Taking:
    """Lets agencies' signed messages take effect."""

    database: Database

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
            verified = await messages.verify(session, raw, calling, kind)
        try:
            return await self.database.until_settled(lambda work: use_case(work, verified))
        except Refusal as refusal:
            code = refusal.code
            await self.database.until_settled(lambda work: refusals.record(work, verified, code))
            raise


def name_of(calling: Caller) -> str:
    """Who calls, as idempotency keys are told apart by."""
    return f"{calling.agency_id or ''} {calling.actor}"


async def _body(request: Request) -> bytes:
    """The request's bytes; refuses with `oversize` before more than a message has been read."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > DEFAULT_LIMITS.message:
            raise Refusal(RefusalCode.OVERSIZE, part="message")
    return bytes(raw)
