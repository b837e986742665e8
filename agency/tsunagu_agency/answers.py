"""What the services answer, as far as an agency's software reads it."""

from typing import TypeVar

from pydantic import ValidationError

from tsunagu_agency.errors import ProblemError
from tsunagu_contracts.codes import (
    Area,
    Category,
    DisasterAct,
    HoldingState,
    KeptUnder,
    ObligationCause,
    ObligationEnd,
    PersonChange,
    Purpose,
    ReferralState,
    RequestKind,
)
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.referral import SectionCoverage
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.types import AgencyId, Compact, Frozen, Id, Instant

_Model = TypeVar("_Model", bound=Frozen)


class Receipt(Frozen):
    """What `referral` answers to a message that it has taken: where the referral now stands."""

    message_id: Id
    referral_id: Id
    version: int
    state: ReferralState


class StatementReceipt(Frozen):
    """What `consent` answers to a statement that has taken effect."""

    statement_id: Id
    referral_id: Id
    recorded_at: Instant


class RepresentativeReceipt(Frozen):
    """What `consent` answers when a representative is recorded."""

    representative_id: Id
    recorded_at: Instant


class CountersignReceipt(Frozen):
    """What `consent` answers when a statement is countersigned."""

    statement_id: Id
    recorded_at: Instant


class Obligation(Frozen):
    """What the agency owes for a section that it has opened; `ended_as` null while it is open."""

    obligation_id: Id
    referral_id: Id
    section_id: Id
    category: Category
    cause: ObligationCause
    incurred_at: Instant
    due_at: Instant
    ended_as: ObligationEnd | None


class Obligations(Frozen):
    """A page of obligations."""

    items: tuple[Obligation, ...]
    next: Id | None


class Holding(Frozen):
    """A section that the agency has opened; `obligation_id` is what it owes, or has answered, for it."""

    section_id: Id
    referral_id: Id
    category: Category
    opened_at: Instant
    state: HoldingState
    obligation_id: Id | None
    kept_under: KeptUnder | None


class Holdings(Frozen):
    """A page of what the agency has opened."""

    items: tuple[Holding, ...]
    next: Id | None


class ObligationReceipt(Frozen):
    """What `consent` answers when an obligation has been answered."""

    obligation_id: Id
    ended_at: Instant


class CardIssued(Frozen):
    """A new card, sealed for the agency."""

    card: Compact


class JoinReceipt(Frozen):
    """What `consent` answers to a join; the same whether or not anything was joined already."""

    join_id: Id
    joined_at: Instant


class UndoneReceipt(Frozen):
    """What `consent` answers when a join is undone."""

    join_id: Id
    undone_at: Instant


class SectionChange(Frozen):
    """A section as it stands now and as it would stand then."""

    referral_id: Id
    now: SectionCoverage
    then: SectionCoverage


class SectionOwed(Frozen):
    """A section that the agency has opened and would no longer rightly hold."""

    referral_id: Id
    section_id: Id
    category: Category


class UndoingPreview(Frozen):
    """What undoing a join would mean for the agency."""

    changes: tuple[SectionChange, ...]
    owed: tuple[SectionOwed, ...]


class EvidenceReceipt(Frozen):
    """What `audit` answers when it keeps evidence."""

    evidence_id: Id
    stored_at: Instant


class KeptEvidence(Frozen):
    """What `audit` shows a custodian of evidence: the message that the recording agency signed."""

    evidence_id: Id
    manifest: Compact


class EvidenceOpening(Frozen):
    """How an opening stands; `share` is what the other custodian has passed on, once both have asked."""

    opening_id: Id
    opened: bool
    share: Compact | None


class DisasterReceipt(Frozen):
    """What `consent` answers when a disaster is declared or lifted, and in which areas that changed something."""

    disaster_id: Id
    act: DisasterAct
    changed: tuple[Area, ...]
    at: Instant


class Covered(Frozen):
    """What was covered of a referral at a moment."""

    referral_id: Id
    at: Instant
    sections: tuple[SectionCoverage, ...]


class ErasureReceipt(Frozen):
    """What `consent` answers when a person is erased: from then on nothing opens; the keys go right after."""

    erasure_id: Id
    erased_at: Instant


class RequestReceipt(Frozen):
    """What `consent` answers when it is asked that the person be asked."""

    request_id: Id
    deadline: Instant


class PersonRequest(Frozen):
    """What the agency is to ask the person, or to look at again; `recipients` null means every agency."""

    request_id: Id
    kind: RequestKind
    referral_id: Id
    categories: tuple[Category, ...]
    purposes: tuple[Purpose, ...]
    recipients: tuple[AgencyId, ...] | None
    change: PersonChange | None
    opened_at: Instant
    deadline: Instant


class PersonRequests(Frozen):
    """A page of requests."""

    items: tuple[PersonRequest, ...]
    next: Id | None


class ReviewReceipt(Frozen):
    """What `consent` answers when a review has been answered."""

    request_id: Id
    ended_at: Instant


class ChangeReceipt(Frozen):
    """What `consent` answers when a change is recorded."""

    change_id: Id
    recorded_at: Instant


class Release(Frozen):
    """A release that `consent` has recorded, and the section's key wrapped for the agency."""

    release_id: Id
    key: Compact


class Handles(Frozen):
    """Certificates of new blank handles."""

    handles: tuple[Compact, ...]


class AgencyFacts(Frozen):
    """What the network says of an agency beside its HSDS record."""

    signing_key: PublicKey
    encryption_key: PublicKey


class Agency(Frozen):
    """An agency as `directory` shows it."""

    tsunagu: AgencyFacts


def read(model: type[_Model], answer: dict[str, object]) -> _Model:
    """Read an answer; raises `ProblemError` with `unexpected_answer` where it says something else."""
    try:
        return model.model_validate(answer)
    except (ValidationError, Refusal):
        # A success that says something else is a fault of the network, not of the caller.
        raise ProblemError.of(502, {"code": "unexpected_answer"}) from None
