"""What agencies say to `consent` of asking the person, and of what has changed in the person's life."""

from typing import ClassVar, Literal

from tsunagu_contracts.codes import PersonChange, ReviewAnswer
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Categories, Purposes, Recipients
from tsunagu_contracts.types import Frozen, Id, Instant


class PersonAsked(Frozen):
    """What the person is to be asked, by when; `recipients` null means every agency, as the notice says it."""

    request_id: Id
    referral_id: Id
    categories: Categories
    purposes: Purposes
    recipients: Recipients | None
    deadline: Instant


class ReviewAnswered(Frozen):
    """What came of a review that needed no new statement."""

    request_id: Id
    answer: ReviewAnswer


class ChangeReported(Frozen):
    """What has changed in the person's life; the same id again says how that report stands from then on."""

    change_id: Id
    referral_id: Id
    change: PersonChange


class AskPerson(Manifest):
    """An agency's wish that the person of a referral be asked."""

    TYPE: ClassVar[str] = "agency.person.ask.v1"

    type: Literal["agency.person.ask.v1"] = "agency.person.ask.v1"
    expectedversion: Literal[0] = 0
    data: PersonAsked


class AnswerReview(Manifest):
    """An agency's word on a review of its own."""

    TYPE: ClassVar[str] = "agency.review.answer.v1"

    type: Literal["agency.review.answer.v1"] = "agency.review.answer.v1"
    expectedversion: Literal[0] = 0
    data: ReviewAnswered


class ReportChange(Manifest):
    """An agency's word that something has changed in the life of a person, of whom it has a referral."""

    TYPE: ClassVar[str] = "agency.person.change.v1"

    type: Literal["agency.person.change.v1"] = "agency.person.change.v1"
    expectedversion: Literal[0] = 0
    data: ChangeReported
