"""What an agency sends: a signed message as bytes, made without any connection, sent over Kafka or HTTP alike."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from tsunagu_agency.configuration import Network
from tsunagu_agency.keystore import Keystore
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    DisasterAct,
    KeptUnder,
    Language,
    ObligationEnd,
    Outcome,
    OverrideGround,
    ProofSeen,
    Purpose,
    ReferralAct,
    RefusalCode,
    RepresentationGround,
    ServiceFamily,
    StatementKind,
    StatementMethod,
    Urgency,
)
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.manifests import (
    ActOnReferral,
    ActTaken,
    AnswerObligation,
    AnyManifest,
    CountersignStatement,
    DisasterSaid,
    ForReferral,
    Notice,
    ObligationAnswered,
    RecordRepresentative,
    RecordStatement,
    ReferralSubmission,
    RepresentativeNamed,
    SayDisaster,
    StatementHeard,
    StatementMade,
    SubmitReferral,
    ToAgency,
    ToService,
    claimed_ids,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.ports import Clock, Ids, RandomBytes
from tsunagu_contracts.sealing import seal_person_ref, seal_sections
from tsunagu_contracts.types import Frozen, Id

_OnReferral = ForReferral | RecordStatement | RecordRepresentative | CountersignStatement
_BODY_OVERHEAD = 256
"""Bytes of a body beside its content, at most."""


class ActingCoordinator(Frozen):
    """In whose name the agency acts: a coordinator and the appointment acted under.

    `token` is the coordinator's own sign-in token; without one the agency's system vouches over HTTP.
    """

    coordinator_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
    appointment_id: Id
    token: str | None = Field(default=None, repr=False)

    @property
    def actor(self) -> str:
        """The coordinator as messages and tokens name one."""
        return f"coordinator:{self.coordinator_id}"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A signed message: the bytes that travel, and the ids by which it is known. Sent twice it counts once."""

    message_id: str
    referral_id: str
    raw: bytes

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Read a message back from its bytes, such as ones kept in a queue; refuses as `AgencyMessage.parse`."""
        ids = claimed_ids(AgencyMessage.parse(raw).manifest)
        if ids.message_id is None or ids.referral_id is None:
            raise Refusal(RefusalCode.INVALID_CONTENT)
        return cls(ids.message_id, ids.referral_id, raw)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A signed message about no referral: its own id, that of the disaster or obligation, and the bytes that travel."""

    message_id: str
    about: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class SpokenBy:
    """A recorded representative who spoke for the person; `overrides` is why the person's own no is overruled."""

    representative_id: str
    overrides: OverrideGround | None = None


class MessageWriter:
    """Seals and signs an agency's messages with its own keys; needs no connection."""

    def __init__(
        self,
        keystore: Keystore,
        network: Network,
        *,
        clock: Clock,
        ids: Ids,
        random: RandomBytes = secrets.token_bytes,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._keystore = keystore
        self._network = network
        self._clock = clock
        self._ids = ids
        self._random = random
        self._limits = limits

    @property
    def keystore(self) -> Keystore:
        """The agency's keys and blank handles, and the folder where they are."""
        return self._keystore

    def verify_own(self, message: OutgoingMessage) -> AnyManifest:
        """Return what a message of this agency says; refuses, as `AgencyMessage.verify`, what it has not signed."""
        parsed = AgencyMessage.parse(message.raw, self._limits)
        return parsed.verify(self._keystore.signing.public, self._keystore.agency_id, self._limits)

    def seal_referral(
        self,
        *,
        by: ActingCoordinator,
        to: ToAgency | ToService,
        purpose: Purpose,
        contents: Mapping[Category, str | bytes],
        person: str,
        area: Area | None = None,
        service_family: ServiceFamily | None = None,
        urgency: Urgency = Urgency.ROUTINE,
        language: Language = Language.JA,
    ) -> OutgoingMessage:
        """Seal a new referral with a blank handle, which is thereby used up.

        `person` is the agency's own reference for the person (a chart number, say); only `consent` can read it.
        `area` and `service_family` may be left out where `to` says them. Raises ValueError where nothing says
        them and `NoHandleLeftError`; refuses with `oversize` what is too large. No handle is lost by these.
        """
        if isinstance(to, ToService):
            area, service_family = area or to.area, service_family or to.service_family
        if area is None or service_family is None:
            raise ValueError("a referral to a named agency says its area and its service family")
        encoded = {
            category: content.encode("utf-8") if isinstance(content, str) else content
            for category, content in contents.items()
        }
        self._require_size(encoded)
        person_ref = seal_person_ref(self._keystore.agency_id, person, self._network.person_ref_key)
        now = self._clock.now()
        blank = self._keystore.take_handle(self._network.handles_key, now)
        sealed = seal_sections(
            self._keystore.agency_id,
            encoded,
            blank.certificate.public_key,
            self._ids,
            random=self._random,
            limits=self._limits,
        )
        submission = ReferralSubmission(
            referral_id=self._ids.new(),
            to=to,
            area=area,
            service_family=service_family,
            urgency=urgency,
            language=language,
            purpose=purpose,
            handle=blank.token,
            person_ref=person_ref,
            sections=sealed.sections,
            capsule=sealed.capsule,
        )
        manifest = SubmitReferral(
            id=self._ids.new(),
            source=self._source,
            time=now,
            actor=by.actor,
            appointment=by.appointment_id,
            data=submission,
        )
        return self._signed(manifest, sealed.bodies)

    def write_act(
        self,
        referral_id: str,
        act: ReferralAct,
        *,
        by: ActingCoordinator,
        expected_version: int,
        reason: DeclineReason | None = None,
        outcome: Outcome | None = None,
    ) -> OutgoingMessage:
        """Sign an act on a referral; `expected_version` is the version that the coordinator has seen."""
        manifest = ActOnReferral(
            id=self._ids.new(),
            source=self._source,
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            expectedversion=expected_version,
            data=ActTaken(referral_id=referral_id, act=act, reason=reason, outcome=outcome),
        )
        return self._signed(manifest, {})

    def write_statement(
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
    ) -> OutgoingMessage:
        """Sign the person's word on a referral; `recipients` None means every agency. Times default to now.

        `spoken_by` is a representative, None the person; a grant with `disaster_in` counts only while a disaster is
        declared there; `confirms` is the id of the grant that a confirmation is of; `evidence` is the digest of a file
        that shows it, as sealed by `AgencyClient.evidence.seal`.
        """
        now = self._clock.now()
        manifest = RecordStatement(
            id=self._ids.new(),
            source=self._source,
            time=now,
            actor=by.actor,
            appointment=by.appointment_id,
            data=StatementMade(
                statement_id=self._ids.new(),
                referral_id=referral_id,
                kind=kind,
                categories=tuple(categories),
                recipients=None if recipients is None else tuple(recipients),
                purposes=tuple(purposes),
                how=how,
                notice=notice,
                valid_from=valid_from or now,
                valid_until=valid_until,
                stated_at=stated_at or now,
                representative=spoken_by.representative_id if spoken_by else None,
                overrides=spoken_by.overrides if spoken_by else None,
                disaster_in=disaster_in,
                confirms=confirms,
                evidence=evidence,
            ),
        )
        return self._signed(manifest, {})

    def write_representative(
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
    ) -> OutgoingMessage:
        """Sign who may speak in the person's stead; None means all categories or purposes, and a new representative."""
        now = self._clock.now()
        manifest = RecordRepresentative(
            id=self._ids.new(),
            source=self._source,
            time=now,
            actor=by.actor,
            appointment=by.appointment_id,
            data=RepresentativeNamed(
                representative_id=representative_id or self._ids.new(),
                referral_id=referral_id,
                ground=ground,
                proof=proof,
                categories=None if categories is None else tuple(categories),
                purposes=None if purposes is None else tuple(purposes),
                valid_from=valid_from or now,
                valid_until=valid_until,
            ),
        )
        return self._signed(manifest, {})

    def write_countersignature(self, referral_id: str, statement_id: str, *, by: ActingCoordinator) -> OutgoingMessage:
        """Sign that this agency has heard the person say what another agency has recorded."""
        manifest = CountersignStatement(
            id=self._ids.new(),
            source=self._source,
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=StatementHeard(statement_id=statement_id, referral_id=referral_id),
        )
        return self._signed(manifest, {})

    def write_answer(
        self,
        obligation_id: str,
        end: Literal[ObligationEnd.DELETED, ObligationEnd.KEPT_BY_LAW],
        *,
        by: ActingCoordinator,
        kept_under: KeptUnder | None = None,
    ) -> Announcement:
        """Sign what was done with what may no longer be held: deleted, or kept under a provision."""
        manifest = AnswerObligation(
            id=self._ids.new(),
            source=self._source,
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=ObligationAnswered(obligation_id=obligation_id, end=end, kept_under=kept_under),
        )
        return Announcement(manifest.id, obligation_id, self._bytes(manifest, {}))

    def write_disaster(
        self, act: DisasterAct, areas: Sequence[Area], *, by: ActingCoordinator, disaster_id: str | None = None
    ) -> Announcement:
        """Sign that a disaster is declared in some areas (without an id: a new one), or lifted there."""
        disaster = disaster_id or self._ids.new()
        manifest = SayDisaster(
            id=self._ids.new(),
            source=self._source,
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=DisasterSaid(disaster_id=disaster, act=act, areas=tuple(areas)),
        )
        return Announcement(manifest.id, disaster, self._bytes(manifest, {}))

    def announce(
        self, kind: Callable[..., AnyManifest], said: Frozen, *, about: str, by: ActingCoordinator
    ) -> Announcement:
        """Sign what is said to `consent` or `audit` by such a manifest; `about` is the id of what it is about."""
        manifest = kind(
            id=self._ids.new(),
            source=self._source,
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=said,
        )
        return Announcement(manifest.id, about, self._bytes(manifest, {}))

    @property
    def _source(self) -> str:
        return f"agency/{self._keystore.agency_id}"

    def _signed(self, manifest: _OnReferral, bodies: Mapping[str, str]) -> OutgoingMessage:
        return OutgoingMessage(manifest.id, manifest.data.referral_id, self._bytes(manifest, bodies))

    def _bytes(self, manifest: AnyManifest, bodies: Mapping[str, str]) -> bytes:
        raw = AgencyMessage(sign_manifest(manifest, self._keystore.signing), bodies).to_bytes()
        if len(raw) > self._limits.message:
            raise Refusal(RefusalCode.OVERSIZE, part="message")
        return raw

    def _require_size(self, contents: Mapping[Category, bytes]) -> None:
        """A body is base64url of its content, which makes it a third longer, and a header before it."""
        for category, content in contents.items():
            if len(content) * 4 // 3 + _BODY_OVERHEAD > self._limits.body:
                raise Refusal(RefusalCode.OVERSIZE, category=category.value)
