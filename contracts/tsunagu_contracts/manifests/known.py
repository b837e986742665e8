"""The manifests of all known types."""

from tsunagu_contracts.manifests.asking import AnswerReview, AskPerson, ReportChange
from tsunagu_contracts.manifests.consent import (
    AnswerObligation,
    CountersignStatement,
    ForConsent,
    RecordRepresentative,
    RecordStatement,
    SayDisaster,
)
from tsunagu_contracts.manifests.referral import ActOnReferral, ForReferral, SubmitReferral

AnyManifest = ForReferral | ForConsent
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
        AskPerson,
        AnswerReview,
        ReportChange,
    )
}
"""Manifest classes by CloudEvents `type`."""


def referral_of(manifest: AnyManifest) -> str | None:
    """The referral that a manifest speaks of, if it speaks of one."""
    return None if isinstance(manifest, SayDisaster | AnswerObligation | AnswerReview) else manifest.data.referral_id
