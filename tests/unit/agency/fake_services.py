"""The services as an agency meets them over HTTP, in memory; the cryptography is real."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from tests.builders.agency_messages import IDS, NOW, Consent, Handle, SendingAgency
from tsunagu_agency import AgencyClient, KafkaLogin, Network
from tsunagu_agency.files import write_private
from tsunagu_agency.keystore import Keystore
from tsunagu_contracts.assertions import Assertion, verify_assertion
from tsunagu_contracts.cards import IssuedCard, seal_issued_card
from tsunagu_contracts.codes import (
    CoverageState,
    DecisionReason,
    ReferralState,
    RefusalCode,
)
from tsunagu_contracts.envelope import Event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import Accountable, ReferralDelivered, SectionCoverage
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.manifests import AnyManifest, SubmitReferral, referral_of
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.problems import TELLINGS
from tsunagu_contracts.sealing import ReleasedKey, open_capsule, wrap_content_key

CLINIC = SendingAgency()
DESK = SendingAgency(id="chiyoda-desk-fujimi", coordinator="c-0002", appointment="ap-0002")
NOWHERE = KafkaLogin("127.0.0.1:1", "agency.x", "x")


class StoppedClock:
    """A clock that stands at the time of all builders."""

    def now(self) -> datetime:
        """Return the same moment every time."""
        return NOW


@dataclass
class FakeServices:
    """What was asked, and answers with real tokens; `refuse` makes the next call a problem of that code."""

    consent: Consent = field(default_factory=Consent)
    handles: dict[str, Handle] = field(default_factory=dict)
    taken: list[SubmitReferral] = field(default_factory=list)
    told: list[AnyManifest] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    refuse: RefusalCode | None = None
    away: bool = False

    def client(self, folder: Path, agency: SendingAgency) -> AgencyClient:
        """Return the client of an agency that has this folder."""
        keys = {
            "agency_id": agency.id,
            "signing": agency.signing.private_jwk(),
            "encryption": agency.encryption.private_jwk(),
        }
        write_private(folder / "keys.json", json.dumps(keys).encode())
        return AgencyClient(
            Keystore.open(folder), self.network(), clock=StoppedClock(), transport=httpx.MockTransport(self.answer)
        )

    def network(self) -> Network:
        """Return the addresses and the trusted keys."""
        services = {name: f"http://{name}.test" for name in ("directory", "referral", "consent")}
        return Network(NOWHERE, services, self.consent.signing.public, self.consent.encryption.public)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the services do."""
        if self.away:
            raise httpx.ConnectError("away")
        token = request.headers["authorization"].removeprefix("Bearer ")
        agency = DESK if token == "the-coordinators-own-token" else _agency(token)
        subject = f"coordinator:{DESK.coordinator}" if agency is DESK and "." not in token else _claims(token).sub
        self.calls.append((f"{request.method} {request.url.host} {request.url.path}", subject))
        self.keys.append(request.headers.get("idempotency-key"))
        if self.refuse is not None:
            return _problem(Refusal(self.refuse))
        try:
            return httpx.Response(200, json=self._answer(request, agency))
        except Refusal as refusal:
            return _problem(refusal)

    def _answer(self, request: httpx.Request, agency: SendingAgency) -> dict[str, object]:
        path = request.url.path
        if path == "/handles":
            issued = [self.consent.handle_for(agency.id) for _ in range(json.loads(request.content)["count"])]
            self.handles |= {handle.id: handle for handle in issued}
            return {"handles": [handle.certificate for handle in issued]}
        if path == "/messages":
            manifest = AgencyMessage.parse(request.content).verify(agency.signing.public, agency.id)
            told = {"message_id": manifest.id, "referral_id": referral_of(manifest)}
            return {**told, "version": 1, "state": "submitted"}
        if path == "/statements":
            manifest = AgencyMessage.parse(request.content).verify(agency.signing.public, agency.id)
            return {"statement_id": "st-1", "referral_id": referral_of(manifest), "recorded_at": str(NOW)}
        if path in ("/cards", "/joins", "/joins/undo"):
            self.told.append(AgencyMessage.parse(request.content).verify(agency.signing.public, agency.id))
            return self._of_joins(path, agency)
        if path == "/releases":
            return self._release(json.loads(request.content), agency)
        if path.startswith("/agencies/"):
            found = next(one for one in (CLINIC, DESK) if one.id == path.rpartition("/")[2])
            return {
                "id": "hsds",
                "tsunagu": {
                    "signing_key": found.signing.public.jwk(),
                    "encryption_key": found.encryption.public.jwk(),
                },
            }
        raise Refusal(RefusalCode.NOT_FOUND)

    def _of_joins(self, path: str, agency: SendingAgency) -> dict[str, object]:
        if path == "/cards":
            card = IssuedCard(referral_id="r-1", expires_at=NOW, secret="A" * 22)
            return {"referral_id": "r-1", "card": seal_issued_card(card, agency.encryption.public)}
        return {"join_id": "j-1", "joined_at": str(NOW), "undone_at": str(NOW)}

    def _release(self, asked: dict[str, str], agency: SendingAgency) -> dict[str, object]:
        submission = next(one for one in self.taken if one.data.referral_id == asked["referral_id"])
        handle = next(one for one in self.handles.values() if one.certificate == submission.data.handle)
        held = open_capsule(submission.data.capsule, handle.key).sections
        key = next(one.key for one in held if one.section_id == asked["section_id"])
        release_id = IDS.new()
        released = ReleasedKey(release_id=release_id, key=key, **{k: asked[k] for k in ("referral_id", "section_id")})
        return {"release_id": release_id, "key": wrap_content_key(released, agency.encryption.public), **asked}

    def deliver(self, raw: bytes) -> bytes:
        """Take the clinic's message and return what the desk's inbound topic then has."""
        message = AgencyMessage.parse(raw)
        submission = message.verify(CLINIC.signing.public, CLINIC.id)
        assert isinstance(submission, SubmitReferral)
        self.taken.append(submission)
        data = submission.data
        sections = tuple(
            SectionCoverage(
                section_id=one.section_id,
                category=one.category,
                state=CoverageState.COVERED,
                reason=DecisionReason.GRANTED,
            )
            for one in data.sections
        )
        delivered = ReferralDelivered(
            referral_id=data.referral_id,
            state=ReferralState.DELIVERED,
            sender=CLINIC.id,
            addressee=DESK.id,
            handle_id="h-1",
            purpose=data.purpose,
            area=data.area,
            urgency=data.urgency,
            accountable=Accountable(agency_id=CLINIC.id, coordinator_id="c-0001", appointment_id="ap-0001"),
            manifest=message.manifest,
            sections=sections,
        )
        event = Event(
            id=IDS.new(),
            source="tsunagu/referral",
            type=ReferralDelivered.TYPE,
            time=NOW,
            aggregate=f"referral:{data.referral_id}",
            version=3,
            previous=None,
            actor="system:consent",
            data=delivered,
        )
        return InboundMessage(event, message.bodies).to_bytes()


def _agency(token: str) -> SendingAgency:
    for agency in (CLINIC, DESK):
        try:
            verify_assertion(token, agency.signing.public, agency.id, NOW)
        except Refusal:
            continue
        return agency
    raise AssertionError("a call without a valid assertion")


def _claims(token: str) -> Assertion:
    agency = _agency(token)
    return verify_assertion(token, agency.signing.public, agency.id, NOW)


def _problem(refusal: Refusal) -> httpx.Response:
    telling = TELLINGS[refusal.code]
    body = {"code": refusal.code.value, "status": telling.status, "title": telling.ja, "detail": dict(refusal.detail)}
    return httpx.Response(telling.status, json=body, headers={"content-type": "application/problem+json"})
