"""What an agency needs to join Tsunagu from its own software: sealing, sending, receiving, opening."""

from tsunagu_agency.answers import (
    CountersignReceipt,
    DisasterReceipt,
    Receipt,
    RepresentativeReceipt,
    StatementReceipt,
)
from tsunagu_agency.client import AgencyClient, OpenedSection
from tsunagu_agency.configuration import KafkaLogin, Network
from tsunagu_agency.errors import (
    AgencyError,
    ConfigurationError,
    NoHandleLeftError,
    NotPublishedError,
    ProblemError,
    QueueFileError,
    QueueFullError,
    UnreachableError,
    UntrustedDeliveryError,
)
from tsunagu_agency.inbound import Inbound
from tsunagu_agency.kafka import Published
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator, Announcement, OutgoingMessage, SpokenBy
from tsunagu_agency.queue import AsyncOfflineQueue, OfflineQueue, Progress
from tsunagu_agency.queue_file import Backlog, MessageState, MessageStatus, QueueLimits
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    DisasterAct,
    Language,
    Outcome,
    OverrideGround,
    ProofSeen,
    Purpose,
    ReferralAct,
    RepresentationGround,
    ServiceFamily,
    StatementKind,
    StatementMethod,
    Urgency,
)
from tsunagu_contracts.manifests import Notice, ToAgency, ToService

__all__ = [
    "ActingCoordinator",
    "AgencyClient",
    "AgencyError",
    "Announcement",
    "Area",
    "AsyncOfflineQueue",
    "Backlog",
    "Category",
    "ConfigurationError",
    "CountersignReceipt",
    "DeclineReason",
    "DisasterAct",
    "DisasterReceipt",
    "Inbound",
    "KafkaLogin",
    "Keystore",
    "Language",
    "MessageState",
    "MessageStatus",
    "Network",
    "NoHandleLeftError",
    "NotPublishedError",
    "Notice",
    "OfflineQueue",
    "OpenedSection",
    "Outcome",
    "OutgoingMessage",
    "OverrideGround",
    "ProblemError",
    "Progress",
    "ProofSeen",
    "Published",
    "Purpose",
    "QueueFileError",
    "QueueFullError",
    "QueueLimits",
    "Receipt",
    "ReferralAct",
    "RepresentationGround",
    "RepresentativeReceipt",
    "ServiceFamily",
    "SpokenBy",
    "StatementKind",
    "StatementMethod",
    "StatementReceipt",
    "ToAgency",
    "ToService",
    "UnreachableError",
    "UntrustedDeliveryError",
    "Urgency",
]
