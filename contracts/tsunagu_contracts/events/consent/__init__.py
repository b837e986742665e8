"""What `consent` says: coverage (no person in it), and a person's record for `audit` and `notify` alone."""

from tsunagu_contracts.events.consent.asking import (
    ConsentRequested,
    GrantRenewalDue,
    PersonChanged,
    RequestAnswered,
    RequestFacts,
    RequestLapsed,
    RequestReminded,
    ReviewOpened,
)
from tsunagu_contracts.events.consent.coverage import CoverageDecided
from tsunagu_contracts.events.consent.disasters import DisasterDeclared, DisasterLifted
from tsunagu_contracts.events.consent.obligations import ObligationEnded, ObligationIncurred, ObligationOverdue
from tsunagu_contracts.events.consent.records import RecordOpened, RecordReferralLinked
from tsunagu_contracts.events.consent.refused import RequestRefused
from tsunagu_contracts.events.consent.releases import ReleaseGranted, ReleaseRefused
from tsunagu_contracts.events.consent.statements import (
    RecordedBy,
    RepresentativeRecorded,
    SpokenFor,
    StatementCountersigned,
    StatementRecorded,
)

__all__ = [
    "ConsentRequested",
    "CoverageDecided",
    "DisasterDeclared",
    "DisasterLifted",
    "GrantRenewalDue",
    "ObligationEnded",
    "ObligationIncurred",
    "ObligationOverdue",
    "PersonChanged",
    "RecordOpened",
    "RecordReferralLinked",
    "RecordedBy",
    "ReleaseGranted",
    "ReleaseRefused",
    "RepresentativeRecorded",
    "RequestAnswered",
    "RequestFacts",
    "RequestLapsed",
    "RequestRefused",
    "RequestReminded",
    "ReviewOpened",
    "SpokenFor",
    "StatementCountersigned",
    "StatementRecorded",
]
