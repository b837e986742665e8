"""HTTP of `audit`: questions of auditors under a mandate, and agencies' reports of their records of openings."""

from datetime import timedelta

from fastapi import APIRouter

from services.audit.api import provisions, questions
from services.eventing.database import Database
from services.runtime.errors import PROBLEM_JSON
from tsunagu_contracts.ports import Clock


def router(database: Database, clock: Clock, provisions_within: timedelta) -> APIRouter:
    """The routes of audit."""
    routes = APIRouter(responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}})
    routes.include_router(questions.router(database))
    routes.include_router(provisions.router(database, clock, provisions_within))
    return routes
