"""Cards, joins, and joins undone."""

from functools import partial

from fastapi import APIRouter, Request, Response

from services.consent.api.decisions import SectionChange
from services.consent.api.parts import MESSAGE, Calling, IdempotencyKey, Taking
from services.consent.use_cases import cards, joins
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts.codes import Category
from tsunagu_contracts.manifests import IssueCard, JoinHandles, UnjoinHandles
from tsunagu_contracts.types import Compact, Frozen, Id, Instant


class CardAnswer(Frozen):
    """A new card, as a JWE to the agency's registered key; nobody keeps this answer."""

    referral_id: Id
    expires_at: Instant
    card: Compact


class JoinAnswer(Frozen):
    """A join that stands from now on; the same whether or not anything was joined already."""

    join_id: Id
    joined_at: Instant


class UndoneAnswer(Frozen):
    """A join that no longer stands."""

    join_id: Id
    undone_at: Instant


class UndoingLookedAt(Frozen):
    """Which join might be undone."""

    join_id: Id


class SectionOwed(Frozen):
    """A section that the caller's agency has opened and would no longer rightly hold."""

    referral_id: Id
    section_id: Id
    category: Category


class UndoingPreview(Frozen):
    """What would change for the caller's agency: sections of its open referrals, and what it would owe."""

    changes: tuple[SectionChange, ...]
    owed: tuple[SectionOwed, ...]


def router(database: Database, taking: Taking, custody: Custody) -> APIRouter:
    """Issue cards, join and unjoin."""
    routes = APIRouter()

    @routes.post("/cards", status_code=201, response_model=CardAnswer, openapi_extra=MESSAGE)
    async def issue_card(calling: Calling, request: Request, idempotency_key: IdempotencyKey = None) -> CardAnswer:
        """Issue a card to hand to the person; whatever card they had is void, also that of the same message before."""
        use_case = partial(cards.issue, custody=custody)
        issued = await taking.take(calling, request, idempotency_key, IssueCard, use_case)
        return CardAnswer(
            referral_id=issued.card.referral_id, expires_at=issued.card.expires_at, card=issued.hand_over()
        )

    @routes.post("/joins", status_code=201, response_model=JoinAnswer, openapi_extra=MESSAGE)
    async def join(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> JoinAnswer:
        """Join two referrals as one person's, by card or by word; the same message again changes nothing."""
        use_case = partial(joins.join, custody=custody)
        told = await taking.take(calling, request, idempotency_key, JoinHandles, use_case)
        if told.again:
            response.status_code = 200
        return JoinAnswer(join_id=told.join_id, joined_at=told.at)

    @routes.post("/joins/undo", status_code=201, response_model=UndoneAnswer, openapi_extra=MESSAGE)
    async def undo(
        calling: Calling, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> UndoneAnswer:
        """Undo a join; the same message again changes nothing."""
        use_case = partial(joins.undo, custody=custody)
        told = await taking.take(calling, request, idempotency_key, UnjoinHandles, use_case)
        if told.again:
            response.status_code = 200
        return UndoneAnswer(join_id=told.join_id, undone_at=told.at)

    @routes.post("/joins/preview-undo", response_model=UndoingPreview)
    async def preview_undo(calling: Calling, wanted: UndoingLookedAt) -> UndoingPreview:
        """What would change for the caller's agency if a join were undone; nothing does yet."""
        async with database.reading() as session:
            told = await joins.if_undone(session, calling, wanted.join_id, custody)
        return UndoingPreview(
            changes=tuple(
                SectionChange(referral_id=each.referral_id, now=each.now, then=each.then) for each in told.changes
            ),
            owed=tuple(
                SectionOwed(referral_id=each.referral_id, section_id=each.section_id, category=each.category)
                for each in told.owed
            ),
        )

    return routes
