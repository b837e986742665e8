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
from tsunagu_contracts.events.consent.cases import CaseAnswered, CaseAsked, CaseClosed, CaseOpened, CaseOverdue
from tsunagu_contracts.events.consent.coverage import CoverageDecided
from tsunagu_contracts.events.consent.disasters import DisasterDeclared, DisasterLifted
from tsunagu_contracts.events.consent.disclosures import DisclosureRecorded
from tsunagu_contracts.events.consent.erasures import RecordErased
from tsunagu_contracts.events.consent.joins import RecordJoined, RecordUnjoined
from tsunagu_contracts.events.consent.obligations import ObligationEnded, ObligationIncurred, ObligationOverdue
from tsunagu_contracts.events.consent.receipts import (
    ReceiptIssued,
    ReceiptRevoked,
    ReceiptViewLimited,
    StatementWithdrawnByPerson,
)
from tsunagu_contracts.events.consent.records import RecordOpened, RecordReferralLinked
from tsunagu_contracts.events.consent.refused import RequestRefused
from tsunagu_contracts.events.consent.releases import RecordNumber, ReleaseGranted, ReleaseRefused
from tsunagu_contracts.events.consent.statements import (
    RecordedBy,
    RepresentativeRecorded,
    SpokenFor,
    StatementCountersigned,
    StatementEvidenced,
    StatementRecorded,
)

__all__ = [
    "CaseAnswered",
    "CaseAsked",
    "CaseClosed",
    "CaseOpened",
    "CaseOverdue",
    "ConsentRequested",
    "CoverageDecided",
    "DisasterDeclared",
    "DisasterLifted",
    "DisclosureRecorded",
    "GrantRenewalDue",
    "ObligationEnded",
    "ObligationIncurred",
    "ObligationOverdue",
    "PersonChanged",
    "ReceiptIssued",
    "ReceiptRevoked",
    "ReceiptViewLimited",
    "RecordErased",
    "RecordJoined",
    "RecordNumber",
    "RecordOpened",
    "RecordReferralLinked",
    "RecordUnjoined",
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
    "StatementEvidenced",
    "StatementRecorded",
    "StatementWithdrawnByPerson",
]
