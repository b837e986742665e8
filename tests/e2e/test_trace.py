"""One trace leads from the clinic's publishing to the notice at the desk, and it carries nothing personal."""

import json
from dataclasses import dataclass

import pytest

from deploy.network import EmbeddedNetwork
from deploy.sweep.sweeping import sweep_folders
from tests.e2e.played import Played
from tests.infra.eventually import eventually

LOCAL_ATTRIBUTES = {"http.host", "http.url", "http.server_name", "net.peer.ip", "net.peer.port", "net.host.port"}
KNOWN_ATTRIBUTES = LOCAL_ATTRIBUTES | {
    "asgi.event.type",
    "http.flavor",
    "http.method",
    "http.route",
    "http.scheme",
    "http.status_code",
    "http.target",
    "http.user_agent",
}


@dataclass(frozen=True, slots=True)
class Span:
    """One span as a process exported it."""

    service: str
    name: str
    span_id: str
    parent_id: str | None
    attributes: dict[str, object]


def spans_of(network: EmbeddedNetwork, trace_id: str) -> list[Span]:
    """Every span of a trace that has been exported so far, by whatever process."""
    found = []
    for file in network.data.traces.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            span = json.loads(line)
            if span["context"]["trace_id"] == f"0x{trace_id}":
                service = span["resource"]["attributes"]["service.name"].removeprefix("tsunagu.")
                parent = span["parent_id"]
                found.append(Span(service, span["name"], span["context"]["span_id"], parent, span["attributes"]))
    return found


@pytest.fixture
async def spans(network: EmbeddedNetwork, played: Played) -> list[Span]:
    """The spans of the story's trace, once the last that is expected has been exported."""

    async def complete() -> list[Span]:
        found = spans_of(network, played.told.trace_id)
        names = {(span.service, span.name) for span in found}
        whole = {span.parent_id for span in found} - {span.span_id for span in found} == {None}
        return found if whole and ("notify", "notify referral.delivered.v1") in names else []

    return await eventually(complete)


def test_one_trace_leads_from_publishing_to_the_notice(spans: list[Span]) -> None:
    """Agency, referral, consent and notify are in the trace of the clinic's publishing, each behind its cause."""
    by_id = {span.span_id: span for span in spans}
    way = [next(span for span in spans if span.name == "notify referral.delivered.v1")]
    while (parent := way[-1].parent_id) is not None:
        way.append(by_id[parent])
    told = [(span.service, span.name) for span in reversed(way)]
    assert told[:3] == [
        ("agency", "clinic refers"),
        ("agency", "agency publish"),
        ("referral", "referral agency.message"),
    ]
    assert ("consent", "consent referral.submitted.v1") in told
    assert told[-2:] == [("referral", "referral coverage.decided.v1"), ("notify", "notify referral.delivered.v1")]


def test_the_trace_carries_nothing_personal(network: EmbeddedNetwork, played: Played, spans: list[Span]) -> None:
    """A span has a name, times and the attributes of its request; no value of the person and no token."""
    assert {name for span in spans for name in span.attributes} <= KNOWN_ATTRIBUTES
    marks = {f"mark {number}": mark for number, mark in enumerate(played.told.person.marks)}
    assert sweep_folders(marks, [network.data.traces]) == []


def test_no_token_stands_in_logs_or_traces(network: EmbeddedNetwork, played: Played) -> None:
    """Neither a signed or sealed token nor a header that carries one is ever written down."""
    files = [*network.data.traces.iterdir(), *network.data.logs.iterdir()]
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        # Every JWS and JWE begins so: the base64 of an opening brace and a quotation mark.
        assert "eyJ" not in text, file.name
        assert "authorization" not in text.lower(), file.name
