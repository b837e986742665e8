"""The HTTP interface of consent: blank handles, the person's word, releases, coverage, obligations, requests."""

from fastapi import APIRouter

from services.consent.api import asking, decisions, keys, obligations, words
from services.consent.api.parts import Taking
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from services.runtime.errors import PROBLEM_JSON


def router(database: Database, custody: Custody) -> APIRouter:
    """The routes of consent."""
    taking = Taking(database)
    routes = APIRouter(responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}})
    routes.include_router(keys.router(database, custody))
    routes.include_router(words.router(taking, custody))
    routes.include_router(obligations.router(database, taking, custody))
    routes.include_router(asking.router(database, taking, custody))
    routes.include_router(decisions.router(database, custody))
    return routes
