"""What an agency needs to join Tsunagu from its own software: sealing, sending, receiving, opening."""

from tsunagu_agency.answers import Receipt, StatementReceipt
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
from tsunagu_agency.outgoing import ActingCoordinator, OutgoingMessage
from tsunagu_agency.queue import AsyncOfflineQueue, OfflineQueue, Progress
from tsunagu_agency.queue_file import Backlog, MessageState, MessageStatus, QueueLimits
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    Language,
    Outcome,
    Purpose,
    ReferralAct,
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
    "Area",
    "AsyncOfflineQueue",
    "Backlog",
    "Category",
    "ConfigurationError",
    "DeclineReason",
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
    "ProblemError",
    "Progress",
    "Published",
    "Purpose",
    "QueueFileError",
    "QueueFullError",
    "QueueLimits",
    "Receipt",
    "ReferralAct",
    "ServiceFamily",
    "StatementKind",
    "StatementMethod",
    "StatementReceipt",
    "ToAgency",
    "ToService",
    "UnreachableError",
    "UntrustedDeliveryError",
    "Urgency",
]
