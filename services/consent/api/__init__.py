"""The HTTP interface of consent: handles, joins, the person's word and requests, releases, obligations, receipts."""

from fastapi import APIRouter

from services.consent.api import (
    asking,
    cases,
    decisions,
    erasures,
    exports,
    joins,
    keys,
    obligations,
    person,
    provisions,
    receipts,
    words,
)
from services.consent.api.parts import Taking
from services.consent.use_cases import refusals
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from services.runtime.errors import PROBLEM_JSON


def router(database: Database, custody: Custody) -> APIRouter:
    """The routes of consent."""
    taking = Taking(database, refusals.record)
    routes = APIRouter(responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}})
    routes.include_router(keys.router(database, custody))
    routes.include_router(joins.router(database, taking, custody))
    routes.include_router(words.router(taking, custody))
    routes.include_router(obligations.router(database, taking, custody))
    routes.include_router(erasures.router(taking, custody))
    routes.include_router(provisions.router(database, taking, custody))
    routes.include_router(cases.router(database, taking, custody))
    routes.include_router(asking.router(database, taking, custody))
    routes.include_router(decisions.router(database, custody))
    routes.include_router(exports.router(database, custody))
    routes.include_router(receipts.router(taking, custody))
    routes.include_router(person.router(database, custody))
    return routes
