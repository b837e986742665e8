"""Erasing a person."""

from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Taking
from services.consent.use_cases import erasures
from services.consent.use_cases.custody import Custody
from tsunagu_contracts.manifests import ErasePerson
from tsunagu_contracts.types import Frozen, Id, Instant


class ErasureAnswer(Frozen):
    """A person is erased: nothing opens any more; the keys are destroyed right after."""

    erasure_id: Id
    erased_at: Instant


def router(taking: Taking, custody: Custody) -> APIRouter:
    """Erase persons."""
    routes = APIRouter()

    @routes.post("/erasures", status_code=201, response_model=ErasureAnswer, openapi_extra=MESSAGE)
    async def erase_person(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ErasureAnswer:
        """Erase the person of a referral, effective at once and for ever; the same message again changes nothing."""
        use_case = partial(erasures.erase, custody=custody)
        erased = await taking.take(calling, request, idempotency_key, ErasePerson, use_case)
        if erased.again:
            response.status_code = 200
        return ErasureAnswer(erasure_id=erased.erasure_id, erased_at=erased.erased_at)

    return routes
