"""Following what `consent` decides of a referral's sections: deliver, ask, halt or resume."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.eventing.work import Work
from services.referral.domain.referral import Decision, Referral, cover
from services.referral.storage import bodies, referrals
from services.referral.use_cases.telling import Said, deliveries, tell_agencies
from services.referral.use_cases.turns import in_turns
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause, Event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import CoverageDecided
from tsunagu_contracts.events.referral import ReferralDelivered


@dataclass(frozen=True, slots=True)
class Coverage:
    """One coverage event with its data and the trace that it belongs to."""

    event: Event
    decided: CoverageDecided
    trace: str | None


async def follow_coverage(work: Work, decided: Sequence[Coverage]) -> None:
    """Follow a batch of coverage events, in order per referral.

    Refuses with `referral_unknown` or `invalid_content` what does not fit a referral of ours; the event is
    then parked, for it cannot come from a sound `consent`.
    """
    for positions in in_turns([(one.decided.referral_id,) for one in decided]):
        await _follow_turn(work, [decided[position] for position in positions])


async def _follow_turn(work: Work, decided: Sequence[Coverage]) -> None:
    locked = await referrals.lock(work.session, {one.decided.referral_id for one in decided})
    waiting = {referral_id for referral_id, referral in locked.items() if not referral.delivered}
    manifests = await referrals.manifests_of(work.session, waiting)
    said: list[Said] = []
    changed: list[Referral] = []
    for one in decided:
        referral = locked.get(one.decided.referral_id)
        if referral is None:
            raise Refusal(RefusalCode.REFERRAL_UNKNOWN, referral_id=one.decided.referral_id)
        result = cover(referral, one.decided.addressee, one.decided.sections, manifests.get(referral.referral_id, ""))
        if isinstance(result, Decision):
            changed.append(result.referral)
            said.append(_said(one, result))
        elif result != referral:
            changed.append(result)
    events = await work.emit(*(one.emission() for one in said))
    await referrals.update(work.session, changed, deliveries(events), work.now)
    sealed = await bodies.bodies_of(
        work.session,
        {event.data.referral_id for event in events if isinstance(event.data, ReferralDelivered)},
    )
    for one_said, event in zip(said, events, strict=True):
        await tell_agencies(work, one_said, event, sealed)


def _said(one: Coverage, decision: Decision) -> Said:
    cause = Cause(one.event.aggregate, one.event.version)
    return Said(decision, Actor.parse(one.event.actor), one.event.appointment, cause, one.trace)
