"""What an event means for auditors' questions: who accessed what, where it belongs, what it is about."""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from tsunagu_contracts.envelope import Event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused
from tsunagu_contracts.events.referral import ReferralFacts
from tsunagu_contracts.provisions import AgreedFacts


class AccessOutcome(StrEnum):
    """Whether the key of a section was handed out."""

    GRANTED = "granted"
    REFUSED = "refused"


class Access(NamedTuple):
    """One opening of a section, or one refused attempt at it.

    `provider` is who had sealed what was opened, and `agreed` the digest that both sides' records of it must have.
    """

    release_id: str
    outcome: AccessOutcome
    referral_id: str
    section_id: str
    category: str | None
    purpose: str | None
    agency_id: str
    coordinator_id: str
    appointment_id: str | None
    statement_id: str | None
    statement_number: int | None
    number: int | None
    reason: str | None
    decided_at: datetime
    provider: str | None
    agreed: str | None


class ReferralReading(NamedTuple):
    """Where a referral belongs, as its latest event tells."""

    referral_id: str
    version: int
    state: str
    sender: str
    addressee: str
    area: str


class About(NamedTuple):
    """The ids by which a mandate can bound an event."""

    referral_id: str | None
    agency_id: str | None
    auditor_id: str | None


def access_of(data: EventData) -> Access | None:
    """The access that an event tells of, if it does."""
    match data:
        case ReleaseGranted():
            return Access(
                release_id=data.release_id,
                outcome=AccessOutcome.GRANTED,
                referral_id=data.referral_id,
                section_id=data.section_id,
                category=data.category.value,
                purpose=data.purpose.value,
                agency_id=data.recipient,
                coordinator_id=data.coordinator_id,
                appointment_id=data.appointment_id,
                statement_id=data.statement_id,
                statement_number=data.statement_number,
                number=data.number,
                reason=None,
                decided_at=data.decided_at,
                provider=data.provider,
                agreed=_agreed(data).digest,
            )
        case ReleaseRefused():
            return Access(
                release_id=data.release_id,
                outcome=AccessOutcome.REFUSED,
                referral_id=data.referral_id,
                section_id=data.section_id,
                category=data.category.value if data.category else None,
                purpose=None,
                agency_id=data.recipient,
                coordinator_id=data.coordinator_id,
                appointment_id=data.appointment_id,
                statement_id=None,
                statement_number=None,
                number=data.number,
                reason=data.reason.value,
                decided_at=data.decided_at,
                provider=None,
                agreed=None,
            )
        case _:
            return None


def _agreed(data: ReleaseGranted) -> AgreedFacts:
    return AgreedFacts(
        data.release_id,
        data.referral_id,
        data.section_id,
        data.category,
        data.purpose,
        data.recipient,
        data.statement_id,
        data.decided_at,
    )


def referral_of(event: Event) -> ReferralReading | None:
    """Where the referral of an event belongs, if it is an event of a referral."""
    data = event.data
    if not isinstance(data, ReferralFacts):
        return None
    return ReferralReading(
        referral_id=data.referral_id,
        version=event.version,
        state=data.state.value,
        sender=data.sender,
        addressee=data.addressee,
        area=data.area.value,
    )


def about(data: EventData) -> About:
    """What an event is about: the agency of a release is the one that asked for the key."""
    if isinstance(data, ReleaseGranted | ReleaseRefused):
        return About(data.referral_id, data.recipient, None)
    return About(_named(data, "referral_id"), _named(data, "agency_id"), _named(data, "auditor_id"))


def _named(data: EventData, field: str) -> str | None:
    value: object = getattr(data, field) if _has(type(data), field) else None
    return value if isinstance(value, str) else None


@cache
def _has(kind: type[EventData], field: str) -> bool:
    # Remembered, for asking a model for what it has not got costs more than all the rest.
    return field in kind.model_fields
