"""The closed lists of codes that events, messages and answers may carry; nothing in clear is ever free text."""

from tsunagu_contracts.codes.asking import PersonChange, RequestKind, ReviewAnswer
from tsunagu_contracts.codes.community import (
    AgencyKind,
    Area,
    Category,
    Field,
    Language,
    Purpose,
    Role,
    ServiceFamily,
    Urgency,
)
from tsunagu_contracts.codes.consent import (
    CoverageState,
    DecisionReason,
    DisasterAct,
    HoldingState,
    KeptUnder,
    ObligationCause,
    ObligationEnd,
    OverrideGround,
    ProofSeen,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.codes.referral import DeclineReason, Outcome, ReferralAct, ReferralState
from tsunagu_contracts.codes.refusals import RefusalCode

__all__ = [
    "AgencyKind",
    "Area",
    "Category",
    "CoverageState",
    "DecisionReason",
    "DeclineReason",
    "DisasterAct",
    "Field",
    "HoldingState",
    "KeptUnder",
    "Language",
    "ObligationCause",
    "ObligationEnd",
    "Outcome",
    "OverrideGround",
    "PersonChange",
    "ProofSeen",
    "Purpose",
    "ReferralAct",
    "ReferralState",
    "RefusalCode",
    "RepresentationGround",
    "RequestKind",
    "ReviewAnswer",
    "Role",
    "ServiceFamily",
    "StatementKind",
    "StatementMethod",
    "Urgency",
]
