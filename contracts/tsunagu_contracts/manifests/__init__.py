"""Manifests (送り状): the signed, body-free part of a message; CloudEvents 1.0 in a compact JWS."""

from tsunagu_contracts.manifests.asking import (
    AnswerReview,
    AskPerson,
    ChangeReported,
    PersonAsked,
    ReportChange,
    ReviewAnswered,
)
from tsunagu_contracts.manifests.audit import MOST_RECORDS, ProvisionsRecorded, RecordKept, ReportProvisions
from tsunagu_contracts.manifests.cases import AnswerCase, OpenCase, PartAnswered, RequestMade
from tsunagu_contracts.manifests.claimed import ClaimedIds, claimed_ids
from tsunagu_contracts.manifests.consent import (
    AnswerObligation,
    CountersignStatement,
    DisasterSaid,
    ObligationAnswered,
    RecordRepresentative,
    RecordStatement,
    RepresentativeNamed,
    SayDisaster,
    StatementHeard,
    StatementMade,
)
from tsunagu_contracts.manifests.disclosures import DisclosureMade, RecordDisclosure
from tsunagu_contracts.manifests.erasure import ErasePerson, ErasureAsked
from tsunagu_contracts.manifests.evidence import (
    EvidenceGiven,
    ForEvidence,
    OpenEvidence,
    OpeningAsked,
    SealedShare,
    StoreEvidence,
)
from tsunagu_contracts.manifests.joins import (
    CardWanted,
    HandlesJoined,
    HandlesUnjoined,
    IssueCard,
    JoinHandles,
    UnjoinHandles,
)
from tsunagu_contracts.manifests.known import MANIFESTS, AnyManifest, ForAudit, ForConsent, referral_of
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Categories, Exact, Notice, Purposes, Recipients, distinct, in_order
from tsunagu_contracts.manifests.receipts import IssueReceipt, ReceiptLost, ReceiptWanted, RevokeReceipt
from tsunagu_contracts.manifests.referral import (
    ActOnReferral,
    ActTaken,
    ForReferral,
    ReferralSubmission,
    SubmitReferral,
    ToAgency,
    ToService,
)
from tsunagu_contracts.manifests.signing import MANIFEST_TYP, sign_manifest, verify_manifest

__all__ = [
    "MANIFESTS",
    "MANIFEST_TYP",
    "MOST_RECORDS",
    "ActOnReferral",
    "ActTaken",
    "AnswerCase",
    "AnswerObligation",
    "AnswerReview",
    "AnyManifest",
    "AskPerson",
    "CardWanted",
    "Categories",
    "ChangeReported",
    "ClaimedIds",
    "CountersignStatement",
    "DisasterSaid",
    "DisclosureMade",
    "ErasePerson",
    "ErasureAsked",
    "EvidenceGiven",
    "Exact",
    "ForAudit",
    "ForConsent",
    "ForEvidence",
    "ForReferral",
    "HandlesJoined",
    "HandlesUnjoined",
    "IssueCard",
    "IssueReceipt",
    "JoinHandles",
    "Manifest",
    "Notice",
    "ObligationAnswered",
    "OpenCase",
    "OpenEvidence",
    "OpeningAsked",
    "PartAnswered",
    "PersonAsked",
    "ProvisionsRecorded",
    "Purposes",
    "ReceiptLost",
    "ReceiptWanted",
    "Recipients",
    "RecordDisclosure",
    "RecordKept",
    "RecordRepresentative",
    "RecordStatement",
    "ReferralSubmission",
    "ReportChange",
    "ReportProvisions",
    "RepresentativeNamed",
    "RequestMade",
    "ReviewAnswered",
    "RevokeReceipt",
    "SayDisaster",
    "SealedShare",
    "StatementHeard",
    "StatementMade",
    "StoreEvidence",
    "SubmitReferral",
    "ToAgency",
    "ToService",
    "UnjoinHandles",
    "claimed_ids",
    "distinct",
    "in_order",
    "referral_of",
    "sign_manifest",
    "verify_manifest",
]
