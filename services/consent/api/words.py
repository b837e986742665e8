"""The person's word, and what bears on it."""

from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Taking
from services.consent.use_cases import countersignatures, disasters, representatives, statements
from services.consent.use_cases.custody import Custody
from tsunagu_contracts.codes import Area, DisasterAct
from tsunagu_contracts.manifests import CountersignStatement, RecordRepresentative, RecordStatement, SayDisaster
from tsunagu_contracts.types import Frozen, Id, Instant


class StatementAnswer(Frozen):
    """A statement that has taken effect."""

    statement_id: Id
    referral_id: Id
    recorded_at: Instant


class RepresentativeAnswer(Frozen):
    """A representative who may speak from now on."""

    representative_id: Id
    recorded_at: Instant


class CountersignAnswer(Frozen):
    """A statement that another agency vouches for from now on."""

    statement_id: Id
    recorded_at: Instant


class DisasterAnswer(Frozen):
    """What was said of a disaster, and in which areas that changed something."""

    disaster_id: Id
    act: DisasterAct
    changed: tuple[Area, ...]
    at: Instant


def router(taking: Taking, custody: Custody) -> APIRouter:
    """Record statements, representatives, countersignatures and disasters."""
    routes = APIRouter()

    @routes.post(
        "/statements",
        status_code=201,
        response_model=StatementAnswer,
        openapi_extra=MESSAGE,
    )
    async def record_statement(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> StatementAnswer:
        """Record the person's word from the bytes of a signed message; the same message again changes nothing."""
        use_case = partial(statements.record, custody=custody)
        recorded = await taking.take(calling, request, idempotency_key, RecordStatement, use_case)
        if recorded.again:
            response.status_code = 200
        return StatementAnswer(
            statement_id=recorded.statement_id,
            referral_id=recorded.referral_id,
            recorded_at=recorded.recorded_at,
        )

    @routes.post("/representatives", status_code=201, response_model=RepresentativeAnswer, openapi_extra=MESSAGE)
    async def record_representative(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> RepresentativeAnswer:
        """Record who may speak in the person's stead; the same message again changes nothing."""
        use_case = partial(representatives.record, custody=custody)
        named = await taking.take(calling, request, idempotency_key, RecordRepresentative, use_case)
        if named.again:
            response.status_code = 200
        return RepresentativeAnswer(representative_id=named.representative_id, recorded_at=named.recorded_at)

    @routes.post("/countersignatures", status_code=201, response_model=CountersignAnswer, openapi_extra=MESSAGE)
    async def countersign(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> CountersignAnswer:
        """Vouch for what another agency has recorded; the same message again changes nothing."""
        use_case = partial(countersignatures.record, custody=custody)
        signed = await taking.take(calling, request, idempotency_key, CountersignStatement, use_case)
        if signed.again:
            response.status_code = 200
        return CountersignAnswer(statement_id=signed.statement_id, recorded_at=signed.recorded_at)

    @routes.post("/disasters", status_code=201, response_model=DisasterAnswer, openapi_extra=MESSAGE)
    async def say_disaster(
        calling: Calling, request: Request, idempotency_key: IdempotencyKey = None
    ) -> DisasterAnswer:
        """Declare or lift a disaster, effective at once; saying it again changes nothing."""
        said = await taking.take(calling, request, idempotency_key, SayDisaster, disasters.say)
        return DisasterAnswer(disaster_id=said.disaster_id, act=said.act, changed=said.areas, at=said.at)

    return routes
