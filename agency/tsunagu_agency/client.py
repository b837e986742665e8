"""The client that an agency's own software uses: seal, send, receive, act, open."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind

from tsunagu_agency.answers import (
    Agency,
    CountersignReceipt,
    Covered,
    DisasterReceipt,
    ErasureReceipt,
    Handles,
    Holding,
    Holdings,
    Obligation,
    ObligationReceipt,
    Obligations,
    Receipt,
    Release,
    RepresentativeReceipt,
    StatementReceipt,
    read,
)
from tsunagu_agency.asking import Asking
from tsunagu_agency.configuration import Network
from tsunagu_agency.duties import Cases, Disclosures, Openings
from tsunagu_agency.erasing import write_erasure
from tsunagu_agency.errors import UntrustedDeliveryError
from tsunagu_agency.evidence import Evidence
from tsunagu_agency.http import Services
from tsunagu_agency.inbound import Inbound
from tsunagu_agency.joins import Joins
from tsunagu_agency.kafka import InboundTopic, OutboundTopic, Published
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator, Announcement, MessageWriter, OutgoingMessage, SpokenBy
from tsunagu_agency.receipts import Receipts
from tsunagu_agency.supply import Supply, keep
from tsunagu_contracts import jose
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    DisasterAct,
    KeptUnder,
    ObligationEnd,
    Outcome,
    ProofSeen,
    Purpose,
    ReferralAct,
    RefusalCode,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import ReferralDelivered, SectionFacts
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.manifests import Notice, SubmitReferral, verify_manifest
from tsunagu_contracts.messages import check_bodies
from tsunagu_contracts.ports import Clock, Ids, RandomBytes, SystemClock, Uuid7Ids
from tsunagu_contracts.sealing import unwrap_content_key

_tracer = trace.get_tracer("tsunagu.agency")


@dataclass(frozen=True, slots=True)
class OpenedSection:
    """One section in plain words, and the recorded release by which it was opened."""

    release_id: str
    section_id: str
    category: Category
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The content as text (UTF-8)."""
        return self.content.decode("utf-8")


class AgencyClient(MessageWriter):
    """One agency in the network; an async context manager that closes its connections at the end.

    Sealing and signing need no connection; connections are opened when they are first needed. `openings`, `disclosures`
    and `cases` are what the law asks an agency to record and to answer.
    """

    def __init__(
        self,
        keystore: Keystore,
        network: Network,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        random: RandomBytes = secrets.token_bytes,
        limits: Limits = DEFAULT_LIMITS,
        reader: str = "inbox",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take keys and addresses; `reader` names the position on the inbound topic that this program keeps."""
        clock, ids = clock or SystemClock(), ids or Uuid7Ids()
        super().__init__(keystore, network, clock=clock, ids=ids, random=random, limits=limits)
        self.agency_id = keystore.agency_id
        self._services = Services(keystore, network, clock=clock, ids=ids, transport=transport)
        self._outbound = OutboundTopic(network.kafka, keystore.agency_id)
        self._inbound = InboundTopic(network.kafka, keystore.agency_id, reader)
        self._signing_keys: dict[str, PublicKey] = {}
        self.joins = Joins(keystore, network, clock=clock, ids=ids, tell=self._tell_consent, ask=self._ask_consent)
        self.receipts = Receipts(keystore, clock, ids, self._tell_consent)
        self.openings = Openings(self, self._services)
        self.disclosures = Disclosures(self, self._services, clock, ids)
        self.cases = Cases(self, self._services, clock, ids)
        self.evidence = Evidence(keystore, self._services, clock=clock, ids=ids, random=random, limits=limits)
        self.asking = Asking(keystore, self._services, clock, ids)

    @classmethod
    def from_folder(cls, folder: str | Path, *, reader: str = "inbox") -> Self:
        """Read an agency's folder: its keys, its Kafka login, and (`Network.from_folder`) where the network is.

        Raises `ConfigurationError`, which names the file.
        """
        path = Path(folder)
        return cls(Keystore.open(path), Network.from_folder(path), reader=reader)

    async def __aenter__(self) -> Self:
        """Return the client; nothing is connected yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._outbound.close()
        await self._inbound.close()
        await self._services.close()

    async def take_handles(self, count: int) -> int:
        """Fetch blank handles from `consent` into the key store; returns how many there are now."""
        answer = await self._services.post("consent", "/handles", _json({"count": count}))
        now = self._clock.now()
        certificates = read(Handles, answer).handles
        self._keystore.add_handles(certificates, self._network.handles_key, now)
        return self._keystore.count_handles(now)

    async def keep_handles(self, *, low: int = 20, full: int = 100) -> Supply:
        """Refill the blank handles up to `full` once fewer than `low` are left; offline what is left can be used.

        To be called whenever there may be a connection, such as after a drain of the offline queue. Raises
        `ProblemError` when `consent` refuses, and not when it is away: `Supply.trouble` then says so.
        """
        return await keep(self._keystore, self._clock, self.take_handles, low=low, full=full)

    async def publish(self, message: OutgoingMessage) -> Published:
        """Publish a message on the agency's own topic; returns when Kafka has acknowledged it.

        What became of it comes in by `inbox`. Raises `NotPublishedError`; the same message may be sent again.
        """
        with _tracer.start_as_current_span("agency publish", kind=SpanKind.PRODUCER):
            carrier: dict[str, str] = {}
            inject(carrier)
            return await self._outbound.publish(message, carrier.get("traceparent"))

    async def submit(self, message: OutgoingMessage, *, by: ActingCoordinator) -> Receipt:
        """Send the same bytes over HTTP and get the answer at once; `by` is whoever the message names.

        Raises `ProblemError` when it is refused and `UnreachableError` when nothing answers.
        """
        with _tracer.start_as_current_span("agency submit", kind=SpanKind.CLIENT):
            answer = await self._services.post(
                "referral", "/messages", message.raw, by=by, idempotency_key=message.message_id
            )
        return read(Receipt, answer)

    async def act(
        self,
        referral_id: str,
        act: ReferralAct,
        *,
        by: ActingCoordinator,
        expected_version: int,
        reason: DeclineReason | None = None,
        outcome: Outcome | None = None,
    ) -> Receipt:
        """Act on a referral over HTTP; `write_act` and `publish` do the same over Kafka. Raises as `submit`."""
        message = self.write_act(
            referral_id, act, by=by, expected_version=expected_version, reason=reason, outcome=outcome
        )
        return await self.submit(message, by=by)

    async def record_statement(
        self,
        referral_id: str,
        kind: StatementKind,
        *,
        by: ActingCoordinator,
        categories: Sequence[Category],
        recipients: Sequence[str] | None,
        purposes: Sequence[Purpose],
        how: StatementMethod,
        notice: Notice,
        stated_at: datetime | None = None,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        spoken_by: SpokenBy | None = None,
        disaster_in: Area | None = None,
        confirms: str | None = None,
        evidence: str | None = None,
    ) -> StatementReceipt:
        """Record the person's word with `consent`, signed as by `write_statement`; it counts once this returns.

        Raises as `submit`.
        """
        message = self.write_statement(
            referral_id,
            kind,
            by=by,
            categories=categories,
            recipients=recipients,
            purposes=purposes,
            how=how,
            notice=notice,
            stated_at=stated_at,
            valid_from=valid_from,
            valid_until=valid_until,
            spoken_by=spoken_by,
            disaster_in=disaster_in,
            confirms=confirms,
            evidence=evidence,
        )
        return read(StatementReceipt, await self._tell_consent("/statements", message, by))

    async def name_representative(
        self,
        referral_id: str,
        ground: RepresentationGround,
        *,
        by: ActingCoordinator,
        proof: ProofSeen,
        categories: Sequence[Category] | None = None,
        purposes: Sequence[Purpose] | None = None,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        representative_id: str | None = None,
    ) -> RepresentativeReceipt:
        """Record who may speak in the person's stead, as by `write_representative`. Raises as `submit`."""
        message = self.write_representative(
            referral_id,
            ground,
            by=by,
            proof=proof,
            categories=categories,
            purposes=purposes,
            valid_from=valid_from,
            valid_until=valid_until,
            representative_id=representative_id,
        )
        return read(RepresentativeReceipt, await self._tell_consent("/representatives", message, by))

    async def countersign(self, referral_id: str, statement_id: str, *, by: ActingCoordinator) -> CountersignReceipt:
        """Vouch with `consent` for what another agency has recorded of the person. Raises as `submit`."""
        message = self.write_countersignature(referral_id, statement_id, by=by)
        return read(CountersignReceipt, await self._tell_consent("/countersignatures", message, by))

    async def covered(self, referral_id: str, *, by: ActingCoordinator, at: datetime | None = None) -> Covered:
        """Ask `consent` what was covered of a referral at a moment, by default now. Raises as `submit`."""
        asked = {"referral_id": referral_id} | ({} if at is None else {"at": at.isoformat()})
        return read(Covered, await self._services.post("consent", "/decisions", _json(asked), by=by))

    async def obligations(self, *, by: ActingCoordinator, ended: bool = False) -> AsyncIterator[Obligation]:
        """Yield what this agency owes for what it has opened; with `ended` what is over as well. Raises as `submit`."""
        after: str | None = ""
        while after is not None:
            route = f"/obligations?after={after}&ended={str(ended).lower()}"
            page = read(Obligations, await self._services.get("consent", route, by=by))
            for each in page.items:
                yield each
            after = page.next

    async def holdings(self, *, by: ActingCoordinator) -> AsyncIterator[Holding]:
        """Yield what this agency has opened and not deleted, and whether it may hold it. Raises as `submit`."""
        after: str | None = ""
        while after is not None:
            page = read(Holdings, await self._services.get("consent", f"/holdings?after={after}", by=by))
            for each in page.items:
                yield each
            after = page.next

    async def answer_obligation(
        self,
        obligation_id: str,
        end: Literal[ObligationEnd.DELETED, ObligationEnd.KEPT_BY_LAW],
        *,
        by: ActingCoordinator,
        kept_under: KeptUnder | None = None,
    ) -> ObligationReceipt:
        """Tell `consent` that something is deleted, or kept under a provision. Raises as `submit`."""
        message = self.write_answer(obligation_id, end, by=by, kept_under=kept_under)
        return read(ObligationReceipt, await self._tell_consent("/obligations/answers", message, by))

    async def say_disaster(
        self, act: DisasterAct, areas: Sequence[Area], *, by: ActingCoordinator, disaster_id: str | None = None
    ) -> DisasterReceipt:
        """Declare a disaster with `consent`, or lift it; effective once this returns. Raises as `submit`."""
        message = self.write_disaster(act, areas, by=by, disaster_id=disaster_id)
        return read(DisasterReceipt, await self._tell_consent("/disasters", message, by))

    async def erase_person(
        self,
        referral_id: str,
        *,
        by: ActingCoordinator,
        how: StatementMethod,
        notice: Notice,
        stated_at: datetime | None = None,
    ) -> ErasureReceipt:
        """Erase the person of a referral with `consent`, for ever, as a supervisor. Raises as `submit`.

        Nothing of them opens once this returns; what was opened before, every agency that has it owes an answer for.
        """
        message = write_erasure(self, referral_id, by=by, how=how, notice=notice, stated_at=stated_at)
        return read(ErasureReceipt, await self._tell_consent("/erasures", message, by))

    async def _tell_consent(
        self, route: str, message: OutgoingMessage | Announcement, by: ActingCoordinator
    ) -> dict[str, object]:
        with _tracer.start_as_current_span(f"agency {route.removeprefix('/')}", kind=SpanKind.CLIENT):
            return await self._services.post("consent", route, message.raw, by=by, idempotency_key=message.message_id)

    async def _ask_consent(self, route: str, asked: dict[str, object], by: ActingCoordinator) -> dict[str, object]:
        return await self._services.post("consent", route, _json(asked), by=by)

    def inbox(self) -> AsyncIterator[Inbound]:
        """Yield what concerns this agency as it comes, each item at least once, for ever.

        An item counts as handled once the next one is asked for; after a crash it comes again.
        """
        return self._inbound.items()

    async def hear(self, referral_id: str, kind: str) -> Inbound:
        """Read the inbox until it says this of this referral, such as `referral.accepted`; for small programs.

        What comes before is passed over, and counts as handled. Bound the time with `asyncio.timeout`.
        """
        async for item in self.inbox():
            if (item.referral_id, item.type) == (referral_id, kind):
                return item
        raise AssertionError("the inbox has no end")

    async def fetch_delivery(self, referral_id: str, *, by: ActingCoordinator | None = None) -> Inbound:
        """Fetch over HTTP what the inbound topic said when a referral was delivered. Raises as `submit`."""
        answer = await self._services.get("referral", f"/referrals/{referral_id}/delivery", by=by)
        return Inbound.read(_json(answer))

    async def open_section(self, item: Inbound, section_id: str, *, by: ActingCoordinator) -> OpenedSection:
        """Open one delivered section: `consent` decides and records, and its key is used once and forgotten.

        Raises `ProblemError` (`not_covered` and others) when `consent` refuses, `UntrustedDeliveryError`
        when the delivery is not what its sender signed, ValueError for an item that is no delivery.
        """
        delivered = item.delivery
        if delivered is None:
            raise ValueError("only an item of type referral.delivered has sections to open")
        referral_id = delivered.referral_id
        facts = await self._signed_section(delivered, item.bodies, section_id)
        with _tracer.start_as_current_span("agency open section", kind=SpanKind.CLIENT):
            asked = {"referral_id": referral_id, "section_id": section_id, "appointment": by.appointment_id}
            answer = read(Release, await self._services.post("consent", "/releases", _json(asked), by=by))
        try:
            content_key = self._unwrapped(answer, referral_id, section_id)
            content = jose.open_body(item.bodies[section_id], content_key, section_id, limits=self._limits)
        except Refusal as refusal:
            raise UntrustedDeliveryError(referral_id, refusal.code) from None
        return OpenedSection(answer.release_id, section_id, facts.category, content)

    async def _signed_section(
        self, delivered: ReferralDelivered, bodies: Mapping[str, str], section_id: str
    ) -> SectionFacts:
        """Return what the sender signed of a section, once its manifest and the bodies agree with each other."""
        key = await self._signing_key(delivered.sender)
        try:
            manifest = verify_manifest(delivered.manifest, key, delivered.sender, limits=self._limits)
            check_bodies(manifest, bodies, limits=self._limits)
        except Refusal as refusal:
            raise UntrustedDeliveryError(delivered.referral_id, refusal.code) from None
        if not isinstance(manifest, SubmitReferral) or manifest.data.referral_id != delivered.referral_id:
            raise UntrustedDeliveryError(delivered.referral_id, RefusalCode.INVALID_CONTENT)
        for section in manifest.data.sections:
            if section.section_id == section_id:
                return section
        raise UntrustedDeliveryError(delivered.referral_id, RefusalCode.SECTION_UNKNOWN)

    def _unwrapped(self, answer: Release, referral_id: str, section_id: str) -> bytes:
        released = unwrap_content_key(answer.key, self._keystore.encryption, limits=self._limits)
        for_us = (released.release_id, released.referral_id, released.section_id)
        if for_us != (answer.release_id, referral_id, section_id):
            raise Refusal(RefusalCode.CANNOT_OPEN)
        return released.content_key

    async def _signing_key(self, agency_id: str) -> PublicKey:
        if agency_id not in self._signing_keys:
            answer = await self._services.get("directory", f"/agencies/{agency_id}")
            self._signing_keys[agency_id] = read(Agency, answer).tsunagu.signing_key
        return self._signing_keys[agency_id]


def _json(members: Mapping[str, object]) -> bytes:
    return json.dumps(members).encode("utf-8")
