"""What an agency receives: events of its referrals and, when a referral is delivered to it, sealed bodies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import MessageRefused, ReferralDelivered, ReferralFacts
from tsunagu_contracts.inbound import InboundMessage


@dataclass(frozen=True, slots=True)
class Inbound:
    """One item of an agency's inbound topic.

    `event` is None where this software is older than what was said; `unreadable` then says why and `raw`
    holds the bytes. `bodies` come with `referral.delivered` to the addressee, by section id, still sealed.
    """

    raw: bytes = field(repr=False)
    event: Event | None = None
    bodies: Mapping[str, str] = field(default_factory=dict, repr=False)
    unreadable: RefusalCode | None = None
    traceparent: str | None = None

    @classmethod
    def read(cls, raw: bytes, traceparent: str | None = None) -> "Inbound":
        """Read an item; never raises, so that one item that cannot be read does not hold up the next."""
        try:
            message = InboundMessage.parse(raw)
        except Refusal as refusal:
            return cls(raw, unreadable=refusal.code, traceparent=traceparent)
        return cls(raw, message.event, message.bodies, traceparent=traceparent)

    @property
    def type(self) -> str | None:
        """The type of what happened, without its version: `referral.delivered`, `message.refused`, …"""
        return None if self.event is None else self.event.type.rpartition(".v")[0]

    @property
    def referral_id(self) -> str | None:
        """The referral that it is about, where it is about one."""
        data = None if self.event is None else self.event.data
        return data.referral_id if isinstance(data, ReferralFacts | MessageRefused) else None

    @property
    def version(self) -> int | None:
        """The referral's version with this event: what an act on it expects."""
        about_referral = self.event is not None and isinstance(self.event.data, ReferralFacts)
        return self.event.version if self.event is not None and about_referral else None

    @property
    def delivery(self) -> ReferralDelivered | None:
        """What was delivered; None for any other item."""
        data = None if self.event is None else self.event.data
        return data if isinstance(data, ReferralDelivered) else None

    def __str__(self) -> str:
        if self.event is None:
            return f"unreadable: {self.unreadable}"
        return f"{self.type} {self.referral_id or self.event.key} @{self.event.version}"
