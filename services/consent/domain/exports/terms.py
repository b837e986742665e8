"""Our codes in the words of others: canonical addresses, declared here once, and the nearest published terms."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)

LAW = "https://laws.e-gov.go.jp/law/415AC0000000057"
"""個人情報の保護に関する法律, where e-Gov publishes it."""

SYSTEMS: Mapping[type[StrEnum], str] = {
    Area: "urn:tsunagu:codes:area",
    Category: "urn:tsunagu:codes:category",
    OverrideGround: "urn:tsunagu:codes:override-ground",
    Purpose: "urn:tsunagu:codes:purpose",
    RepresentationGround: "urn:tsunagu:codes:representation-ground",
    StatementKind: "urn:tsunagu:codes:statement-kind",
    StatementMethod: "urn:tsunagu:codes:statement-method",
}
"""The code systems of exports; an exported code has the IRI `<system>:<code>`."""

SENSITIVE = frozenset({Category.HEALTH, Category.DISABILITY, Category.LEGAL, Category.SAFETY})
"""要配慮個人情報 (個人情報保護法2条3項)."""

DPV_PERSONAL_DATA: Mapping[Category, str] = {
    Category.IDENTITY: "pd:Identifying",
    Category.CONTACT: "pd:Contact",
    Category.HOUSEHOLD: "pd:Household",
    Category.NARRATIVE: "pd:LifeHistory",
    Category.HEALTH: "pd:Health",
    Category.DISABILITY: "pd:Disability",
    Category.FINANCE: "pd:Financial",
    Category.HOUSING: "pd:HomeLocation",
    Category.EMPLOYMENT: "pd:Professional",
    Category.EDUCATION: "pd:Education",
    # DPV has nothing of legal matters but crimes.
    Category.LEGAL: "dpv:SensitivePersonalData",
    Category.SAFETY: "pd:Vulnerability",
}
DPV_PURPOSES: Mapping[Purpose, str] = {
    Purpose.INITIAL_CONTACT: "dpv:CommunicationManagement",
    Purpose.ASSESSMENT: "dpv:ServiceAccessDetermination",
    Purpose.SERVICE: "dpv:RequestedServiceProvision",
    Purpose.COORDINATION: "dpv:ServiceManagement",
    Purpose.RIGHTS_ADVOCACY: "dpv:RightsFulfilment",
    Purpose.DISASTER: "dpv:PublicBenefit",
}
DPV_STATUS: Mapping[StatementKind, str] = {
    StatementKind.GRANT: "dpv:ConsentGiven",
    StatementKind.REFUSE: "dpv:ConsentRefused",
    StatementKind.WITHDRAW: "dpv:ConsentWithdrawn",
    StatementKind.CONFIRM: "dpv:RenewedConsentGiven",
}
DPV_REPRESENTATIVES: Mapping[RepresentationGround, str] = {
    RepresentationGround.ADULT_GUARDIAN: "dpv:GuardianOfDataSubject",
    RepresentationGround.CURATOR: "dpv:GuardianOfDataSubject",
    RepresentationGround.ASSISTANT: "dpv:GuardianOfDataSubject",
    RepresentationGround.VOLUNTARY_GUARDIAN: "dpv:GuardianOfDataSubject",
    RepresentationGround.PARENT: "dpv:ParentOfDataSubject",
    RepresentationGround.MINOR_GUARDIAN: "dpv:GuardianOfDataSubject",
    RepresentationGround.PROXY: "dpv:Representative",
}
# A word written or given online is an act for this alone; one that is spoken is expressed.
DPV_CONSENT_TYPES: Mapping[StatementMethod, str] = {
    StatementMethod.WRITTEN: "dpv:ExplicitlyExpressedConsent",
    StatementMethod.SPOKEN: "dpv:ExpressedConsent",
    StatementMethod.ONLINE: "dpv:ExplicitlyExpressedConsent",
}
FHIR_PURPOSES: Mapping[Purpose, str] = {
    Purpose.INITIAL_CONTACT: "PATADMIN",
    Purpose.ASSESSMENT: "ELIGDTRM",
    Purpose.SERVICE: "CAREMGT",
    Purpose.COORDINATION: "COC",
    Purpose.RIGHTS_ADVOCACY: "HLEGAL",
    Purpose.DISASTER: "DISASTER",
}
"""The nearest code of v3-PurposeOfUse, to which FHIR binds a provision's purpose (extensible)."""


def iri(code: StrEnum) -> str:
    """The IRI of one of our codes."""
    return f"{SYSTEMS[type(code)]}:{code.value}"


def name_of(kind: str, value: str) -> str:
    """The IRI of something that has an id: an agency, a handle, a statement …"""
    return f"urn:tsunagu:{kind}:{value}"


def instant(moment: datetime) -> str:
    """A moment in UTC, as FHIR's dateTime and xsd:dateTime write it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
