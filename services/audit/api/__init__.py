"""HTTP of `audit`: questions of auditors, and the evidence that it keeps sealed."""

from datetime import timedelta

from fastapi import APIRouter

from services.audit.api import evidence, questions
from services.eventing.database import Database
from services.runtime.errors import PROBLEM_JSON


def router(database: Database, opening_within: timedelta) -> APIRouter:
    """The routes of audit; both custodians must ask for an opening within this time."""
    routes = APIRouter(
        tags=["audit"], responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}}
    )
    routes.include_router(questions.router(database))
    routes.include_router(evidence.router(database, opening_within))
    return routes
