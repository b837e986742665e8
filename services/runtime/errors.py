"""Errors over HTTP: RFC 9457 problems with stable codes, telling what happened and what to do next."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.eventing.database import is_passing
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.problems import TELLINGS

_log = logging.getLogger("tsunagu.runtime.errors")

PROBLEM_JSON = "application/problem+json"


def problem(refusal: Refusal) -> JSONResponse:
    """The answer that tells a refusal."""
    telling = TELLINGS[refusal.code]
    headers = {"WWW-Authenticate": "Bearer"} if telling.status == 401 else {}
    if telling.status == 503:
        headers["Retry-After"] = "2"
    if telling.status == 429:
        headers["Retry-After"] = "60"
    return JSONResponse(
        {
            "type": f"urn:tsunagu:problem:{refusal.code.value}",
            "title": telling.ja,
            "title_en": telling.en,
            "status": telling.status,
            "code": refusal.code.value,
            "detail": dict(refusal.detail),
            "next": telling.next_ja,
            "next_en": telling.next_en,
        },
        status_code=telling.status,
        headers=headers,
        media_type=PROBLEM_JSON,
    )


def install(app: FastAPI) -> None:
    """Answer every error of this application as a problem."""

    @app.exception_handler(Refusal)
    async def refused(_request: Request, error: Refusal) -> JSONResponse:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # Where, never what: the value may be personal.
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        return problem(Refusal(RefusalCode.INVALID_CONTENT, where=where[:80]))

    @app.exception_handler(HTTPException)
    async def routed(_request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(Refusal(RefusalCode.NOT_FOUND))
        answer.status_code = error.status_code if error.status_code != 404 else 404
        return answer

    @app.exception_handler(Exception)
    async def failed(_request: Request, error: Exception) -> JSONResponse:
        _log.error("request failed error=%s", type(error).__name__)
        return problem(Refusal(RefusalCode.TRY_AGAIN_LATER if is_passing(error) else RefusalCode.HANDLER_FAILED))
