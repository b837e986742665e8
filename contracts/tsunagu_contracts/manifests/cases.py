"""What agencies say to `consent` of a person's requests: 開示・訂正・利用停止 (個人情報保護法33条から35条)."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from tsunagu_contracts.codes import CaseEnd, CaseKind, CaseRefusal, CaseWay
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.types import Frozen, Id, Instant


class RequestMade(Frozen):
    """What a person has asked for; `representative` is a recorded one who asked in the person's stead (施行令13条)."""

    case_id: Id
    referral_id: Id
    kind: CaseKind
    how: CaseWay
    received_at: Instant
    representative: Id | None = None


class PartAnswered(Frozen):
    """How an agency has answered for its own part of a case; what is refused names the provision."""

    part_id: Id
    end: CaseEnd
    refused_under: CaseRefusal | None = None

    @model_validator(mode="after")
    def _names_a_provision_for_what_is_refused(self) -> Self:
        if (self.refused_under is not None) != (self.end is CaseEnd.REFUSED_BY_LAW):
            raise ValueError("what is refused names the provision and nothing else does")
        return self


class OpenCase(Manifest):
    """A person's request, received by an agency that has a referral of the person."""

    TYPE: ClassVar[str] = "agency.case.open.v1"

    type: Literal["agency.case.open.v1"] = "agency.case.open.v1"
    expectedversion: Literal[0] = 0
    data: RequestMade


class AnswerCase(Manifest):
    """An agency's answer for its own part of a case."""

    TYPE: ClassVar[str] = "agency.case.answer.v1"

    type: Literal["agency.case.answer.v1"] = "agency.case.answer.v1"
    expectedversion: Literal[0] = 0
    data: PartAnswered
