"""The one topic catalogue: who says what, who may read it, how it is cut and kept; topics and ACLs follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tsunagu_contracts.events import EVENTS_BY_PRODUCER
from tsunagu_contracts.events.audit import EvidenceStored
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.events.consent import CoverageDecided, DisasterDeclared, DisasterLifted

FOREVER = None


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of services: the aggregates whose ids key it, its producer and readers, partitions and days kept.

    With `read_back` its producer may read it too, to be told what a database restored from a backup has forgotten.
    """

    name: str
    aggregates: tuple[str, ...]
    events: tuple[type[EventData], ...]
    producer: str
    consumers: tuple[str, ...]
    partitions: int
    retention_days: int | None
    read_back: bool = False

    @property
    def readers(self) -> tuple[str, ...]:
        """The services that may read it."""
        return (*self.consumers, self.producer) if self.read_back else self.consumers


_WITHOUT_A_PERSON = (CoverageDecided, DisasterDeclared, DisasterLifted)
_CONSENT_RECORD = tuple(data for data in EVENTS_BY_PRODUCER["consent"] if data not in _WITHOUT_A_PERSON)
_FOR_AUDITORS = tuple(data for data in EVENTS_BY_PRODUCER["audit"] if data is not EvidenceStored)

DIRECTORY_EVENTS = Topic(
    "directory.events",
    ("agency", "appointment", "mandate"),
    EVENTS_BY_PRODUCER["directory"],
    "directory",
    ("referral", "consent", "notify", "audit"),
    1,
    FOREVER,
)
REFERRAL_EVENTS = Topic(
    "referral.events",
    ("referral", "message"),
    EVENTS_BY_PRODUCER["referral"],
    "referral",
    ("consent", "notify", "audit"),
    6,
    365,
)
COVERAGE = Topic(
    "consent.coverage",
    ("coverage", "disaster"),
    _WITHOUT_A_PERSON,
    "consent",
    ("referral", "audit"),
    6,
    365,
    read_back=True,
)
RECORDS = Topic(
    "consent.records", ("record", "refusal"), _CONSENT_RECORD, "consent", ("notify", "audit"), 6, 365, read_back=True
)
NOTIFY_EVENTS = Topic("notify.events", ("notification",), EVENTS_BY_PRODUCER["notify"], "notify", ("audit",), 6, 365)
AUDIT_EVENTS = Topic(
    "audit.events",
    ("query", "opening", "attempt", "provisions"),
    _FOR_AUDITORS,
    "audit",
    ("audit",),
    1,
    FOREVER,
)
EVIDENCE = Topic("audit.evidence", ("evidence",), (EvidenceStored,), "audit", ("consent", "audit"), 1, 365)

TOPICS: tuple[Topic, ...] = (
    DIRECTORY_EVENTS,
    REFERRAL_EVENTS,
    COVERAGE,
    RECORDS,
    NOTIFY_EVENTS,
    AUDIT_EVENTS,
    EVIDENCE,
)
SERVICES: tuple[str, ...] = ("directory", "referral", "consent", "notify", "audit")

AGENCY_TOPIC_PARTITIONS = 1
AGENCY_TOPIC_RETENTION_DAYS = 30
AGENCY_OUTBOUND_PATTERN = r"agency\.[a-z0-9-]+\.outbound"

TOPIC_NAMED: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
"""The topics of services by their names."""

_TOPIC_OF_AGGREGATE = {kind: topic for topic in TOPICS for kind in topic.aggregates}
_TOPIC_OF = {data.TYPE: topic for topic in TOPICS for data in topic.events}


def topic_of(data: type[EventData]) -> Topic:
    """The topic on which events of this type stand."""
    return _TOPIC_OF[data.TYPE]


def topic_of_aggregate(aggregate: str) -> Topic | None:
    """The topic on which every event of this aggregate stands; None for a kind that the catalogue does not have."""
    return _TOPIC_OF_AGGREGATE.get(aggregate.partition(":")[0])


def consumed_by(service: str) -> tuple[Topic, ...]:
    """The topics of services that `service` may read."""
    return tuple(topic for topic in TOPICS if service in topic.consumers)


def agency_outbound(agency_id: str) -> str:
    """The topic that only this agency writes and only `referral` reads."""
    return f"agency.{agency_id}.outbound"


def agency_inbound(agency_id: str) -> str:
    """The topic that only `referral` writes and only this agency reads."""
    return f"agency.{agency_id}.inbound"


def agency_of_outbound(topic: str) -> str | None:
    """The agency whose outbound topic this is; None for any other topic."""
    parts = topic.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == "agency" and parts[2] == "outbound" else None


def agency_principal(agency_id: str) -> str:
    """The Kafka user name of an agency's system."""
    return f"agency.{agency_id}"


@dataclass(frozen=True, slots=True)
class AclRule:
    """One permission of one Kafka user; whatever no rule names is denied."""

    principal: str
    operation: Literal["READ", "WRITE", "DESCRIBE", "IDEMPOTENT_WRITE"]
    resource_type: Literal["TOPIC", "GROUP", "CLUSTER"]
    resource_name: str
    pattern: Literal["LITERAL", "PREFIXED"] = "LITERAL"


def acl_rules(agency_ids: Iterable[str]) -> list[AclRule]:
    """Every permission in the network; READ and WRITE imply DESCRIBE."""
    agencies = list(agency_ids)
    rules: list[AclRule] = []
    for topic in TOPICS:
        rules.append(AclRule(topic.producer, "WRITE", "TOPIC", topic.name))
        rules.extend(AclRule(reader, "READ", "TOPIC", topic.name) for reader in topic.readers)
    rules.extend(AclRule(service, "READ", "GROUP", service) for service in SERVICES)
    for agency_id in agencies:
        principal = agency_principal(agency_id)
        rules += [
            AclRule(principal, "WRITE", "TOPIC", agency_outbound(agency_id)),
            AclRule(principal, "READ", "TOPIC", agency_inbound(agency_id)),
            AclRule(principal, "READ", "GROUP", f"agency.{agency_id}.", "PREFIXED"),
            AclRule("referral", "READ", "TOPIC", agency_outbound(agency_id)),
            AclRule("referral", "WRITE", "TOPIC", agency_inbound(agency_id)),
        ]
    return rules
