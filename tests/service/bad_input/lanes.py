"""Sound events of every topic, one aggregate after the other, as their producer would say them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from zlib import crc32

from tests.builders.agency_messages import IDS, NOW
from tests.contracts.golden.shelf import CONTRACTS
from tests.service.bad_input.fates import Draft
from tsunagu_contracts.codes import Area, CoverageState, DecisionReason, ReferralState
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Event, decode_event, encode_event
from tsunagu_contracts.events.audit import EvidenceStored, QueryAnswered
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import CoverageDecided, ObligationIncurred, RecordOpened, ReleaseGranted
from tsunagu_contracts.events.directory import AgencyRegistered
from tsunagu_contracts.events.notify import NotificationAcknowledged, NotificationCreated
from tsunagu_contracts.events.referral import (
    ReferralAccepted,
    ReferralAwaitingConsent,
    ReferralDelivered,
    ReferralSubmitted,
    SectionCoverage,
    SectionFacts,
)
from tsunagu_contracts.publish import EXAMPLES
from tsunagu_contracts.topics import (
    AUDIT_EVENTS,
    COVERAGE,
    DIRECTORY_EVENTS,
    EVIDENCE,
    NOTIFY_EVENTS,
    RECORDS,
    REFERRAL_EVENTS,
    Topic,
)

Says = Callable[[int], EventData]
"""What the owner of an aggregate says as its version n, from 1 to 4."""


def golden(data: type[EventData], **changes: object) -> EventData:
    """The data of a committed example, with other values where given."""
    example = decode_event((CONTRACTS / EXAMPLES / f"{data.TYPE}.json").read_bytes()).data
    return data.model_validate(example.model_dump() | changes)


@dataclass
class Lane:
    """The events of one aggregate, each following the one before."""

    topic: Topic
    ident: str
    says: Says
    version: int = 0
    previous: str | None = None
    last: Draft | None = None

    @property
    def aggregate(self) -> str:
        """The name of the aggregate."""
        return f"{self.topic.aggregates[0]}:{self.ident}"

    def draft(self) -> Draft:
        """The next event, not said yet."""
        return self.draft_of(self.says(self.version + 1))

    def draft_of(self, data: EventData) -> Draft:
        """The next event if it says this."""
        event = Event(
            id=IDS.new(),
            source=f"tsunagu/{self.topic.producer}",
            type=data.TYPE,
            time=NOW,
            aggregate=self.aggregate,
            version=self.version + 1,
            previous=self.previous,
            actor=f"system:{self.topic.producer}",
            data=data,
        )
        partition = crc32(self.ident.encode()) % self.topic.partitions
        return Draft(self.topic.name, partition, event.key.encode(), encode_event(event))

    def said(self, draft: Draft) -> Draft:
        """Count this as the latest event."""
        value = draft.value or b""
        self.version, self.previous, self.last = decode_event(value).version, digest(value), draft
        return draft

    def say(self) -> Draft:
        """Say the next event."""
        return self.said(self.draft())


def agency_says(ident: str) -> Says:
    """An agency is registered in one more area each time."""
    areas = tuple(Area)
    return lambda version: golden(AgencyRegistered, agency_id=ident, areas=areas[:version], desk_for=())


def referral_says(submitted: ReferralSubmitted) -> Says:
    """A referral goes its way: submitted, waiting, delivered, accepted."""
    facts = submitted.model_dump() | {"sections": ()}

    def says(version: int) -> EventData:
        if version == 1:
            return submitted
        if version == 2:
            return ReferralAwaitingConsent.model_validate(facts | {"state": ReferralState.AWAITING_CONSENT})
        if version == 3:
            return ReferralDelivered.model_validate(facts | {"state": ReferralState.DELIVERED})
        return ReferralAccepted.model_validate(facts | {"state": ReferralState.ACCEPTED})

    return says


def coverage_says(referral_id: str, addressee: str, sections: tuple[SectionFacts, ...]) -> Says:
    """One more section of the referral is covered each time."""

    def part(section: SectionFacts, *, covered: bool) -> SectionCoverage:
        return SectionCoverage(
            section_id=section.section_id,
            category=section.category,
            state=CoverageState.COVERED if covered else CoverageState.TO_ASK,
            reason=DecisionReason.GRANTED if covered else DecisionReason.NO_STATEMENT,
        )

    def says(version: int) -> EventData:
        parts = tuple(part(each, covered=place < version) for place, each in enumerate(sections))
        return CoverageDecided(referral_id=referral_id, addressee=addressee, sections=parts)

    return says


def obligations_say(ident: str) -> Says:
    """What a person's record says of an agency that owes one answer after the other."""
    return lambda version: golden(
        ObligationIncurred, record_id=ident, number=version, obligation_id=f"{ident}.{version}"
    )


def _record_says(ident: str) -> Says:
    def says(version: int) -> EventData:
        if version == 1:
            return RecordOpened(record_id=ident)
        return golden(ReleaseGranted, record_id=ident, number=version, release_id=f"{ident}.{version}")

    return says


def _notification_says(ident: str) -> Says:
    def says(version: int) -> EventData:
        kind = NotificationCreated if version == 1 else NotificationAcknowledged
        return golden(kind, notification_id=ident)

    return says


def _golden_referral_says(ident: str) -> Says:
    return referral_says(cast(ReferralSubmitted, golden(ReferralSubmitted, referral_id=ident)))


GOLDEN_SAYS: dict[str, Callable[[str], Says]] = {
    DIRECTORY_EVENTS.name: agency_says,
    REFERRAL_EVENTS.name: _golden_referral_says,
    COVERAGE.name: lambda ident: lambda _: golden(CoverageDecided, referral_id=ident),
    RECORDS.name: _record_says,
    NOTIFY_EVENTS.name: _notification_says,
    AUDIT_EVENTS.name: lambda ident: lambda _: golden(QueryAnswered, query_id=ident),
    EVIDENCE.name: lambda ident: lambda _: golden(EvidenceStored, evidence_id=ident),
}
"""By topic, what an aggregate of this id says, after the committed examples; keys and seals in it are the examples'."""


def golden_lane(topic: Topic) -> Lane:
    """A new aggregate of this topic."""
    ident = IDS.new()
    return Lane(topic, ident, GOLDEN_SAYS[topic.name](ident))
