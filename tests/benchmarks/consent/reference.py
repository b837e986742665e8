"""The reference: one indexed SELECT in a service that is made, served and asked for tokens like any other."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from services import membership
from services.eventing.database import Database
from services.eventing.statements import Statement
from services.runtime.app import Parts, Service, serve
from services.runtime.identity import caller
from services.runtime.settings import ServiceSettings
from tsunagu_contracts.types import Frozen, Id

_SELECT = Statement("SELECT record_id, state, version FROM referrals WHERE referral_id = CAST(:referral_id AS text)")


class Wanted(Frozen):
    """Which row."""

    referral_id: Id


class Found(Frozen):
    """The row."""

    record_id: str
    state: str
    version: int


def router(database: Database) -> APIRouter:
    """The one route."""
    routes = APIRouter(dependencies=[Depends(caller)])

    @routes.post("/select", response_model=Found)
    async def select(wanted: Wanted) -> Found:
        """Read one row by its key, the quickest way that services have."""
        async with database.batch() as work:
            ((record_id, state, version),) = await work.fetch(_SELECT, {"referral_id": wanted.referral_id})
        return Found(record_id=record_id, state=state, version=version)

    return routes


def compose(parts: Parts) -> Service:
    """Put the reference together."""
    return Service("reference", [router(parts.database)], membership.signing_keys_in(parts.database))


if __name__ == "__main__":
    serve("reference", ServiceSettings(), compose)
