"""The manifests of all known types."""

from tsunagu_contracts.manifests.asking import AnswerReview, AskPerson, ReportChange
from tsunagu_contracts.manifests.audit import ReportProvisions
from tsunagu_contracts.manifests.cases import AnswerCase, OpenCase
from tsunagu_contracts.manifests.consent import (
    AnswerObligation,
    CountersignStatement,
    RecordRepresentative,
    RecordStatement,
    SayDisaster,
)
from tsunagu_contracts.manifests.disclosures import RecordDisclosure
from tsunagu_contracts.manifests.erasure import ErasePerson
from tsunagu_contracts.manifests.evidence import OpenEvidence, StoreEvidence
from tsunagu_contracts.manifests.joins import IssueCard, JoinHandles, UnjoinHandles
from tsunagu_contracts.manifests.receipts import IssueReceipt, RevokeReceipt
from tsunagu_contracts.manifests.referral import ActOnReferral, ForReferral, SubmitReferral

ForConsent = (
    RecordStatement
    | RecordRepresentative
    | CountersignStatement
    | SayDisaster
    | AnswerObligation
    | IssueCard
    | JoinHandles
    | UnjoinHandles
    | IssueReceipt
    | RevokeReceipt
    | ErasePerson
    | RecordDisclosure
    | OpenCase
    | AnswerCase
    | AskPerson
    | AnswerReview
    | ReportChange
)
"""What agencies say to `consent`, over HTTP: it may not read the topics that carry bodies."""

ForAudit = ReportProvisions | StoreEvidence | OpenEvidence
"""What agencies say to `audit`, over HTTP."""

AnyManifest = ForReferral | ForConsent | ForAudit
"""A manifest of one of the known types."""

MANIFESTS: dict[str, type[AnyManifest]] = {
    kind.TYPE: kind
    for kind in (
        SubmitReferral,
        ActOnReferral,
        RecordStatement,
        RecordRepresentative,
        CountersignStatement,
        SayDisaster,
        AnswerObligation,
        IssueCard,
        JoinHandles,
        UnjoinHandles,
        IssueReceipt,
        RevokeReceipt,
        ErasePerson,
        RecordDisclosure,
        OpenCase,
        AnswerCase,
        ReportProvisions,
        StoreEvidence,
        OpenEvidence,
        AskPerson,
        AnswerReview,
        ReportChange,
    )
}
"""Manifest classes by CloudEvents `type`."""


def referral_of(manifest: AnyManifest) -> str | None:
    """The referral that a manifest speaks of, if it speaks of one."""
    referral_id: str | None = getattr(manifest.data, "referral_id", None)
    return referral_id
