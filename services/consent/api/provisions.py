"""What an agency has provided and received in the network, and what it has disclosed outside."""

from dataclasses import asdict
from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Limit, Taking
from services.consent.use_cases import disclosures, provisions
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts.codes import Category, DisclosureGround, DisclosureWay, OutsideBody, ProvisionSide, Purpose
from tsunagu_contracts.manifests import RecordDisclosure
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant


class ProvisionView(Frozen):
    """One opening from the caller's side: whom the other side is, which section, and under which statement."""

    side: ProvisionSide
    release_id: Id
    referral_id: Id
    section_id: Id
    category: Category
    purpose: Purpose
    counterpart: AgencyId
    statement_id: Id
    decided_at: Instant


class ProvisionPage(Frozen):
    """A page of openings; `next` goes into `after` for the page behind it."""

    items: tuple[ProvisionView, ...]
    next: Id | None


class DisclosureView(Frozen):
    """A disclosure that the caller's agency has recorded."""

    disclosure_id: Id
    referral_id: Id
    ground: DisclosureGround
    way: DisclosureWay
    to_agency: AgencyId | None
    to_body: OutsideBody | None
    categories: tuple[Category, ...]
    disclosed_at: Instant
    recorded_at: Instant


class DisclosurePage(Frozen):
    """A page of disclosures; `next` goes into `after` for the page behind it."""

    items: tuple[DisclosureView, ...]
    next: Id | None


class DisclosureAnswer(Frozen):
    """A disclosure that is recorded."""

    disclosure_id: Id
    recorded_at: Instant


def router(database: Database, taking: Taking, custody: Custody) -> APIRouter:
    """List openings; record and list disclosures outside."""
    routes = APIRouter()

    @routes.get("/provisions", response_model=ProvisionPage)
    async def get_provisions(calling: Calling, after: str = "", limit: Limit = 100) -> ProvisionPage:
        """Openings of what the caller's agency has sent (29条) and of what was sent to it (30条), by release id.

        An id is made a moment before its release commits: whoever catches up begins a little before the last one seen.
        """
        async with database.reading() as session:
            found = await provisions.list_own(session, calling, custody, after=after)
        items = tuple(ProvisionView.model_validate(asdict(each)) for each in found[:limit])
        return ProvisionPage(items=items, next=items[-1].release_id if len(items) == limit else None)

    @routes.get("/disclosures", response_model=DisclosurePage)
    async def get_disclosures(calling: Calling, after: str = "", limit: Limit = 100) -> DisclosurePage:
        """What the caller's agency has disclosed outside the network, by id."""
        async with database.reading() as session:
            found = await disclosures.list_own(session, calling, custody, after=after)
        items = tuple(DisclosureView.model_validate(asdict(each)) for each in found[:limit])
        return DisclosurePage(items=items, next=items[-1].disclosure_id if len(items) == limit else None)

    @routes.post("/disclosures", status_code=201, response_model=DisclosureAnswer, openapi_extra=MESSAGE)
    async def record_disclosure(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> DisclosureAnswer:
        """Record what was disclosed outside the network; no key moves, and the same message again changes nothing."""
        use_case = partial(disclosures.record, custody=custody)
        recorded = await taking.take(calling, request, idempotency_key, RecordDisclosure, use_case)
        if recorded.again:
            response.status_code = 200
        return DisclosureAnswer(disclosure_id=recorded.disclosure_id, recorded_at=recorded.recorded_at)

    return routes
