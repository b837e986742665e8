"""What agencies say to `consent`, over HTTP: it may not read the topics that carry bodies."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tsunagu_contracts.codes import (
    Area,
    DisasterAct,
    KeptUnder,
    ObligationEnd,
    OverrideGround,
    ProofSeen,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Categories, Notice, Purposes, Recipients, distinct, in_order
from tsunagu_contracts.types import Digest, Frozen, Id, Instant


class StatementMade(Frozen):
    """The person's word, as the recording agency writes it down; `recipients` null means every agency, as the
    notice says it.

    `representative` is who spoke in the person's stead, and `overrides` on what ground the person's own refusal is
    overruled. `disaster_in` makes a grant count only while a disaster is declared in that area; `confirms` is the
    grant that a confirmation speaks of. `evidence` is the digest of a sealed file that shows it, kept by `audit`.
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
    evidence: Digest | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        return in_order(self)

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
        return in_order(self)


class StatementHeard(Frozen):
    """That this agency has heard the person's word too: a countersignature under a statement of another's recording."""

    statement_id: Id
    referral_id: Id


class DisasterSaid(Frozen):
    """That a disaster is declared in some areas, or that the one of this id is lifted, from now on."""

    disaster_id: Id
    act: DisasterAct
    areas: Annotated[tuple[Area, ...], Field(min_length=1), AfterValidator(distinct)]


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
