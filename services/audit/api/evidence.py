"""Sealed evidence: taken in as it comes, and handed to its custodians once both have asked for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.audit.api.parts import Calling
from services.audit.storage.evidence import pieces_of
from services.audit.use_cases import attempts, evidence, openings
from services.audit.use_cases.evidence import Spool
from services.eventing.database import Database
from services.membership import messages
from services.membership.messages import M, Verified
from services.runtime import idempotency
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.evidence import sealed_limit
from tsunagu_contracts.limits import DEFAULT_LIMITS
from tsunagu_contracts.manifests import OpenEvidence, StoreEvidence
from tsunagu_contracts.types import Compact, Frozen, Id, Instant

_MESSAGE_BYTES = DEFAULT_LIMITS.manifest + 1024
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}

IdempotencyKey = Annotated[str | None, Header()]


class StoredAnswer(Frozen):
    """Evidence that is kept."""

    evidence_id: Id
    stored_at: Instant


class EvidenceAnswer(Frozen):
    """What the recording agency signed of evidence; each custodian's sealed share stands in it."""

    evidence_id: Id
    stored_at: Instant
    manifest: Compact


class OpeningAnswer(Frozen):
    """How an opening stands; `share` is the other custodian's, sealed to this one, once both have asked."""

    opening_id: Id
    opened: bool
    share: Compact | None


def router(database: Database, opening_within: timedelta) -> APIRouter:
    """Keep evidence, show its message to its custodians, and open it for both."""
    routes = APIRouter()

    @routes.post("/evidence", status_code=201, response_model=StoredAnswer, openapi_extra=_BODY)
    async def store(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> StoredAnswer:
        """Keep a sealed file. The body is the signed message on one line, and behind it the bytes of the file.

        The same file for the same statement again changes nothing, and is not looked at.
        """
        idempotency.require_key(idempotency_key)
        arriving = _Arriving(request)
        try:
            message = await arriving.line()
            async with database.reading() as session:
                verified = await messages.verify(session, message, calling, StoreEvidence)
            async with _on_record(database, verified):
                stored = await database.until_settled(partial(evidence.judge, verified=verified))
                if stored is None:
                    spool = await Spool.filled(arriving.rest(), verified.manifest)
                    try:
                        stored = await database.until_settled(partial(evidence.store, verified=verified, spool=spool))
                    finally:
                        spool.close()
        finally:
            await arriving.pass_over()
        if stored.again:
            response.status_code = 200
        return StoredAnswer(evidence_id=stored.evidence_id, stored_at=stored.stored_at)

    @routes.get("/evidence/{evidence_id}", response_model=EvidenceAnswer)
    async def look(calling: Calling, evidence_id: Id) -> EvidenceAnswer:
        """Show a supervisor of a custodian what the recording agency has signed."""
        async with database.work() as work:
            kept = await openings.look(work.session, calling, evidence_id, work.now)
        return EvidenceAnswer(evidence_id=kept.evidence_id, stored_at=kept.stored_at, manifest=kept.manifest)

    @routes.post("/evidence/openings", status_code=201, response_model=OpeningAnswer, openapi_extra=_BODY)
    async def ask(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> OpeningAnswer:
        """Ask for an opening; 202 while the other custodian has not. The same message again asks how it stands."""
        idempotency.require_key(idempotency_key)
        message = b"".join([piece async for piece in _Arriving(request).rest(_MESSAGE_BYTES)])
        async with database.reading() as session:
            verified = await messages.verify(session, message, calling, OpenEvidence)
        async with _on_record(database, verified):
            asked = await database.until_settled(partial(openings.ask, verified=verified, within=opening_within))
        if asked.share is None:
            response.status_code = 202
        response.headers["Cache-Control"] = "no-store"
        return OpeningAnswer(opening_id=asked.opening_id, opened=asked.share is not None, share=asked.share)

    @routes.get("/evidence/{evidence_id}/file", response_class=StreamingResponse)
    async def hand_over(calling: Calling, evidence_id: Id, dispute_id: Annotated[Id, Query()]) -> StreamingResponse:
        """Hand the sealed file to one of the two coordinators to whom it is open in this dispute."""
        async with database.work() as work:
            kept = await openings.file(work.session, calling, evidence_id, dispute_id, work.now, opening_within)
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(pieces_of(database, kept.evidence_id), media_type="application/jose", headers=headers)

    return routes


@asynccontextmanager
async def _on_record(database: Database, verified: Verified[M]) -> AsyncIterator[None]:
    """Record a refusal in a transaction of its own: what was refused has changed nothing."""
    try:
        yield
    except Refusal as refusal:
        await database.until_settled(partial(attempts.record, verified=verified, code=refusal.code))
        raise


class _Arriving:
    """A request's body as it comes, never more of it in memory than a message and a piece."""

    def __init__(self, request: Request) -> None:
        self._stream = request.stream()
        self._left = b""
        self._bytes = 0

    async def line(self) -> bytes:
        """The first line; refuses with `oversize` one that is longer than a message."""
        line = bytearray()
        async for piece in self._pieces():
            before, end, self._left = piece.partition(b"\n")
            line += before
            if len(line) > _MESSAGE_BYTES:
                raise Refusal(RefusalCode.OVERSIZE, part="message")
            if end:
                break
        return bytes(line)

    async def rest(self, limit: int | None = None) -> AsyncIterator[bytes]:
        """What follows; refuses with `oversize` more than the limit, if there is one."""
        if self._left:
            yield self._left
        async for piece in self._pieces():
            if limit is not None and self._bytes > limit:
                raise Refusal(RefusalCode.OVERSIZE, part="message")
            yield piece

    async def pass_over(self) -> None:
        """Read what a sound request may still have, for a sender that is still writing would lose the answer."""
        with suppress(StopAsyncIteration):
            while self._bytes <= _MESSAGE_BYTES + sealed_limit():
                self._bytes += len(await anext(self._stream))

    async def _pieces(self) -> AsyncIterator[bytes]:
        while (piece := await anext(self._stream, None)) is not None:
            self._bytes += len(piece)
            yield piece
