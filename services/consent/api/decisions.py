"""What is covered now, was covered then, and would be after a withdrawal."""

from fastapi import APIRouter

from services.consent.api.parts import Calling
from services.consent.use_cases import coverage, replay
from services.consent.use_cases.custody import Custody
from services.consent.use_cases.replay import Withdrawal
from services.eventing.database import Database
from tsunagu_contracts.events.consent import CoverageDecided
from tsunagu_contracts.events.referral import SectionCoverage
from tsunagu_contracts.manifests import Categories, Purposes, Recipients
from tsunagu_contracts.types import Frozen, Id, Instant


class DecisionWanted(Frozen):
    """Of which referral to decide, at which moment; by default now."""

    referral_id: Id
    at: Instant | None = None


class CoverageAsOf(Frozen):
    """What was covered of a referral at a moment."""

    referral_id: Id
    at: Instant
    sections: tuple[SectionCoverage, ...]


class WithdrawalWanted(Frozen):
    """What a person might take back; `recipients` null means from every agency."""

    referral_id: Id
    categories: Categories
    recipients: Recipients | None = None
    purposes: Purposes


class SectionChange(Frozen):
    """A section as it stands now and as it would stand after a withdrawal."""

    referral_id: Id
    now: SectionCoverage
    then: SectionCoverage


class WithdrawalPreview(Frozen):
    """Every section of the caller's open referrals of this person that would change."""

    changes: tuple[SectionChange, ...]


def router(database: Database, custody: Custody) -> APIRouter:
    """Decide, as of any moment."""
    routes = APIRouter()

    @routes.post("/decisions", response_model=CoverageAsOf)
    async def decide_as_of(calling: Calling, wanted: DecisionWanted) -> CoverageAsOf:
        """What was covered of a referral at a moment, for its sender or its addressee; by default now."""
        if wanted.at is None:
            async with database.batch() as work:
                read = await replay.now(work, calling, wanted.referral_id, custody)
        else:
            async with database.reading() as session:
                read = await replay.as_of(session, calling, wanted.referral_id, wanted.at, custody)
        return CoverageAsOf(referral_id=wanted.referral_id, at=read.at, sections=read.sections)

    @routes.post("/withdrawals/preview", response_model=WithdrawalPreview)
    async def preview_withdrawal(calling: Calling, wanted: WithdrawalWanted) -> WithdrawalPreview:
        """What would change for the caller's referrals of this person if the person withdrew this; nothing does yet."""
        recipients = None if wanted.recipients is None else frozenset(wanted.recipients)
        withdrawal = Withdrawal(frozenset(wanted.categories), recipients, frozenset(wanted.purposes))
        async with database.reading() as session:
            changes = await replay.if_withdrawn(session, calling, wanted.referral_id, withdrawal, custody)
        return WithdrawalPreview(
            changes=tuple(SectionChange(referral_id=each.referral_id, now=each.now, then=each.then) for each in changes)
        )

    @routes.get("/coverage/{referral_id}", response_model=CoverageDecided)
    async def read_coverage(calling: Calling, referral_id: Id) -> CoverageDecided:
        """Tell a party of a referral what is covered at this moment."""
        async with database.reading() as session:
            return await coverage.of(session, calling, referral_id, custody)

    return routes
