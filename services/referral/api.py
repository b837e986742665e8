"""HTTP of `referral`: an agency's messages as the same bytes as over Kafka, and its own referrals to look at."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.eventing.database import Database
from services.eventing.tracing import traceparent_of
from services.eventing.work import Work
from services.membership import MemberCache
from services.referral.domain.checking import Incoming, Rules
from services.referral.storage.referrals import Stored
from services.referral.use_cases import queries
from services.referral.use_cases.messages import take_messages
from services.runtime.errors import PROBLEM_JSON, problem
from services.runtime.idempotency import claim, require_key
from services.runtime.identity import Caller, caller
from tsunagu_contracts import jose
from tsunagu_contracts.codes import (
    Area,
    Language,
    Purpose,
    ReferralState,
    RefusalCode,
    ServiceFamily,
    Urgency,
)
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import (
    Accountable,
    ByMessage,
    MessageRefused,
    SectionCoverage,
    SectionFacts,
)
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.ports import Clock
from tsunagu_contracts.types import Id

Calling = Annotated[Caller, Depends(caller)]


class Taken(BaseModel):
    """That a message was taken, and where its referral then stood."""

    message_id: Id
    referral_id: Id
    version: int
    state: ReferralState


class ReferralView(BaseModel):
    """A referral as its parties see it: codes and ids, nothing of the person."""

    referral_id: Id
    version: int
    state: ReferralState
    sender: str
    addressee: str
    routed_by: str
    purpose: Purpose
    area: Area
    service_family: ServiceFamily
    urgency: Urgency
    language: Language
    accountable: Accountable
    sections: tuple[SectionFacts, ...]
    coverage: tuple[SectionCoverage, ...]
    submitted_at: datetime
    changed_at: datetime
    bodies_deleted: bool

    @classmethod
    def of(cls, stored: Stored) -> "ReferralView":
        """Show a stored referral."""
        referral = stored.referral
        return cls(
            referral_id=referral.referral_id,
            version=referral.version,
            state=referral.state,
            sender=referral.sender,
            addressee=referral.addressee,
            routed_by=referral.routed_by.value,
            purpose=referral.purpose,
            area=referral.area,
            service_family=referral.service_family,
            urgency=referral.urgency,
            language=referral.language,
            accountable=referral.accountable,
            sections=referral.sections,
            coverage=referral.coverage,
            submitted_at=stored.submitted_at,
            changed_at=stored.changed_at,
            bodies_deleted=stored.bodies_deleted,
        )


class ReferralPage(BaseModel):
    """Some referrals in the order of their ids; `next` is the `after` of the following page, if there is one."""

    referrals: list[ReferralView]
    next: Id | None


class DeliveryView(BaseModel):
    """What the addressee's inbound topic had: the event as it was said, and the sealed bodies by section id."""

    event: dict[str, object]
    bodies: dict[str, str]


def router(database: Database, rules: Rules, clock: Clock, cache: MemberCache) -> APIRouter:
    """Return the routes; each acts for the agencies of the token, and for no other."""
    routes = APIRouter(
        tags=["referrals"], responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}}
    )

    @routes.post(
        "/messages",
        response_model=Taken,
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        },
    )
    async def post_message(
        request: Request, calling: Calling, idempotency_key: Annotated[str | None, Header()] = None
    ) -> Response:
        """Take a message of an agency; a repetition is answered as the first time."""
        key = require_key(idempotency_key)
        raw = await _read(request, rules.limits.message)

        async def take(work: Work) -> Event:
            agencies = await queries.agencies_of(work.session, calling.actor, calling.agency_id, work.now)
            incoming = Incoming(raw, _channel(raw, rules, agencies), actor=calling.actor, trace=traceparent_of())
            (answer,) = await take_messages(work, [incoming], await cache.members(work), rules)
            if not isinstance(answer.data, MessageRefused):
                # The message's own id makes a repetition harmless; the key only must not stand for two messages.
                await claim(work.session, caller=str(calling.actor), key=key, request=raw)
            return answer

        return _answer(await database.until_settled(take))

    @routes.get("/referrals")
    async def get_referrals(
        calling: Calling,
        state: Annotated[list[ReferralState] | None, Query()] = None,
        after: Id | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ReferralPage:
        """List the referrals that the caller's agency sent or was given."""
        async with database.reading() as session:
            agencies = await queries.agencies_of(session, calling.actor, calling.agency_id, clock.now())
            found = await queries.list_referrals(session, agencies, states=state or (), after=after, limit=limit + 1)
        shown = [ReferralView.of(stored) for stored in found[:limit]]
        return ReferralPage(referrals=shown, next=shown[-1].referral_id if len(found) > limit else None)

    @routes.get("/referrals/{referral_id}")
    async def get_referral(referral_id: Id, calling: Calling) -> ReferralView:
        """Show one referral to a party."""
        async with database.reading() as session:
            agencies = await queries.agencies_of(session, calling.actor, calling.agency_id, clock.now())
            return ReferralView.of(await queries.find_referral(session, agencies, referral_id))

    @routes.get("/referrals/{referral_id}/delivery", response_model=DeliveryView)
    async def get_delivery(referral_id: Id, calling: Calling) -> Response:
        """Show the addressee what was delivered to it."""
        async with database.reading() as session:
            agencies = await queries.agencies_of(session, calling.actor, calling.agency_id, clock.now())
            delivery = await queries.find_delivery(session, agencies, referral_id)
        # The very bytes of the inbound topic: the event's digest is what others refer to.
        content = InboundMessage(decode_event(delivery.event.encode()), delivery.bodies).to_bytes()
        return Response(content, media_type="application/json")

    return routes


async def _read(request: Request, limit: int) -> bytes:
    """Read the body up to one byte beyond the limit; the check itself is the same as for Kafka."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    return b"".join(parts)


def _channel(raw: bytes, rules: Rules, agencies: frozenset[str]) -> str:
    """Return the agency for which the caller sends: the one that the message names, if it is one of theirs.

    Whoever acts for several agencies has the message itself say for which; its signature then decides.
    """
    if len(agencies) > 1:
        try:
            manifest = AgencyMessage.parse(raw, rules.limits).manifest
            source = jose.unverified_payload(manifest, limits=rules.limits).get("source")
        except Refusal:
            source = None
        named = {f"agency/{agency}": agency for agency in agencies}
        if isinstance(source, str) and source in named:
            return named[source]
    return min(agencies)


def _answer(event: Event) -> JSONResponse:
    data = event.data
    if isinstance(data, MessageRefused):
        detail = {"message_id": data.message_id, "referral_id": data.referral_id}
        return problem(Refusal(data.code, **{name: value for name, value in detail.items() if value}))
    if not isinstance(data, ByMessage):
        raise Refusal(RefusalCode.HANDLER_FAILED)
    return JSONResponse(
        Taken(
            message_id=data.message_id,
            referral_id=data.referral_id,
            version=event.version,
            state=data.state,
        ).model_dump(mode="json")
    )
