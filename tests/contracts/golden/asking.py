"""How the person of the story is asked: a request with its reminder, a review, a renewal, and what became of them."""

from dataclasses import dataclass

from tests.contracts.golden.messages import GRANTED, REFERRAL, STATEMENT
from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    DESK,
    DESK_APPOINTMENT,
    DESK_WORKER,
    Shelf,
    at,
    ident,
)
from tsunagu_contracts.codes import Category, PersonChange, Purpose, RequestKind, ReviewAnswer
from tsunagu_contracts.events.consent import (
    ConsentRequested,
    GrantRenewalDue,
    PersonChanged,
    RecordedBy,
    RequestAnswered,
    RequestFacts,
    RequestLapsed,
    RequestReminded,
    ReviewOpened,
)
from tsunagu_contracts.manifests import (
    AnswerReview,
    AnyManifest,
    AskPerson,
    ChangeReported,
    PersonAsked,
    ReportChange,
    ReviewAnswered,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage

_RECORD = ident("record")
_BY_DESK = RecordedBy(agency_id=DESK, coordinator_id=DESK_WORKER, appointment_id=DESK_APPOINTMENT)
_BY_CLINIC = RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT)


@dataclass(frozen=True)
class _Step:
    """One event of the record: what it says, when, and by whom."""

    data: RequestFacts | PersonChanged
    minutes: int
    actor: str
    appointment: str | None = None


def asking_is_said(shelf: Shelf) -> None:
    """Make or read what agencies say of asking the person, and what consent says of it after the obligation."""
    asked, answered, changed = _messages(shelf)
    facts = {"record_id": _RECORD, "referral_id": REFERRAL, "agency_id": CLINIC}
    request = facts | {"request_id": ident("request"), "kind": RequestKind.ASKED, "deadline": at(2000)}
    review = facts | {"request_id": ident("review"), "kind": RequestKind.CHANGE_REVIEW, "deadline": at(9000)}
    wanted = {"categories": (Category.HEALTH,), "purposes": (Purpose.SERVICE,), "recipients": (DESK,)}
    desk, clinic = f"coordinator:{DESK_WORKER}", f"coordinator:{CLINIC_WORKER}"
    steps = (
        _Step(
            ConsentRequested.model_validate(
                request
                | wanted
                | {"number": 11, "requested_at": at(1000), "requested_by": _BY_DESK}
                | {"message_id": ident("message ask"), "manifest": asked.manifest}
            ),
            1000,
            desk,
            DESK_APPOINTMENT,
        ),
        _Step(RequestReminded.model_validate(request | {"number": 12, "noticed_at": at(1500)}), 1500, "timer"),
        _Step(RequestLapsed.model_validate(request | {"number": 13, "noticed_at": at(2000)}), 2000, "timer"),
        _Step(
            PersonChanged(
                record_id=_RECORD,
                number=14,
                change_id=ident("change"),
                referral_id=REFERRAL,
                change=PersonChange.MOVED_AWAY,
                recorded_at=at(2100),
                recorded_by=_BY_DESK,
                message_id=ident("message change"),
                manifest=changed.manifest,
            ),
            2100,
            desk,
            DESK_APPOINTMENT,
        ),
        _Step(
            ReviewOpened.model_validate(
                review | {"number": 15, "change": PersonChange.MOVED_AWAY, "opened_at": at(2100)}
            ),
            2100,
            "system:consent",
        ),
        _Step(
            RequestAnswered.model_validate(
                review
                | {"number": 16, "statement_id": None, "answer": ReviewAnswer.NOTHING_TO_CHANGE}
                | {"answered_at": at(2200), "answered_by": _BY_CLINIC}
                | {"message_id": ident("message review"), "manifest": answered.manifest}
            ),
            2200,
            clinic,
            CLINIC_APPOINTMENT,
        ),
        _Step(
            GrantRenewalDue.model_validate(
                facts
                | wanted
                | {"number": 17, "request_id": ident("renewal"), "kind": RequestKind.RENEWAL, "categories": GRANTED}
                | {"statement_id": STATEMENT, "deadline": at(60 * 24 * 365), "noticed_at": at(60 * 24 * 335)}
            ),
            60 * 24 * 335,
            "timer",
        ),
    )
    previous = shelf.message("obligation.ended.v1", lambda: b"")
    for step in steps:
        version = step.data.number
        aggregate = f"record:{_RECORD}"
        previous = shelf.event(
            step.data, aggregate, version, step.minutes, step.actor, previous=previous, appointment=step.appointment
        )


def _messages(shelf: Shelf) -> tuple[AgencyMessage, AgencyMessage, AgencyMessage]:
    """What the desk asks, what the clinic answers to a review, and what the desk reports."""
    asked = AskPerson(
        id=ident("message ask"),
        source=f"agency/{DESK}",
        time=at(1000),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=PersonAsked(
            request_id=ident("request"),
            referral_id=REFERRAL,
            categories=(Category.HEALTH,),
            purposes=(Purpose.SERVICE,),
            recipients=(DESK,),
            deadline=at(2000),
        ),
    )
    answered = AnswerReview(
        id=ident("message review"),
        source=f"agency/{CLINIC}",
        time=at(2200),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=ReviewAnswered(request_id=ident("review"), answer=ReviewAnswer.NOTHING_TO_CHANGE),
    )
    changed = ReportChange(
        id=ident("message change"),
        source=f"agency/{DESK}",
        time=at(2100),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=ChangeReported(change_id=ident("change"), referral_id=REFERRAL, change=PersonChange.MOVED_AWAY),
    )
    return _kept(shelf, DESK, asked), _kept(shelf, CLINIC, answered), _kept(shelf, DESK, changed)


def _kept(shelf: Shelf, agency_id: str, manifest: AnyManifest) -> AgencyMessage:
    def make() -> bytes:
        return AgencyMessage(sign_manifest(manifest, shelf.keys.signing[agency_id])).to_bytes()

    return AgencyMessage.parse(shelf.message(manifest.TYPE, make))
