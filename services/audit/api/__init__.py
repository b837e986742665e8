"""HTTP of `audit`: auditors' questions, agencies' reports of openings, and the evidence that it keeps sealed."""

from datetime import timedelta

from fastapi import APIRouter

from services.audit.api import evidence, provisions, questions
from services.eventing.database import Database
from services.runtime.errors import PROBLEM_JSON
from tsunagu_contracts.ports import Clock


def router(database: Database, clock: Clock, provisions_within: timedelta, opening_within: timedelta) -> APIRouter:
    """The routes of audit; both custodians must ask for an opening within `opening_within`."""
    routes = APIRouter(responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}})
    routes.include_router(questions.router(database))
    routes.include_router(provisions.router(database, clock, provisions_within))
    routes.include_router(evidence.router(database, opening_within))
    return routes
