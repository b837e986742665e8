"""A statement as FHIR R4 (4.0.1) Consent: https://hl7.org/fhir/R4/consent.html.

The base policy is that silence is no; a statement is one exception to it. `Period.end` is the last moment included,
where ours is the first that is not. A no has no period, whatever was written down with it.
"""

import base64
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from services.consent.domain.exports.exported import Exported
from services.consent.domain.exports.terms import FHIR_PURPOSES, LAW, SENSITIVE, SYSTEMS, instant, name_of
from tsunagu_contracts.codes import StatementKind
from tsunagu_contracts.events.consent import StatementRecorded

MEDIA_TYPE = "application/fhir+json"

Json = dict[str, object]

_HL7 = "http://terminology.hl7.org/CodeSystem/"
_NO = (StatementKind.REFUSE, StatementKind.WITHDRAW)


def consent(exported: Exported) -> Json:
    """One statement as a Consent resource without an id: its identifier is the statement's."""
    said = exported.said
    resource: Json = {
        "resourceType": "Consent",
        "extension": _extensions(exported),
        "identifier": [_identifier("statement", said.statement_id), _identifier("message", said.message_id)],
        "status": "active" if exported.standing.counts else "inactive",
        "scope": _concept(_hl7("consentscope", "patient-privacy")),
        "category": [_concept(_hl7("v3-ActCode", "IDSCL")), _concept(_own(said.kind))],
        "patient": _reference("Patient", "handle", exported.handle_id),
        "dateTime": instant(said.recorded_at),
        "performer": [_speaker(said, exported.handle_id)],
        "organization": [_agency(said.recorded_by.agency_id)],
        "sourceAttachment": {
            "contentType": "application/jose",
            "data": base64.b64encode(said.manifest.encode()).decode(),
        },
        "policy": [{"authority": LAW}],
        "policyRule": _concept({"system": "urn:tsunagu:codes:policy", "code": "silence-is-no"}),
        "provision": {"provision": [_exception(said)]},
    }
    verified = _verifications(exported)
    return resource | ({"verification": verified} if verified else {})


def bundle(statements: Iterable[Exported], at: datetime) -> Json:
    """Several statements as a collection, as of a moment."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": instant(at),
        "entry": [
            {"fullUrl": name_of("statement", each.said.statement_id), "resource": consent(each)} for each in statements
        ],
    }


def code_system(codes: type[StrEnum]) -> Json:
    """One of our lists of codes as a CodeSystem."""
    return {
        "resourceType": "CodeSystem",
        "url": SYSTEMS[codes],
        "name": codes.__name__,
        "status": "active",
        "experimental": False,
        "publisher": "つなぐ / Tsunagu",
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code.value} for code in codes],
    }


def _exception(said: StatementRecorded) -> Json:
    sensitive = not SENSITIVE.isdisjoint(said.categories)
    exception: Json = {
        "type": "deny" if said.kind in _NO else "permit",
        "action": [_concept(_hl7("consentaction", "disclose"))],
        "securityLabel": [_hl7("v3-Confidentiality", "R" if sensitive else "N")],
        "purpose": [
            *(_own(purpose) for purpose in said.purposes),
            *(_hl7("v3-ActReason", FHIR_PURPOSES[purpose]) for purpose in said.purposes),
        ],
        "code": [_concept(_own(category)) for category in said.categories],
    }
    if said.kind not in _NO:
        end = {} if said.valid_until is None else {"end": instant(said.valid_until)}
        exception["period"] = {"start": instant(said.valid_from), **end}
    # Without an actor it is an exception for everybody.
    if said.recipients is not None:
        role = _concept(_hl7("v3-ParticipationType", "IRCP"))
        exception["actor"] = [{"role": role, "reference": _agency(agency_id)} for agency_id in said.recipients]
    return exception


def _extensions(exported: Exported) -> list[Json]:
    said, notice = exported.said, exported.notice
    found = [
        _extension("referral", valueIdentifier=_identifier("referral", said.referral_id)),
        _extension("method", valueCoding=_own(said.how)),
        _extension("stated-at", valueDateTime=instant(said.stated_at)),
        _extension("coordinator", valueIdentifier=_identifier("coordinator", said.recorded_by.coordinator_id)),
        _extension("appointment", valueIdentifier=_identifier("appointment", said.recorded_by.appointment_id)),
        _extension(
            "notice",
            extension=[
                _extension("notice-version", valueString=notice.version),
                _extension("notice-language", valueCode=notice.language.value),
                _extension("notice-sha256", valueString=notice.hash),
            ],
        ),
    ]
    if said.representation is not None:
        found.append(_extension("representation-ground", valueCoding=_own(said.representation.ground)))
        if said.representation.overrides is not None:
            found.append(_extension("override-ground", valueCoding=_own(said.representation.overrides)))
    if said.disaster_in is not None:
        found.append(_extension("only-during-disaster-in", valueCoding=_own(said.disaster_in)))
    if said.confirms is not None:
        found.append(_extension("confirms", valueIdentifier=_identifier("statement", said.confirms)))
    return found


def _verifications(exported: Exported) -> list[Json]:
    confirmed: list[Json] = [
        {
            "verified": True,
            "verifiedWith": _speaker(each, exported.handle_id),
            "verificationDate": instant(each.stated_at),
        }
        for each in exported.confirmations
    ]
    # An agency cannot stand in verifiedWith, which is for patients and their own.
    countersigned: list[Json] = [
        {
            "extension": [_extension("countersigned-by", valueReference=_agency(each.agency_id))],
            "verified": True,
            "verificationDate": instant(each.at),
        }
        for each in exported.countersigned
    ]
    return confirmed + countersigned


def _speaker(said: StatementRecorded, handle_id: str) -> Json:
    if said.representation is None:
        return _reference("Patient", "handle", handle_id)
    return _reference("RelatedPerson", "representative", said.representation.representative_id)


def _agency(agency_id: str) -> Json:
    return _reference("Organization", "agency", agency_id)


def _reference(type_: str, kind: str, value: str) -> Json:
    return {"type": type_, "identifier": _identifier(kind, value)}


def _identifier(kind: str, value: str) -> Json:
    return {"system": f"urn:tsunagu:{kind}", "value": value}


def _extension(name: str, **value: object) -> Json:
    return {"url": f"urn:tsunagu:extension:{name}", **value}


def _own(code: StrEnum) -> Json:
    return {"system": SYSTEMS[type(code)], "code": code.value}


def _hl7(system: str, code: str) -> Json:
    return {"system": _HL7 + system, "code": code}


def _concept(coding: Json) -> Json:
    return {"coding": [coding]}
