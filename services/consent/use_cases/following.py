"""Following referrals through their life: whether each is open, and who is asked by it."""

from collections.abc import Iterable, Mapping

from services.consent.storage import referrals
from services.consent.storage.referrals import Standing
from services.eventing.work import Work
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.referral import ReferralFacts


def last_standings(events: Iterable[Event]) -> dict[str, Standing]:
    """Where each referral of a batch stands after its last event, by referral id."""
    return {
        event.data.referral_id: Standing(event.data.referral_id, event.data.state, event.data.addressee, event.version)
        for event in events
        if isinstance(event.data, ReferralFacts)
    }


def follow(work: Work, standings: Mapping[str, Standing]) -> None:
    """Note where referrals that are known already now stand."""
    referrals.follow(work, standings.values())
