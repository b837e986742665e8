"""What `audit` says: what auditors have asked, which evidence it keeps or refuses, what agencies report."""

from tsunagu_contracts.events.audit.evidence import (
    EvidenceOpened,
    EvidenceOpeningAsked,
    EvidenceRefused,
    EvidenceStored,
)
from tsunagu_contracts.events.audit.provisions import ProvisionReported
from tsunagu_contracts.events.audit.queries import QueryAnswered

__all__ = [
    "EvidenceOpened",
    "EvidenceOpeningAsked",
    "EvidenceRefused",
    "EvidenceStored",
    "ProvisionReported",
    "QueryAnswered",
]
