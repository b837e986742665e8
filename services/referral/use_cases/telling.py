"""Saying what happened: events for the services, and for the agencies what concerns them."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.eventing.work import Emission, Work
from services.referral.domain.checking import Incoming
from services.referral.domain.referral import Decision
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.envelope import Cause, Event
from tsunagu_contracts.events.referral import MessageRefused, ReferralFacts
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.topics import agency_inbound


@dataclass(frozen=True, slots=True)
class Said:
    """A decision and who brought it about, ready to be said."""

    decision: Decision
    actor: Actor
    appointment: str | None
    cause: Cause
    trace: str | None

    def emission(self) -> Emission:
        """Return what the pipeline needs to say it."""
        referral = self.decision.referral
        return Emission(
            f"referral:{referral.referral_id}",
            self.decision.event,
            self.actor,
            appointment=self.appointment,
            cause=self.cause,
            trace=self.trace,
            begins=referral.version == 1,
        )


async def tell_agencies(work: Work, said: Said, event: Event, sealed: Mapping[str, str]) -> None:
    """Put the event on the inbound topics of the sender and, once it has the referral, of the recipient.

    The bodies, by section id, are those of a delivery: they go to the addressee and nowhere else.
    """
    referral = said.decision.referral
    if event.version != referral.version:
        raise RuntimeError("a referral and its stream of events differ in version")
    plain = InboundMessage(event).to_bytes()
    await work.send(agency_inbound(referral.sender), referral.referral_id, plain, said.trace)
    if referral.delivered:
        delivered = InboundMessage(event, sealed).to_bytes() if sealed else plain
        await work.send(agency_inbound(referral.addressee), referral.referral_id, delivered, said.trace)


async def tell_sender(work: Work, incoming: Incoming, event: Event) -> None:
    """Tell the agency that a message came from, and nobody else, what became of it."""
    data = event.data
    referral_id = data.referral_id if isinstance(data, ReferralFacts | MessageRefused) else None
    topic = agency_inbound(incoming.agency_id)
    await work.send(topic, referral_id or event.key, InboundMessage(event).to_bytes(), incoming.trace)
