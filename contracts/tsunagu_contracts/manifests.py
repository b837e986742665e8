"""Manifests (送り状): the signed, body-free part of a message; CloudEvents 1.0 in a compact JWS."""

from collections.abc import Hashable
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from tsunagu_contracts import jose
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
from tsunagu_contracts.envelope import check_type
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import SectionFacts
from tsunagu_contracts.keys import PublicKey, SigningKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import AgencyId, Compact, Digest, Frozen, Id, Instant

MANIFEST_TYP = "tsunagu-manifest"

_T = TypeVar("_T", bound=Hashable)


def _distinct(values: tuple[_T, ...]) -> tuple[_T, ...]:
    if len(set(values)) != len(values):
        raise ValueError("values repeat")
    return values


class _Period(Protocol):
    @property
    def valid_from(self) -> datetime: ...
    @property
    def valid_until(self) -> datetime | None: ...


_P = TypeVar("_P", bound=_Period)


def _in_order(period: _P) -> _P:
    if period.valid_until is not None and period.valid_until <= period.valid_from:
        raise ValueError("ends before it begins")
    return period


Categories = Annotated[tuple[Category, ...], Field(min_length=1), AfterValidator(_distinct)]
Purposes = Annotated[tuple[Purpose, ...], Field(min_length=1), AfterValidator(_distinct)]
Recipients = Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=500), AfterValidator(_distinct)]


class _Exact(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToAgency(_Exact):
    """A referral to one named agency."""

    agency: AgencyId


class ToService(_Exact):
    """A referral to whoever offers a family of services in an area, else to the area's standing desk."""

    service_family: ServiceFamily
    area: Area


class Notice(Frozen):
    """The notice that the person was shown before speaking: its version, language and SHA-256."""

    version: Id
    language: Language
    hash: Digest


class ReferralSubmission(Frozen):
    """What a sender says in clear of a referral: codes, digests and tokens, never free text."""

    referral_id: Id
    to: ToAgency | ToService
    area: Area
    service_family: ServiceFamily
    urgency: Urgency
    language: Language
    purpose: Purpose
    handle: Compact
    person_ref: Compact
    sections: Annotated[tuple[SectionFacts, ...], Field(min_length=1)]
    capsule: Compact

    @model_validator(mode="after")
    def _section_ids_are_distinct(self) -> Self:
        _distinct(tuple(section.section_id for section in self.sections))
        return self


class ActTaken(Frozen):
    """What an agency does to a referral; a decline gives its reason and a completion its outcome."""

    referral_id: Id
    act: ReferralAct
    reason: DeclineReason | None = None
    outcome: Outcome | None = None

    @model_validator(mode="after")
    def _has_what_its_act_needs(self) -> Self:
        if (self.reason is not None) != (self.act is ReferralAct.DECLINE):
            raise ValueError("a decline has a reason and no other act has one")
        if (self.outcome is not None) != (self.act is ReferralAct.COMPLETE):
            raise ValueError("a completion has an outcome and no other act has one")
        return self


class StatementMade(Frozen):
    """The person's word, as the recording agency writes it down; `recipients` null means every agency.

    `representative` is who spoke in the person's stead, and `overrides` on what ground the person's own refusal is
    overruled. `disaster_in` makes a grant count only while a disaster is declared in that area; `confirms` is the
    grant that a confirmation speaks of.
    """

    statement_id: Id
    referral_id: Id
    kind: StatementKind
    categories: Categories
    recipients: Recipients | None
    purposes: Purposes
    how: StatementMethod
    notice: Notice
    valid_from: Instant
    valid_until: Instant | None = None
    stated_at: Instant
    representative: Id | None = None
    overrides: OverrideGround | None = None
    disaster_in: Area | None = None
    confirms: Id | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        return _in_order(self)

    @model_validator(mode="after")
    def _says_what_its_kind_may(self) -> Self:
        if (self.confirms is not None) != (self.kind is StatementKind.CONFIRM):
            raise ValueError("a confirmation names a grant and nothing else does")
        if self.disaster_in is not None and self.kind is not StatementKind.GRANT:
            raise ValueError("only a grant has a condition")
        if self.overrides is not None and (self.kind is not StatementKind.GRANT or self.representative is None):
            raise ValueError("only a representative's grant overrules")
        return self


class RepresentativeNamed(Frozen):
    """That somebody may speak in the person's stead: by what, for what, from when to when; never who it is.

    `categories` and `purposes` null mean all. The same id again says how it stands from then on.
    """

    representative_id: Id
    referral_id: Id
    ground: RepresentationGround
    proof: ProofSeen
    categories: Categories | None = None
    purposes: Purposes | None = None
    valid_from: Instant
    valid_until: Instant | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        return _in_order(self)


class StatementHeard(Frozen):
    """That this agency has heard the person's word too: a countersignature under a statement of another's recording."""

    statement_id: Id
    referral_id: Id


class DisasterSaid(Frozen):
    """That a disaster is declared in some areas, or that the one of this id is lifted, from now on."""

    disaster_id: Id
    act: DisasterAct
    areas: Annotated[tuple[Area, ...], Field(min_length=1), AfterValidator(_distinct)]


class ObligationAnswered(Frozen):
    """What an agency has done with what it may no longer hold; what is kept names the provision."""

    obligation_id: Id
    end: Literal[ObligationEnd.DELETED, ObligationEnd.KEPT_BY_LAW]
    kept_under: KeptUnder | None = None

    @model_validator(mode="after")
    def _names_a_provision_for_what_is_kept(self) -> Self:
        if (self.kept_under is not None) != (self.end is ObligationEnd.KEPT_BY_LAW):
            raise ValueError("what is kept names the provision and nothing else does")
        return self


class Manifest(Frozen):
    """What the manifests of every type say: which agency, which coordinator under which appointment, when."""

    TYPE: ClassVar[str]

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: Annotated[str, StringConstraints(pattern=r"^agency/[a-z0-9][a-z0-9-]{1,48}$")]
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    actor: Annotated[str, StringConstraints(pattern=r"^coordinator:[a-z0-9][a-z0-9.-]{0,63}$")]
    appointment: Id
    expectedversion: Annotated[int, Field(ge=0, le=2**53)]

    @property
    def agency_id(self) -> str:
        """The agency that signed."""
        return self.source.removeprefix("agency/")

    @property
    def coordinator_id(self) -> str:
        """The coordinator who acted."""
        return self.actor.removeprefix("coordinator:")


class SubmitReferral(Manifest):
    """A new referral."""

    TYPE: ClassVar[str] = "agency.referral.submit.v1"

    type: Literal["agency.referral.submit.v1"] = "agency.referral.submit.v1"
    expectedversion: Literal[0] = 0
    data: ReferralSubmission


class ActOnReferral(Manifest):
    """An act on a referral that exists; `expectedversion` is the version that the agency has seen."""

    TYPE: ClassVar[str] = "agency.referral.act.v1"

    type: Literal["agency.referral.act.v1"] = "agency.referral.act.v1"
    data: ActTaken


class RecordStatement(Manifest):
    """The person's word on a referral to which the agency is a party."""

    TYPE: ClassVar[str] = "agency.statement.record.v1"

    type: Literal["agency.statement.record.v1"] = "agency.statement.record.v1"
    expectedversion: Literal[0] = 0
    data: StatementMade


class RecordRepresentative(Manifest):
    """Who may speak in the stead of a person, of whom the agency has a referral."""

    TYPE: ClassVar[str] = "agency.representative.record.v1"

    type: Literal["agency.representative.record.v1"] = "agency.representative.record.v1"
    expectedversion: Literal[0] = 0
    data: RepresentativeNamed


class CountersignStatement(Manifest):
    """An agency's word that the person said what another agency has recorded."""

    TYPE: ClassVar[str] = "agency.statement.countersign.v1"

    type: Literal["agency.statement.countersign.v1"] = "agency.statement.countersign.v1"
    expectedversion: Literal[0] = 0
    data: StatementHeard


class SayDisaster(Manifest):
    """The declaration of a disaster, or its lifting, by an authorised appointment of a ward office."""

    TYPE: ClassVar[str] = "agency.disaster.say.v1"

    type: Literal["agency.disaster.say.v1"] = "agency.disaster.say.v1"
    expectedversion: Literal[0] = 0
    data: DisasterSaid


class AnswerObligation(Manifest):
    """An agency's word on an obligation of its own."""

    TYPE: ClassVar[str] = "agency.obligation.answer.v1"

    type: Literal["agency.obligation.answer.v1"] = "agency.obligation.answer.v1"
    expectedversion: Literal[0] = 0
    data: ObligationAnswered


ForReferral = SubmitReferral | ActOnReferral
"""What agencies say to `referral`, over Kafka or HTTP."""

ForConsent = RecordStatement | RecordRepresentative | CountersignStatement | SayDisaster | AnswerObligation
"""What agencies say to `consent`, over HTTP: it may not read the topics that carry bodies."""

AnyManifest = ForReferral | ForConsent
"""A manifest of one of the known types."""

MANIFESTS: dict[str, type[AnyManifest]] = {
    kind.TYPE: kind
    for kind in (
        SubmitReferral,
        ActOnReferral,
        RecordStatement,
        RecordRepresentative,
        CountersignStatement,
        SayDisaster,
        AnswerObligation,
    )
}
"""Manifest classes by CloudEvents `type`."""


def referral_of(manifest: AnyManifest) -> str | None:
    """The referral that a manifest speaks of, if it speaks of one."""
    return None if isinstance(manifest, SayDisaster | AnswerObligation) else manifest.data.referral_id


_NAMES = frozenset(MANIFESTS)
_STEMS = frozenset(name.rpartition(".v")[0] for name in _NAMES)
_ID: TypeAdapter[str] = TypeAdapter(Id)


def sign_manifest(manifest: AnyManifest, key: SigningKey) -> str:
    """Sign a manifest; the result travels verbatim to everyone who relies on it."""
    return jose.sign(manifest.model_dump_json().encode("utf-8"), key, typ=MANIFEST_TYP)


def verify_manifest(token: str, key: PublicKey, agency_id: str, *, limits: Limits = DEFAULT_LIMITS) -> AnyManifest:
    """Return the manifest that this agency signed with this key.

    Codes: as for `jose.verify`, and `malformed_json`, `not_utf8`, `unknown_type`, `unknown_version`,
    `invalid_content`, `sender_mismatch` (signed in another agency's name), `oversize` (too many sections).
    """
    manifest = _read(parse_object(jose.verify(token, key, typ=MANIFEST_TYP, limits=limits)))
    if manifest.agency_id != agency_id:
        raise Refusal(RefusalCode.SENDER_MISMATCH)
    if isinstance(manifest, SubmitReferral) and len(manifest.data.sections) > limits.sections:
        raise Refusal(RefusalCode.OVERSIZE, part="sections")
    return manifest


def _read(content: dict[str, object]) -> AnyManifest:
    name = check_type(content.get("type"), _NAMES, _STEMS)
    try:
        return MANIFESTS[name].model_validate(content)
    except ValidationError as error:
        raise Refusal(RefusalCode.INVALID_CONTENT, where=_place(error)) from None


def _place(error: ValidationError) -> str:
    """Where the first fault is, in names of ours: a name that the sender made up is not repeated."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    location = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    return ".".join(str(part) for part in location)[:80]


class ClaimedIds(Frozen):
    """The ids that a refused message claims to have; unverified, for the answer to its sender only."""

    message_id: Id | None = None
    referral_id: Id | None = None


def claimed_ids(token: str, *, limits: Limits = DEFAULT_LIMITS) -> ClaimedIds:
    """Return what ids can be read from a manifest that may be refused for any reason; never raises."""
    try:
        content = jose.unverified_payload(token, limits=limits)
    except Refusal:
        return ClaimedIds()
    data = content.get("data")
    referral_id = data.get("referral_id") if isinstance(data, dict) else None
    return ClaimedIds(message_id=_id_or_none(content.get("id")), referral_id=_id_or_none(referral_id))


def _id_or_none(value: object) -> str | None:
    try:
        return _ID.validate_python(value, strict=True)
    except ValidationError:
        return None
