"""Exports: valid by the published definitions whatever was said, and nothing of it lost on the way."""

import base64
import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consent.domain.exports import dpv, fhir, terms
from services.consent.domain.exports.exported import Countersigned, Exported
from services.consent.domain.exports.standing import Standing
from tests.published import dpv as published_dpv
from tests.published import fhir as published_fhir
from tsunagu_contracts.codes import (
    Area,
    Category,
    Language,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.events.consent import StatementRecorded
from tsunagu_contracts.manifests import Notice

NO = (StatementKind.REFUSE, StatementKind.WITHDRAW)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
AGENCIES = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}", fullmatch=True)
DIGESTS = st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes))
MOMENTS = st.builds(
    lambda since, offset: (datetime(2000, 1, 1, tzinfo=UTC) + since).astimezone(timezone(offset)),
    st.timedeltas(timedelta(days=-40_000), timedelta(days=80_000)),
    OFFSETS,
)


@st.composite
def recorded(draw: st.DrawFn, kinds: tuple[StatementKind, ...] = tuple(StatementKind)) -> StatementRecorded:
    """Any statement that the contracts let be recorded."""
    kind = draw(st.sampled_from(kinds))
    begins = draw(MOMENTS)
    ends = draw(st.none() | st.timedeltas(timedelta(microseconds=1), timedelta(days=9)))
    ground = draw(st.none() | st.sampled_from(RepresentationGround))
    overrides = draw(st.none() | st.sampled_from(OverrideGround)) if kind is StatementKind.GRANT else None
    spoken_for = {"representative_id": draw(IDS), "ground": ground, "overrides": overrides}
    return StatementRecorded.model_validate(
        {
            "record_id": "the-record", "number": 7, "statement_id": draw(IDS), "referral_id": draw(IDS),
            "kind": kind,
            "categories": draw(st.lists(st.sampled_from(Category), min_size=1, unique=True)),
            "recipients": draw(st.none() | st.lists(AGENCIES, min_size=1, max_size=4, unique=True)),
            "purposes": draw(st.lists(st.sampled_from(Purpose), min_size=1, unique=True)),
            "how": draw(st.sampled_from(StatementMethod)),
            "valid_from": begins,
            "valid_until": ends and begins + ends,
            "stated_at": draw(MOMENTS), "recorded_at": draw(MOMENTS),
            "recorded_by": {"agency_id": draw(AGENCIES), "coordinator_id": draw(IDS), "appointment_id": draw(IDS)},
            "message_id": draw(IDS), "manifest": f"{draw(DIGESTS)}.{draw(DIGESTS)}.{draw(DIGESTS)}",
            "representation": spoken_for if ground else None,
            "disaster_in": draw(st.none() | st.sampled_from(Area)) if kind is StatementKind.GRANT else None,
            "confirms": draw(IDS) if kind is StatementKind.CONFIRM else None,
        }
    )  # fmt: skip


EXPORTED = st.builds(
    Exported,
    said=recorded(),
    notice=st.builds(Notice, version=IDS, language=st.sampled_from(Language), hash=DIGESTS),
    handle_id=IDS,
    standing=st.builds(Standing, st.booleans(), MOMENTS, st.none() | st.sampled_from(StatementKind)),
    confirmations=st.lists(recorded((StatementKind.CONFIRM,)), max_size=2).map(tuple),
    countersigned=st.lists(st.builds(Countersigned, AGENCIES, MOMENTS), max_size=2).map(tuple),
)


def facts_of(exported: Exported) -> dict[str, object]:
    """What both formats can hold: everything but the record's id and number, and the period of a no."""
    said = exported.said
    spoken_for = said.representation
    return {
        "statement": said.statement_id,
        "message": said.message_id,
        "referral": said.referral_id,
        "handle": exported.handle_id,
        "kind": said.kind,
        "categories": set(said.categories),
        "recipients": None if said.recipients is None else set(said.recipients),
        "purposes": set(said.purposes),
        "how": said.how,
        "period": None if said.kind in NO else (said.valid_from, said.valid_until),
        "stated_at": said.stated_at,
        "recorded_at": said.recorded_at,
        "recorded_by": (said.recorded_by.agency_id, said.recorded_by.coordinator_id, said.recorded_by.appointment_id),
        "manifest": said.manifest,
        "representation": spoken_for and (spoken_for.representative_id, spoken_for.ground, spoken_for.overrides),
        "disaster_in": said.disaster_in,
        "confirms": said.confirms,
        "notice": (exported.notice.version, exported.notice.language, exported.notice.hash),
        "confirmed": {each.stated_at for each in exported.confirmations},
        "countersigned": {(each.agency_id, each.at) for each in exported.countersigned},
    }


def own(codings: Any, system: str) -> list[str]:
    """Those of the codings that are of this list of ours."""
    return [each["code"] for each in codings if each["system"] == f"urn:tsunagu:codes:{system}"]


def moment(text: str | None) -> datetime | None:
    """Read a moment; None where there is none."""
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def from_fhir(consent: Any) -> dict[str, object]:
    """Read a Consent resource back."""
    (exception,) = consent["provision"]["provision"]
    more = {each["url"].rpartition(":")[2]: each for each in consent["extension"]}
    notice = [next(iter(set(each) - {"url"})) for each in more["notice"]["extension"]]
    ids = {each["system"]: each["value"] for each in consent["identifier"]}
    verified = consent.get("verification", [])
    ground, overrides = more.get("representation-ground"), more.get("override-ground")
    return {
        "statement": ids["urn:tsunagu:statement"],
        "message": ids["urn:tsunagu:message"],
        "referral": more["referral"]["valueIdentifier"]["value"],
        "handle": consent["patient"]["identifier"]["value"],
        "kind": own([coding for each in consent["category"] for coding in each["coding"]], "statement-kind")[0],
        "categories": {own(each["coding"], "category")[0] for each in exception["code"]},
        "recipients": {each["reference"]["identifier"]["value"] for each in exception["actor"]}
        if "actor" in exception
        else None,
        "purposes": set(own(exception["purpose"], "purpose")),
        "how": more["method"]["valueCoding"]["code"],
        "period": (moment(exception["period"]["start"]), moment(exception["period"].get("end")))
        if "period" in exception
        else None,
        "stated_at": moment(more["stated-at"]["valueDateTime"]),
        "recorded_at": moment(consent["dateTime"]),
        "recorded_by": (
            consent["organization"][0]["identifier"]["value"],
            more["coordinator"]["valueIdentifier"]["value"],
            more["appointment"]["valueIdentifier"]["value"],
        ),
        "manifest": base64.b64decode(consent["sourceAttachment"]["data"]).decode(),
        "representation": ground
        and (
            consent["performer"][0]["identifier"]["value"],
            ground["valueCoding"]["code"],
            overrides and overrides["valueCoding"]["code"],
        ),
        "disaster_in": more["only-during-disaster-in"]["valueCoding"]["code"]
        if "only-during-disaster-in" in more
        else None,
        "confirms": more["confirms"]["valueIdentifier"]["value"] if "confirms" in more else None,
        "notice": tuple(each[name] for each, name in zip(more["notice"]["extension"], notice, strict=True)),
        "confirmed": {moment(each["verificationDate"]) for each in verified if "verifiedWith" in each},
        "countersigned": {
            (each["extension"][0]["valueReference"]["identifier"]["value"], moment(each["verificationDate"]))
            for each in verified
            if "extension" in each
        },
    }


def from_dpv(nodes: Mapping[str, Any]) -> dict[str, object]:
    """Read a flattened consent record back."""

    def ids(node: Any, name: str, kind: str | None = None) -> list[str]:
        found = [value["@id"] for value in node.get(iri(name), [])]
        return [each.removeprefix(f"urn:tsunagu:{kind}:") for each in found] if kind else found

    def value(node: Any, name: str) -> str | None:
        return next((each["@value"] for each in node.get(iri(name), [])), None)

    def parts(node: Any, name: str) -> list[Any]:
        return [nodes[each] for each in ids(node, name)]

    (record,) = (node for node in nodes.values() if iri("dpv:ConsentRecord") in node.get("@type", []))
    (process,), (notice,), (source,) = (
        parts(record, name) for name in ("dpv:hasProcess", "dpv:hasNotice", "dct:source")
    )
    # The first that happened is the statement itself; flattening keeps the order of a property's values.
    said, *others = parts(record, "dpv:hasConsentStatus")
    (speaker,), (duration,) = parts(said, "dpv:isIndicatedBy"), parts(said, "dpv:hasDuration")
    kinds = {iri(term): kind for kind, term in terms.DPV_STATUS.items()}
    kind = kinds[said["@type"][0]]
    grounds = [each for each in speaker.get("@type", []) if each.startswith("urn:")]
    recipients = set(ids(process, "dpv:hasRecipient", "agency"))
    creators = [each.split(":")[-1] for each in ids(record, "dct:creator")]
    return {
        "statement": value(record, "dct:identifier"),
        "message": ids(record, "dct:source", "message")[0],
        "referral": ids(record, "dct:isPartOf", "referral")[0],
        "handle": ids(record, "dpv:hasDataSubject", "handle")[0],
        "kind": kind,
        "categories": set(ids(process, "dpv:hasPersonalData", "codes:category")),
        "recipients": None if recipients == {"urn:tsunagu:every-agency"} else recipients,
        "purposes": set(ids(process, "dpv:hasPurpose", "codes:purpose")),
        "how": ids(said, "dpv:hasIndicationMethod", "codes:statement-method")[0],
        "period": None
        if kind in NO
        else (moment(value(duration, "dcat:startDate")), moment(value(duration, "dcat:endDate"))),
        "stated_at": moment(value(said, "dpv:isIndicatedAtTime")),
        "recorded_at": moment(value(record, "dct:created")),
        "recorded_by": (ids(process, "dpv:hasDataController", "agency")[0], *creators),
        "manifest": value(source, "rdf:value"),
        "representation": (
            speaker["@id"].removeprefix("urn:tsunagu:representative:"),
            grounds[0].removeprefix("urn:tsunagu:codes:representation-ground:"),
            next(iter(ids(speaker, "dpv:hasJustification", "codes:override-ground")), None),
        )
        if grounds
        else None,
        "disaster_in": next(iter(ids(process, "dpv:hasContext", "codes:area")), None),
        "confirms": next(iter(ids(record, "dct:references", "statement")), None),
        "notice": (
            value(notice, "dct:hasVersion"),
            value(notice, "dct:language"),
            str(value(notice, "dct:identifier")).removeprefix("sha-256:"),
        ),
        "confirmed": {
            moment(value(each, "dpv:isIndicatedAtTime")) for each in others if iri("dpv:isIndicatedBy") in each
        },
        "countersigned": {
            (ids(each, "dct:creator", "agency")[0], moment(value(each, "dct:date")))
            for each in parts(record, "dct:provenance")
        },
    }


def iri(term: str) -> str:
    """The address of a term of the documents' context."""
    prefix, _, name = term.partition(":")
    return f"{dpv.CONTEXT[prefix]}{name}"


@settings(max_examples=40)
@given(EXPORTED)
def test_a_consent_resource_is_valid_and_loses_nothing(exported: Exported) -> None:
    """Whatever was said is a valid FHIR R4 Consent, from which every field comes back."""
    resource = fhir.consent(exported)

    assert published_fhir.faults(resource) == []
    assert from_fhir(resource) == facts_of(exported)
    assert (resource["status"] == "active") == exported.standing.counts


@settings(max_examples=40)
@given(EXPORTED)
def test_a_consent_record_is_valid_and_loses_nothing(exported: Exported) -> None:
    """Whatever was said is a consent record in published terms of DPV, from which every field comes back."""
    document = dpv.record(exported)

    assert published_dpv.faults(document) == []
    assert from_dpv(published_dpv.flattened(document)) == facts_of(exported)


@settings(max_examples=20)
@given(EXPORTED)
def test_no_export_names_the_record(exported: Exported) -> None:
    """Neither the record's id nor anybody's number is in an export."""
    for document in (fhir.consent(exported), dpv.record(exported)):
        assert "the-record" not in str(document)
        assert "number" not in str(document)


@pytest.mark.parametrize(
    ("mapping", "codes"),
    [
        (terms.DPV_PERSONAL_DATA, Category),
        (terms.DPV_PURPOSES, Purpose),
        (terms.FHIR_PURPOSES, Purpose),
        (terms.DPV_STATUS, StatementKind),
        (terms.DPV_REPRESENTATIVES, RepresentationGround),
        (terms.DPV_CONSENT_TYPES, StatementMethod),
    ],
)
def test_every_code_has_a_published_term(mapping: Mapping[StrEnum, str], codes: type[StrEnum]) -> None:
    """Each mapping is total, and what it maps to is published."""
    published = {*published_dpv.VOCABULARY, *published_fhir.CODES["http://terminology.hl7.org/CodeSystem/v3-ActReason"]}

    assert set(mapping) == set(codes)
    assert set(mapping.values()) <= published


@pytest.mark.parametrize("codes", list(terms.SYSTEMS), ids=lambda codes: codes.__name__)
def test_our_codes_are_code_systems(codes: type[StrEnum]) -> None:
    """Each of our lists of codes that an export uses is a valid CodeSystem."""
    assert published_fhir.faults(fhir.code_system(codes)) == []


def test_schema_and_structure_are_of_one_version() -> None:
    """Schema and structure of Consent, which come from two places, name the same elements."""
    properties = published_fhir.SCHEMA["definitions"]["Consent"]["properties"]
    of_schema = {name for name in properties if not name.startswith("_")} - {"resourceType"}
    of_structure = {str(each["path"]).split(".")[1] for each in published_fhir.ELEMENTS if "." in str(each["path"])}
    sources = {"sourceAttachment", "sourceReference"}

    assert of_schema - sources == of_structure - {"source[x]"}


_BROKEN_FHIR: dict[str, Callable[[Any], object]] = {
    "status": lambda document: document.update(status="granted"),
    "scope": lambda document: document.pop("scope"),
    "policy": lambda document: [document.pop("policy"), document.pop("policyRule")],
    "type": lambda document: document["provision"]["provision"][0].pop("type"),
    "role": lambda document: document["provision"]["provision"][0]["actor"][0].pop("role"),
    "element": lambda document: document.update(person="x"),
    "code": lambda document: document["scope"]["coding"][0].update(code="privacy"),
    "date": lambda document: document.update(dateTime="2026-04-01 09:00"),
}
_BROKEN_DPV: dict[str, Callable[[Any], object]] = {
    "dpv:hasPurposes": lambda document: document["dpv:hasProcess"].update({"dpv:hasPurposes": "x"}),
    "dpv:ConsentGranted": lambda document: document["dpv:hasConsentStatus"][0].update({"@type": "dpv:ConsentGranted"}),
    "hasRecipient": lambda document: document["dpv:hasProcess"].pop("dpv:hasRecipient"),
    "dpv:hasLegalBasis": lambda document: document["dpv:hasProcess"].update({"dpv:hasLegalBasis": "dpv:Marketing"}),
    "dpv:hasNotice": lambda document: document["dpv:hasNotice"].update({"@type": "dpv:DataSubject"}),
}
_ONE = Exported(
    said=StatementRecorded.model_validate(
        {
            "record_id": "the-record", "number": 3, "statement_id": "s-1", "referral_id": "r-1", "kind": "grant",
            "categories": ["health"], "recipients": ["desk-a"], "purposes": ["service"], "how": "written",
            "valid_from": "2026-04-01T00:00:00Z", "valid_until": None, "stated_at": "2026-04-01T00:00:00Z",
            "recorded_at": "2026-04-01T00:00:00Z", "message_id": "m-1", "manifest": "a.b.c",
            "recorded_by": {"agency_id": "clinic-a", "coordinator_id": "c-1", "appointment_id": "ap-1"},
        }
    ),
    notice=Notice(version="2026-04", language=Language.JA, hash="x" * 43),
    handle_id="h-1",
    standing=Standing(True, datetime(2026, 4, 1, tzinfo=UTC)),
)  # fmt: skip


@pytest.mark.parametrize("what", _BROKEN_FHIR)
def test_what_is_no_consent_resource_is_noticed(what: str) -> None:
    """The check against FHIR's definitions finds what is broken: it does not pass everything."""
    document = fhir.consent(_ONE)
    _BROKEN_FHIR[what](document)
    assert published_fhir.faults(document)


@pytest.mark.parametrize("what", _BROKEN_DPV)
def test_what_is_no_consent_record_is_noticed(what: str) -> None:
    """The check against DPV finds unknown terms, terms of another kind, and fields left out."""
    document = copy.deepcopy(dpv.record(_ONE))
    _BROKEN_DPV[what](document)
    assert any(what in fault for fault in published_dpv.faults(document))
