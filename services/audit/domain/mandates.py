"""What an auditor may ask under a mandate: agencies, areas and a period bound every question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Mandate:
    """The bounds within which one auditor may ask; the period binds the asking and what is asked about."""

    mandate_id: str
    auditor_id: str
    agencies: frozenset[str]
    areas: frozenset[str]
    valid_from: datetime
    valid_until: datetime

    def in_force(self, at: datetime) -> bool:
        """Whether the auditor may ask at this moment."""
        return self.valid_from <= at < self.valid_until


@dataclass(frozen=True, slots=True)
class ReferralScope:
    """What places a referral inside or outside a mandate."""

    sender: str
    addressee: str
    area: str


@dataclass(frozen=True, slots=True)
class AccessQuestion:
    """A question for accesses; whatever is None does not narrow it. `since` is included, `until` is not."""

    referral_id: str | None = None
    agency_id: str | None = None
    coordinator_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What one event is about, as far as a mandate can bound it."""

    referral: ReferralScope | None = None
    agency_id: str | None = None
    auditor_id: str | None = None


def mandate_for(mandates: Sequence[Mandate], mandate_id: str | None, at: datetime) -> Mandate:
    """The auditor's mandate to ask under: the one named, else the one that ends last.

    Refuses with `mandate_required` when none is in force, or not the one named.
    """
    in_force = [mandate for mandate in mandates if mandate.in_force(at) and mandate_id in (None, mandate.mandate_id)]
    if not in_force:
        raise Refusal(RefusalCode.MANDATE_REQUIRED)
    return max(in_force, key=lambda mandate: (mandate.valid_until, mandate.mandate_id))


def bounded(mandate: Mandate, question: AccessQuestion, referral: ReferralScope | None) -> AccessQuestion:
    """The question, narrowed to the mandate's period; `referral` is the one that it names.

    Refuses with `outside_mandate` what names something beyond the mandate. A referral that nobody
    knows is refused the same way, so that a refusal tells nothing.
    """
    if question.agency_id is not None and question.agency_id not in mandate.agencies:
        raise Refusal(RefusalCode.OUTSIDE_MANDATE, bound="agency")
    if question.referral_id is not None and not (referral and _covers(mandate, referral)):
        raise Refusal(RefusalCode.OUTSIDE_MANDATE, bound="referral")
    since, until = question.since or mandate.valid_from, question.until or mandate.valid_until
    if since < mandate.valid_from or until > mandate.valid_until:
        raise Refusal(RefusalCode.OUTSIDE_MANDATE, bound="period")
    return replace(question, since=since, until=until)


def check_aggregate(mandate: Mandate, subjects: Sequence[Subject]) -> None:
    """Refuse with `outside_mandate` unless all that an aggregate's events are about is within the mandate.

    One event outside closes all of them: a person's record that reaches into another area stays shut.
    """
    verdicts = {_verdict(mandate, subject) for subject in subjects}
    if True not in verdicts or False in verdicts:
        raise Refusal(RefusalCode.OUTSIDE_MANDATE, bound="aggregate")


def _verdict(mandate: Mandate, subject: Subject) -> bool | None:
    if subject.referral is not None:
        return _covers(mandate, subject.referral)
    if subject.agency_id is not None:
        return subject.agency_id in mandate.agencies
    if subject.auditor_id is not None:
        return subject.auditor_id == mandate.auditor_id
    return None


def _covers(mandate: Mandate, referral: ReferralScope) -> bool:
    return referral.area in mandate.areas and not mandate.agencies.isdisjoint({referral.sender, referral.addressee})
