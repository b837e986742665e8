"""Blank handles, and the keys of sections."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from services.consent.api.parts import Calling, IdempotencyKey, name_of
from services.consent.use_cases import handles, releases
from services.consent.use_cases.callers import acting
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from services.runtime import idempotency
from services.runtime.idempotency import Answer
from tsunagu_contracts.types import Compact, Frozen, Id


class HandlesWanted(Frozen):
    """How many blank handles an agency asks for."""

    count: Annotated[int, Field(ge=1, le=200)] = 1


class HandlesIssued(Frozen):
    """The certificates of new handles; their private keys never leave consent."""

    handles: tuple[Compact, ...]


class ReleaseWanted(Frozen):
    """The section to be opened, and the appointment to do so under where the coordinator has several."""

    referral_id: Id
    section_id: Id
    appointment: Id | None = None


class ReleaseAnswer(Frozen):
    """The section's key, as a JWE to the agency's registered key; nobody keeps this answer."""

    release_id: Id
    referral_id: Id
    section_id: Id
    key: Compact


def router(database: Database, custody: Custody) -> APIRouter:
    """Issue handles and release keys."""
    routes = APIRouter()

    @routes.post("/handles", status_code=201, response_model=HandlesIssued)
    async def issue_handles(
        calling: Calling, wanted: HandlesWanted, idempotency_key: IdempotencyKey = None
    ) -> dict[str, object]:
        """Issue blank handles to the caller's agency."""
        key = idempotency.require_key(idempotency_key)
        async with database.work() as work:
            agency_id = await acting(work.session, calling, custody.clock.now())
            request = f"handles {agency_id} {wanted.count}".encode()
            earlier = await idempotency.claim(work.session, caller=name_of(calling), key=key, request=request)
            if earlier is not None:
                return earlier.body
            issued = HandlesIssued(handles=tuple(await handles.issue(work, agency_id, wanted.count, custody)))
            answer = Answer(201, issued.model_dump(mode="json"))
            await idempotency.keep(work.session, answer, caller=name_of(calling), key=key)
        return answer.body

    @routes.post("/releases", status_code=201, response_model=ReleaseAnswer)
    async def release(
        calling: Calling, wanted: ReleaseWanted, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ReleaseAnswer:
        """Hand over a section's key; a repeated call is decided, recorded and wrapped anew, and nothing is kept."""
        idempotency.require_key(idempotency_key)
        asked = releases.Request(wanted.referral_id, wanted.section_id, wanted.appointment)
        async with database.batch() as work:
            prepared = await releases.prepare(work, calling, asked, custody)
        outcome = await database.at_once(partial(releases.decide, prepared=prepared, custody=custody))
        # Only here, where the transaction has committed, may the key leave.
        key = releases.hand_over(prepared, outcome)
        response.headers["Cache-Control"] = "no-store"
        return ReleaseAnswer(
            release_id=outcome.release_id,
            referral_id=wanted.referral_id,
            section_id=wanted.section_id,
            key=key,
        )

    return routes
