"""What `consent` says: coverage (no person in it), and a person's record for `audit` and `notify` alone."""

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
    StatementEvidenced,
    StatementRecorded,
)

__all__ = [
    "CoverageDecided",
    "DisasterDeclared",
    "DisasterLifted",
    "ObligationEnded",
    "ObligationIncurred",
    "ObligationOverdue",
    "RecordOpened",
    "RecordReferralLinked",
    "RecordedBy",
    "ReleaseGranted",
    "ReleaseRefused",
    "RepresentativeRecorded",
    "RequestRefused",
    "SpokenFor",
    "StatementCountersigned",
    "StatementEvidenced",
    "StatementRecorded",
]
