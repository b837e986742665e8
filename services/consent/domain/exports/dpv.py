"""A statement as an ISO/IEC TS 27560 consent record in JSON-LD, with the terms of W3C DPV 2.3.

Which field is which term: "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV"
(https://w3id.org/dpv/guides/consent-27560). Where DPV has no term the code of ours stands there, with the nearest
one as `skos:broader`.
"""

from collections.abc import Iterable

from services.consent.domain.exports.exported import Exported
from services.consent.domain.exports.terms import (
    DPV_CONSENT_TYPES,
    DPV_PERSONAL_DATA,
    DPV_PURPOSES,
    DPV_REPRESENTATIVES,
    DPV_STATUS,
    LAW,
    SENSITIVE,
    instant,
    iri,
    name_of,
)
from tsunagu_contracts.codes import Category, StatementKind
from tsunagu_contracts.events.consent import StatementRecorded

MEDIA_TYPE = "application/ld+json"

Json = dict[str, object]

_MOMENT = {"@type": "xsd:dateTime"}
_NAMED = {"@type": "@id"}
CONTEXT: Json = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dct:conformsTo": _NAMED,
    "dct:isPartOf": _NAMED,
    "dct:references": _NAMED,
    "dct:creator": _NAMED,
    "dct:created": _MOMENT,
    "dct:date": _MOMENT,
    "dcat:startDate": _MOMENT,
    "dcat:endDate": _MOMENT,
    "skos:broader": _NAMED,
    "dpv:hasIndicationMethod": _NAMED,
    "dpv:hasJurisdiction": _NAMED,
    "dpv:hasLegalBasis": _NAMED,
    "dpv:hasProcessing": _NAMED,
    "dpv:isIndicatedAtTime": _MOMENT,
    "dpv:isRepresentativeFor": _NAMED,
}
"""Goes with every document, so that nobody need fetch one."""

_NO = (StatementKind.REFUSE, StatementKind.WITHDRAW)
_RIGHTS = ("urn:tsunagu:right:appi-33", "urn:tsunagu:right:appi-34", "urn:tsunagu:right:appi-35")
"""開示, 訂正, 利用停止 (個人情報保護法33条 to 35条)."""


def record(exported: Exported) -> Json:
    """One statement as a consent record with its context."""
    return {"@context": CONTEXT, **_node(exported)}


def graph(statements: Iterable[Exported]) -> Json:
    """Several statements in one document."""
    return {"@context": CONTEXT, "@graph": [_node(each) for each in statements]}


def _node(exported: Exported) -> Json:
    said, notice = exported.said, exported.notice
    node: Json = {
        "@id": name_of("statement", said.statement_id),
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record",
        "dct:identifier": said.statement_id,
        "dct:created": instant(said.recorded_at),
        "dct:isPartOf": name_of("referral", said.referral_id),
        # The signed message that it was written down in.
        "dct:source": {"@id": name_of("message", said.message_id), "rdf:value": said.manifest},
        "dct:creator": [
            name_of("coordinator", said.recorded_by.coordinator_id),
            name_of("appointment", said.recorded_by.appointment_id),
        ],
        "dpv:hasDataSubject": {"@id": name_of("handle", exported.handle_id), "@type": "dpv:DataSubject"},
        "dpv:hasNotice": {
            "@id": f"{name_of('notice', notice.version)}:{notice.language.value}",
            "@type": "dpv:ConsentNotice",
            "dct:hasVersion": notice.version,
            "dct:language": notice.language.value,
            "dct:identifier": f"sha-256:{notice.hash}",
        },
        "dpv:hasProcess": _process(said),
        "dpv:hasConsentStatus": _events(exported),
    }
    if said.confirms is not None:
        node["dct:references"] = name_of("statement", said.confirms)
    if exported.countersigned:
        node["dct:provenance"] = [
            {"dct:creator": name_of("agency", each.agency_id), "dct:date": instant(each.at)}
            for each in exported.countersigned
        ]
    return node


def _process(said: StatementRecorded) -> Json:
    process: Json = {
        "@type": "dpv:Process",
        "dpv:hasPurpose": [
            {"@id": iri(purpose), "@type": "dpv:Purpose", "skos:broader": DPV_PURPOSES[purpose]}
            for purpose in said.purposes
        ],
        "dpv:hasPersonalData": [_personal_data(category) for category in said.categories],
        "dpv:hasProcessing": "dpv:Share",
        "dpv:hasDataController": {
            "@id": name_of("agency", said.recorded_by.agency_id),
            "@type": "dpv:DataController",
        },
        "dpv:hasRecipient": [
            {"@id": recipient, "@type": "dpv:Recipient"}
            for recipient in (
                ["urn:tsunagu:every-agency"]
                if said.recipients is None
                else [name_of("agency", agency_id) for agency_id in said.recipients]
            )
        ],
        "dpv:hasLegalBasis": DPV_CONSENT_TYPES[said.how],
        # Once it is withdrawn or over, every agency that has opened something owes its deletion.
        "dpv:hasStorageCondition": {"@type": "dpv:StorageDeletion"},
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent"},
        "dpv:hasJurisdiction": "loc:JP",
        "dpv:hasApplicableLaw": {"@id": LAW, "@type": "dpv:Law"},
        "dpv:hasRight": [{"@id": right, "@type": "dpv:DataSubjectRight"} for right in _RIGHTS],
    }
    if said.disaster_in is not None:
        process["dpv:hasContext"] = {"@id": iri(said.disaster_in), "@type": "dpv:Context"}
    return process


def _personal_data(category: Category) -> Json:
    kind = "dpv:SensitivePersonalData" if category in SENSITIVE else "dpv:PersonalData"
    return {"@id": iri(category), "@type": kind, "skos:broader": DPV_PERSONAL_DATA[category]}


def _events(exported: Exported) -> list[Json]:
    """What happened to the consent: it was said, said again, and came to an end."""
    said, standing = exported.said, exported.standing
    events: list[Json] = [
        {
            "@type": DPV_STATUS[each.kind],
            "dpv:isIndicatedAtTime": instant(each.stated_at),
            "dpv:isIndicatedBy": _speaker(each, exported.handle_id),
            "dpv:hasIndicationMethod": iri(each.how),
            "dpv:hasDuration": _duration(each),
        }
        for each in (said, *exported.confirmations)
    ]
    if not standing.counts:
        by = standing.overtaken_by
        ended = "dpv:ConsentExpired" if by is None else DPV_STATUS[by]
        events.append({"@type": ended, "dpv:isIndicatedAtTime": instant(standing.since)})
    return events


def _duration(said: StatementRecorded) -> Json:
    if said.kind in _NO:
        return {"@type": "dpv:EndlessDuration"}
    begins = {"dcat:startDate": instant(said.valid_from)}
    if said.valid_until is None:
        return {"@type": "dpv:EndlessDuration", **begins}
    return {"@type": "dpv:UntilTimeDuration", **begins, "dcat:endDate": instant(said.valid_until)}


def _speaker(said: StatementRecorded, handle_id: str) -> Json:
    if said.representation is None:
        return {"@id": name_of("handle", handle_id), "@type": "dpv:DataSubject"}
    speaker: Json = {
        "@id": name_of("representative", said.representation.representative_id),
        "@type": [DPV_REPRESENTATIVES[said.representation.ground], iri(said.representation.ground)],
        "dpv:isRepresentativeFor": name_of("handle", handle_id),
    }
    if said.representation.overrides is not None:
        speaker["dpv:hasJustification"] = {"@id": iri(said.representation.overrides), "@type": "dpv:Justification"}
    return speaker
