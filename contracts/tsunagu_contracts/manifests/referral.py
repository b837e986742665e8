"""What agencies say to `referral`, over Kafka or HTTP."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tsunagu_contracts.codes import Area, DeclineReason, Language, Outcome, Purpose, ReferralAct, ServiceFamily, Urgency
from tsunagu_contracts.events.referral import SectionFacts
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Exact, distinct
from tsunagu_contracts.types import AgencyId, Compact, Frozen, Id


class ToAgency(Exact):
    """A referral to one named agency."""

    agency: AgencyId


class ToService(Exact):
    """A referral to whoever offers a family of services in an area, else to the area's standing desk."""

    service_family: ServiceFamily
    area: Area


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
        distinct(tuple(section.section_id for section in self.sections))
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


ForReferral = SubmitReferral | ActOnReferral
"""What agencies say to `referral`, over Kafka or HTTP."""
