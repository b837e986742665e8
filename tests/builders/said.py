"""What services say, as it stands on their topics: events that follow one another, with offsets that rise."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.eventing.records import Item, Record
from tests.builders.agency_messages import IDS, NOW
from tsunagu_contracts.codes import (
    Area,
    Category,
    DecisionReason,
    DeclineReason,
    Language,
    Outcome,
    Purpose,
    ReferralState,
    RefusalCode,
    Role,
    ServiceFamily,
    Urgency,
)
from tsunagu_contracts.codes import Field as WorkField
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause, Event, encode_event
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import ReleaseGranted, ReleaseRefused
from tsunagu_contracts.events.directory import AppointmentEnded, AppointmentGranted, MandateGranted
from tsunagu_contracts.events.referral import (
    Accountable,
    ReferralAccepted,
    ReferralAwaitingConsent,
    ReferralCompleted,
    ReferralDeclined,
    ReferralDelivered,
    ReferralHalted,
    ReferralSubmitted,
)
from tsunagu_contracts.topics import topic_of


@dataclass
class Saying:
    """Services speaking: gives every event its version, the digest of the one before, and a place in Kafka."""

    now: datetime = NOW
    _heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    _offsets: dict[str, int] = field(default_factory=dict)

    def say(self, aggregate: str, data: EventData, *, cause: Cause | None = None, actor: str = "timer") -> Item:
        """The next event of an aggregate."""
        version, previous = self._heads.get(aggregate, (0, None))
        topic = topic_of(type(data))
        event = Event(
            id=IDS.new(),
            source=f"tsunagu/{topic.producer}",
            type=data.TYPE,
            time=self.now,
            aggregate=aggregate,
            version=version + 1,
            previous=previous,
            cause=str(cause) if cause else None,
            actor=actor,
            data=data,
        )
        raw = encode_event(event)
        self._heads[aggregate] = (event.version, digest(raw))
        return Item(self.record(topic.name, event.key.encode(), raw), event)

    def record(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes | None], ...] = (),
    ) -> Record:
        """Anything at the next offset of a topic's only partition."""
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        return Record(
            topic,
            0,
            offset,
            None if key is None else key.decode(errors="replace"),
            value or b"",
            headers,
            int(self.now.timestamp() * 1000),
            raw_key=key,
            tombstone=value is None,
        )

    def appointed(
        self,
        coordinator_id: str,
        agency_id: str,
        *,
        since: datetime = NOW - timedelta(days=365),
        until: datetime | None = None,
        appointment_id: str | None = None,
    ) -> Item:
        """An appointment."""
        ident = appointment_id or IDS.new()
        granted = AppointmentGranted(
            appointment_id=ident,
            coordinator_id=coordinator_id,
            agency_id=agency_id,
            role=Role.CSW,
            field=WorkField.COMMUNITY,
            areas=(Area.FUJIMI,),
            valid_from=since,
            valid_until=until,
            granted_by="operator:op-chiyoda",
        )
        return self.say(f"appointment:{ident}", granted)

    def ended(self, granted: Item, at: datetime) -> Item:
        """The end of an appointment."""
        if granted.event is None or not isinstance(granted.event.data, AppointmentGranted):
            raise TypeError("only an appointment can end")
        data = granted.event.data
        return self.say(
            granted.event.aggregate,
            AppointmentEnded(
                appointment_id=data.appointment_id,
                coordinator_id=data.coordinator_id,
                agency_id=data.agency_id,
                ended_at=at,
            ),
        )

    def mandated(
        self,
        auditor_id: str,
        agencies: tuple[str, ...],
        areas: tuple[Area, ...] = (Area.FUJIMI,),
        *,
        since: datetime = NOW - timedelta(days=30),
        until: datetime = NOW + timedelta(days=30),
        mandate_id: str | None = None,
    ) -> Item:
        """A mandate."""
        ident = mandate_id or IDS.new()
        granted = MandateGranted(
            mandate_id=ident,
            auditor_id=auditor_id,
            agencies=agencies,
            areas=areas,
            valid_from=since,
            valid_until=until,
            reason="yearly_review",
            granted_by="operator:op-chiyoda",
        )
        return self.say(f"mandate:{ident}", granted)


@dataclass
class Course:
    """The course of one referral from a clinic to a desk."""

    saying: Saying
    referral_id: str = field(default_factory=IDS.new)
    sender: str = "chiyoda-clinic-a"
    sender_coordinator: str = "c-0001"
    addressee: str = "chiyoda-desk-fujimi"
    area: Area = Area.FUJIMI
    urgency: Urgency = Urgency.URGENT
    lead: str | None = None

    def _say(self, data: type[EventData], state: ReferralState, **more: object) -> Item:
        agency, coordinator = (self.addressee, self.lead) if self.lead else (self.sender, self.sender_coordinator)
        facts = data.model_validate(
            {
                "referral_id": self.referral_id,
                "state": state,
                "sender": self.sender,
                "addressee": self.addressee,
                "handle_id": "handle-1",
                "purpose": Purpose.ASSESSMENT,
                "area": self.area,
                "urgency": self.urgency,
                "accountable": Accountable(
                    agency_id=agency, coordinator_id=coordinator, appointment_id=f"ap-{coordinator}"
                ),
                "message_id": IDS.new(),
                "manifest": "e30.e30.c2ln",
                "sections": (),
                **more,
            }
        )
        return self.saying.say(f"referral:{self.referral_id}", facts)

    def submitted(self) -> Item:
        """Sent by the clinic."""
        return self._say(
            ReferralSubmitted,
            ReferralState.SUBMITTED,
            service_family=ServiceFamily.DAILY_LIFE,
            language=Language.JA,
            routed_by="sender",
        )

    def awaiting_consent(self) -> Item:
        """Nothing is covered yet."""
        return self._say(ReferralAwaitingConsent, ReferralState.AWAITING_CONSENT)

    def delivered(self) -> Item:
        """Handed to the desk."""
        return self._say(ReferralDelivered, ReferralState.DELIVERED)

    def accepted(self, lead: str) -> Item:
        """Taken up by a lead of the desk."""
        self.lead = lead
        return self._say(ReferralAccepted, ReferralState.ACCEPTED)

    def declined(self) -> Item:
        """Declined by the desk."""
        return self._say(ReferralDeclined, ReferralState.DECLINED, reason=DeclineReason.NO_CAPACITY)

    def halted(self) -> Item:
        """Nothing is covered any more."""
        return self._say(ReferralHalted, ReferralState.HALTED)

    def completed(self) -> Item:
        """Ended well."""
        return self._say(ReferralCompleted, ReferralState.COMPLETED, outcome=Outcome.HELPED_IN_FULL)

    def opened(self, record_id: str, number: int, *, coordinator_id: str = "c-0002") -> Item:
        """A section opened by the desk."""
        return self.saying.say(
            f"record:{record_id}",
            ReleaseGranted(
                record_id=record_id,
                number=number,
                release_id=IDS.new(),
                referral_id=self.referral_id,
                section_id=IDS.new(),
                category=Category.CONTACT,
                purpose=Purpose.ASSESSMENT,
                recipient=self.addressee,
                coordinator_id=coordinator_id,
                appointment_id=f"ap-{coordinator_id}",
                statement_id="statement-1",
                statement_number=1,
                decided_at=self.saying.now,
                provider=self.sender,
            ),
        )

    def refused(
        self, *, reason: DecisionReason | RefusalCode = DecisionReason.NO_STATEMENT, coordinator_id: str = "c-0002"
    ) -> Item:
        """A section that the desk asked for and did not get, no person being known."""
        release_id = IDS.new()
        return self.saying.say(
            f"refusal:{release_id}",
            ReleaseRefused(
                record_id=None,
                number=None,
                release_id=release_id,
                referral_id=self.referral_id,
                section_id=IDS.new(),
                category=Category.HEALTH,
                recipient=self.addressee,
                coordinator_id=coordinator_id,
                appointment_id=f"ap-{coordinator_id}",
                reason=reason,
                decided_at=self.saying.now,
            ),
        )
