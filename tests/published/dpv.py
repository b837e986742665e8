"""What is wrong with a document in JSON-LD by the vocabulary of DPV 2.3 and the guide to ISO/IEC TS 27560."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import cast

from pyld import jsonld

Node = Mapping[str, list[Mapping[str, str]]]

VOCABULARY: Mapping[str, Mapping[str, list[str]]] = json.loads(Path(__file__).with_name("dpv-2.3.json").read_bytes())
DPV = "https://w3id.org/dpv#"
_PREFIXES = {DPV: "dpv:", "https://w3id.org/dpv/pd#": "pd:", "https://w3id.org/dpv/loc#": "loc:"}
_DCT = "http://purl.org/dc/terms/"
MUST: Mapping[str, tuple[str, ...]] = {
    "dpv:ConsentRecord": (
        f"{_DCT}conformsTo",
        f"{_DCT}identifier",
        *(f"{DPV}{name}" for name in ("hasDataSubject", "hasNotice", "hasProcess", "hasConsentStatus")),
    ),
    "dpv:ConsentNotice": (f"{_DCT}language",),
    "dpv:Process": tuple(
        f"{DPV}{name}"
        for name in (
            "hasPurpose", "hasPersonalData", "hasStorageCondition", "hasDataController", "hasRecipient",
            "hasConsentControl", "hasJurisdiction", "hasRight", "hasLegalBasis",
        )
    ),
    "dpv:ConsentStatus": (f"{DPV}isIndicatedAtTime",),
}  # fmt: skip
"""The fields that MUST be present, by what the guide asks them of (its sections 8.1 to 8.5)."""


def flattened(document: Mapping[str, object]) -> dict[str, Node]:
    """The nodes of a document by id, as any reader of JSON-LD sees them; nothing is fetched."""
    nodes = cast("list[dict[str, object]]", jsonld.flatten(document, None, {"documentLoader": _fetch_nothing}))
    return {str(node["@id"]): cast("Node", node) for node in nodes}


def faults(document: Mapping[str, object]) -> list[str]:
    """Terms that are not in the vocabulary or of another kind, values out of a property's range, fields left out."""
    nodes = flattened(document)
    return [fault for node in nodes.values() for fault in _faults(node, nodes)]


def _faults(node: Node, nodes: Mapping[str, Node]) -> Iterator[str]:
    kinds = {kind for iri in cast("list[str]", node.get("@type", [])) if (kind := _term(iri))}
    yield from (f"{kind} is no class" for kind in kinds if _is_property(kind) is not False)
    whatever = set().union(*(_kinds(kind) for kind in kinds))
    for asked, fields in MUST.items():
        if asked in whatever:
            yield from (f"{asked} without {field}" for field in fields if field not in node)
    for iri, values in node.items():
        property_ = _term(iri)
        if property_ is None:
            continue
        if not _is_property(property_):
            yield f"{property_} is no property"
            continue
        for value in values:
            named = value.get("@id")
            found = _term(named) if named else None
            if found and found not in VOCABULARY:
                yield f"{found} is no term"
            reached = _kinds(found) if found else _kinds_of(nodes.get(named or "", {}))
            ranges = VOCABULARY[property_]["range"]
            if ranges and not reached.intersection(ranges):
                yield f"{property_} of {value}"


def _kinds_of(node: Node) -> set[str]:
    types = cast("list[str]", node.get("@type", []))
    return set().union(*(_kinds(kind) for iri in types if (kind := _term(iri))))


@cache
def _kinds(term: str) -> frozenset[str]:
    """The term and all that it is and that is broader."""
    found: set[str] = set()
    wanted = [term]
    while wanted:
        each = wanted.pop()
        if each in VOCABULARY and each not in found:
            found.add(each)
            wanted += [*VOCABULARY[each]["is"], *VOCABULARY[each]["broader"]]
    return frozenset(found)


def _is_property(term: str) -> bool | None:
    """Whether it is one or a class; None where the vocabulary has no such term."""
    return "rdf:Property" in VOCABULARY[term]["is"] if term in VOCABULARY else None


def _term(iri: str) -> str | None:
    return next(
        (prefix + iri.removeprefix(space) for space, prefix in _PREFIXES.items() if iri.startswith(space)), None
    )


def _fetch_nothing(url: str, _options: object) -> object:
    raise RuntimeError(f"the document wants {url}")
