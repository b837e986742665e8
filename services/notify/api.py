"""HTTP of `notify`: a coordinator's own inbox, as a list and as a stream, and what they have seen of it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.eventing.database import Database
from services.notify import domain, storage, use_cases
from services.notify.storage import InboxItem
from services.notify.stream import InboxStream
from services.notify.texts import preferred_language, render
from services.runtime.errors import PROBLEM_JSON
from services.runtime.idempotency import claim, require_key
from services.runtime.identity import Caller, caller
from tsunagu_contracts.codes import Language, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.ports import Clock
from tsunagu_contracts.types import Id

Calling = Annotated[Caller, Depends(caller)]
AcceptLanguage = Annotated[str | None, Header()]


class ItemView(BaseModel):
    """An item of an inbox: codes, and the same in words of the reader's language; nothing of the person."""

    notification_id: Id
    number: int
    agency_id: str
    referral_id: Id
    referral_version: int
    message: Id
    parameters: dict[str, str]
    text: str
    created_at: datetime
    acknowledged_at: datetime | None

    @classmethod
    def of(cls, item: InboxItem, language: Language) -> "ItemView":
        """Show an item."""
        return cls(
            notification_id=item.notification_id,
            number=item.number,
            agency_id=item.agency_id,
            referral_id=item.referral_id,
            referral_version=item.referral_version,
            message=item.message,
            parameters=domain.parameters(item),
            text=render(item.message, domain.parameters(item), language),
            created_at=item.created_at,
            acknowledged_at=item.acknowledged_at,
        )


class InboxPage(BaseModel):
    """Items, newest first; `next` is the `cursor` of the following page, if there is one.

    `latest` is where a stream is to begin (`after`) so that nothing is missed in between.
    """

    items: list[ItemView]
    next: int | None
    latest: int


def router(database: Database, clock: Clock, stream: InboxStream) -> APIRouter:
    """Return the routes; each is for the coordinator of the token alone."""
    routes = APIRouter(
        tags=["inbox"], responses={"4XX": {"description": "RFC 9457 problem", "content": {PROBLEM_JSON: {}}}}
    )

    @routes.get("/inbox")
    async def get_inbox(
        calling: Calling,
        cursor: Annotated[int | None, Query(ge=0)] = None,
        unseen: bool = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        accept_language: AcceptLanguage = None,
    ) -> InboxPage:
        """List the items for the agencies at which the caller is on duty now; new ones never shift a page."""
        language = preferred_language(accept_language)
        async with database.reading() as session:
            # Read first: what comes between the two statements is then in the stream, not lost.
            latest = await storage.last_number(session, calling.coordinator_id)
            who = await use_cases.reader(session, calling.coordinator_id, calling.agency_id, clock.now())
            items = await storage.page(
                session,
                who.coordinator_id,
                who.agencies,
                before=cursor,
                unseen_only=unseen,
                limit=limit + 1,
            )
        shown = items[:limit]
        return InboxPage(
            items=[ItemView.of(item, language) for item in shown],
            next=shown[-1].number if len(items) > limit else None,
            latest=latest,
        )

    @routes.get("/inbox/stream", response_class=StreamingResponse)
    async def get_stream(
        calling: Calling,
        after: Annotated[int | None, Query(ge=0)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
        accept_language: AcceptLanguage = None,
    ) -> StreamingResponse:
        """Send items as they come (server-sent events), after Last-Event-ID or `after`, else from now on."""
        language = preferred_language(accept_language)
        async with database.reading() as session:
            await use_cases.reader(session, calling.coordinator_id, calling.agency_id, clock.now())
            begin = _number(last_event_id) if last_event_id is not None else after
            if begin is None:
                begin = await storage.last_number(session, calling.coordinator_id)
        return StreamingResponse(
            stream.follow(
                calling.coordinator_id,
                calling.agency_id,
                begin,
                lambda item: ItemView.of(item, language).model_dump_json(),
            ),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.post("/inbox/{notification_id}/acknowledge")
    async def acknowledge(
        notification_id: Id,
        calling: Calling,
        idempotency_key: Annotated[str | None, Header()] = None,
        accept_language: AcceptLanguage = None,
    ) -> ItemView:
        """Note that the caller has seen an item of theirs; a repetition changes nothing."""
        key = require_key(idempotency_key)
        async with database.work() as work:
            who = await use_cases.reader(work.session, calling.coordinator_id, calling.agency_id, work.now)
            await claim(
                work.session,
                caller=str(calling.actor),
                key=key,
                request=f"acknowledge {notification_id}".encode(),
            )
            item = await use_cases.acknowledge(work, who, notification_id)
        return ItemView.of(item, preferred_language(accept_language))

    return routes


def _number(last_event_id: str) -> int:
    if not (last_event_id.isascii() and last_event_id.isdigit()) or len(last_event_id) > 18:
        raise Refusal(RefusalCode.INVALID_CONTENT, where="last-event-id")
    return int(last_event_id)
