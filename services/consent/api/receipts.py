"""Receipts, as agencies issue and revoke them."""

from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Taking
from services.consent.use_cases import receipts
from services.consent.use_cases.custody import Custody
from tsunagu_contracts.manifests import IssueReceipt, RevokeReceipt
from tsunagu_contracts.types import Compact, Frozen, Id, Instant


class ReceiptAnswer(Frozen):
    """A receipt; `sealed` is its code as a JWE to the agency's registered key, given once and kept by nobody.

    It is null when the same message comes again: whoever missed it revokes the receipt and issues another.
    """

    receipt_id: Id
    ends_at: Instant
    sealed: Compact | None


class RevokedAnswer(Frozen):
    """A receipt that opens nothing any more."""

    receipt_id: Id
    revoked_at: Instant


def router(taking: Taking, custody: Custody) -> APIRouter:
    """Issue and revoke receipts."""
    routes = APIRouter()

    @routes.post("/receipts", status_code=201, response_model=ReceiptAnswer, openapi_extra=MESSAGE)
    async def issue_receipt(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ReceiptAnswer:
        """Issue a receipt for the person in front of the agency; the same message again changes nothing."""
        issued = await taking.take(
            calling, request, idempotency_key, IssueReceipt, partial(receipts.issue, custody=custody)
        )
        # Only here, where the transaction has committed, may the code leave.
        sealed = receipts.hand_over(issued)
        if sealed is None:
            response.status_code = 200
        response.headers["Cache-Control"] = "no-store"
        return ReceiptAnswer(receipt_id=issued.receipt_id, ends_at=issued.ends_at, sealed=sealed)

    @routes.post("/receipts/revocations", status_code=201, response_model=RevokedAnswer, openapi_extra=MESSAGE)
    async def revoke_receipt(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> RevokedAnswer:
        """Let a lost receipt open nothing any more; saying it again changes nothing."""
        revoked = await taking.take(
            calling, request, idempotency_key, RevokeReceipt, partial(receipts.revoke, custody=custody)
        )
        if revoked.again:
            response.status_code = 200
        return RevokedAnswer(receipt_id=revoked.receipt_id, revoked_at=revoked.revoked_at)

    return routes
