"""Following what `consent` decides of a referral's sections: deliver, ask, halt or resume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.eventing.work import Work
from services.referral.domain.referral import Decision, cover
from services.referral.use_cases.batch import Batch
from services.referral.use_cases.telling import Said, tell_agencies
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause, Event, encode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import CoverageDecided
from tsunagu_contracts.events.referral import ReferralDelivered


@dataclass(frozen=True, slots=True)
class Coverage:
    """One coverage event with its data and the trace that it belongs to."""

    event: Event
    decided: CoverageDecided
    trace: str | None


async def follow_coverage(work: Work, decided: Sequence[Coverage], batch: Batch) -> None:
    """Follow coverage events, in their order.

    Refuses with `referral_unknown` or `invalid_content` what does not fit a referral of ours; the event is
    then parked, for it cannot come from a sound `consent`.
    """
    said: list[Said] = []
    for one in decided:
        referral = batch.referral(one.decided.referral_id)
        if referral is None:
            raise Refusal(RefusalCode.REFERRAL_UNKNOWN, referral_id=one.decided.referral_id)
        manifest = batch.manifest(referral.referral_id)
        result = cover(referral, one.decided.addressee, one.decided.sections, manifest)
        if isinstance(result, Decision):
            batch.change(result.referral)
            said.append(_said(one, result))
        elif result != referral:
            batch.change(result)
    events = await work.emit(*(one.emission() for one in said))
    for one_said, event in zip(said, events, strict=True):
        referral_id = one_said.decision.referral.referral_id
        sealed: Mapping[str, str] = {}
        if isinstance(event.data, ReferralDelivered):
            sealed = batch.sealed(referral_id)
            batch.deliver(referral_id, encode_event(event).decode())
        await tell_agencies(work, one_said, event, sealed)


def _said(one: Coverage, decision: Decision) -> Said:
    cause = Cause(one.event.aggregate, one.event.version)
    return Said(decision, Actor.parse(one.event.actor), one.event.appointment, cause, one.trace)
