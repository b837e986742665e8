"""Manifests (送り状): the signed, body-free part of a message; CloudEvents 1.0 in a compact JWS."""

from tsunagu_contracts.manifests.asking import (
    AnswerReview,
    AskPerson,
    ChangeReported,
    PersonAsked,
    ReportChange,
    ReviewAnswered,
)
from tsunagu_contracts.manifests.claimed import ClaimedIds, claimed_ids
from tsunagu_contracts.manifests.consent import (
    AnswerObligation,
    CountersignStatement,
    DisasterSaid,
    ForConsent,
    Notice,
    ObligationAnswered,
    RecordRepresentative,
    RecordStatement,
    RepresentativeNamed,
    SayDisaster,
    StatementHeard,
    StatementMade,
)
from tsunagu_contracts.manifests.known import MANIFESTS, AnyManifest, referral_of
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Categories, Exact, Purposes, Recipients, distinct, in_order
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
    "ActOnReferral",
    "ActTaken",
    "AnswerObligation",
    "AnswerReview",
    "AnyManifest",
    "AskPerson",
    "Categories",
    "ChangeReported",
    "ClaimedIds",
    "CountersignStatement",
    "DisasterSaid",
    "Exact",
    "ForConsent",
    "ForReferral",
    "Manifest",
    "Notice",
    "ObligationAnswered",
    "PersonAsked",
    "Purposes",
    "Recipients",
    "RecordRepresentative",
    "RecordStatement",
    "ReferralSubmission",
    "ReportChange",
    "RepresentativeNamed",
    "ReviewAnswered",
    "SayDisaster",
    "StatementHeard",
    "StatementMade",
    "SubmitReferral",
    "ToAgency",
    "ToService",
    "claimed_ids",
    "distinct",
    "in_order",
    "referral_of",
    "sign_manifest",
    "verify_manifest",
]
