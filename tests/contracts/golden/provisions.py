"""What the story's agencies record of openings, of disclosures outside and of the person's own request."""

from tests.contracts.golden.messages import GRANTED, REFERRAL, STATEMENT, Said
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
from tsunagu_contracts.codes import (
    CaseEnd,
    CaseKind,
    CaseWay,
    Category,
    DisclosureGround,
    DisclosureWay,
    OutsideBody,
    ProvisionSide,
    Purpose,
)
from tsunagu_contracts.events.audit import ProvisionReported
from tsunagu_contracts.events.consent import (
    CaseAnswered,
    CaseAsked,
    CaseClosed,
    CaseOpened,
    CaseOverdue,
    DisclosureRecorded,
    RecordedBy,
)
from tsunagu_contracts.manifests import (
    AnswerCase,
    AnyManifest,
    DisclosureMade,
    OpenCase,
    PartAnswered,
    ProvisionsRecorded,
    RecordDisclosure,
    RecordKept,
    ReportProvisions,
    RequestMade,
    sign_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.provisions import AgreedFacts

_RECORD = ident("another record")
_AGGREGATE = f"record:{_RECORD}"
_BY_CLINIC = RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT)
_BY_DESK = RecordedBy(agency_id=DESK, coordinator_id=DESK_WORKER, appointment_id=DESK_APPOINTMENT)


def books_and_requests_say(shelf: Shelf, said: Said) -> None:
    """Make or read the messages of these subjects, and what `consent` and `audit` say because of them."""
    disclosure, opening, answer, report = (
        _said(shelf, manifest) for manifest in (_disclosure(), _opening(), _answer(), _report(said))
    )
    _case_comes_and_goes(shelf, opening, answer, _disclosed(shelf, disclosure))
    reported = ProvisionReported(
        report_id=ident("report"),
        agency_id=CLINIC,
        side=ProvisionSide.PROVIDED,
        records=1,
        reported_at=at(1500),
        message_id=ident("message report"),
        manifest=report,
    )
    actor = f"coordinator:{CLINIC_WORKER}"
    shelf.event(reported, f"provisions:{ident('report')}", 1, 1500, actor, appointment=CLINIC_APPOINTMENT)


def _said(shelf: Shelf, manifest: AnyManifest) -> str:
    """The token of the golden message of this type."""
    key = shelf.keys.signing[manifest.agency_id]
    raw = shelf.message(manifest.TYPE, lambda: AgencyMessage(sign_manifest(manifest, key)).to_bytes())
    return AgencyMessage.parse(raw).manifest


def _disclosure() -> RecordDisclosure:
    return RecordDisclosure(
        id=ident("message disclosure"),
        source=f"agency/{DESK}",
        time=at(1000),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=DisclosureMade(
            disclosure_id=ident("disclosure"),
            referral_id=REFERRAL,
            ground=DisclosureGround.PROTECTION_OF_LIFE_27_1_2,
            way=DisclosureWay.TELEPHONE,
            to_body=OutsideBody.FIRE_DEPARTMENT,
            categories=(Category.IDENTITY, Category.CONTACT),
            disclosed_at=at(990),
        ),
    )


def _opening() -> OpenCase:
    return OpenCase(
        id=ident("message case"),
        source=f"agency/{CLINIC}",
        time=at(1100),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=RequestMade(
            case_id=ident("case"),
            referral_id=REFERRAL,
            kind=CaseKind.ACCESS,
            how=CaseWay.WRITTEN,
            received_at=at(1090),
        ),
    )


def _answer() -> AnswerCase:
    return AnswerCase(
        id=ident("message part"),
        source=f"agency/{DESK}",
        time=at(1300),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=PartAnswered(part_id=ident("part"), end=CaseEnd.PROVIDED),
    )


def _report(said: Said) -> ReportProvisions:
    section = next(one for one in said.submission.data.sections if one.category in GRANTED)
    facts = AgreedFacts(
        ident("release"), REFERRAL, section.section_id, section.category, Purpose.ASSESSMENT, DESK, STATEMENT, at(40)
    )
    return ReportProvisions(
        id=ident("message report"),
        source=f"agency/{CLINIC}",
        time=at(1500),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=ProvisionsRecorded(
            side=ProvisionSide.PROVIDED, records=(RecordKept(release_id=facts.release_id, digest=facts.digest),)
        ),
    )


def _disclosed(shelf: Shelf, manifest: str) -> bytes:
    made = _disclosure().data
    recorded = DisclosureRecorded(
        record_id=_RECORD,
        number=1,
        recorded_at=at(1000),
        recorded_by=_BY_DESK,
        message_id=ident("message disclosure"),
        manifest=manifest,
        **dict(made),
    )
    actor = f"coordinator:{DESK_WORKER}"
    return shelf.event(recorded, _AGGREGATE, 1, 1000, actor, appointment=DESK_APPOINTMENT)


def _case_comes_and_goes(shelf: Shelf, opening: str, answer: str, previous: bytes) -> None:
    opened = CaseOpened(
        record_id=_RECORD,
        number=2,
        case_id=ident("case"),
        referral_id=REFERRAL,
        kind=CaseKind.ACCESS,
        how=CaseWay.WRITTEN,
        representative_id=None,
        received_at=at(1090),
        opened_at=at(1100),
        due_at=at(1200),
        opened_by=_BY_CLINIC,
        message_id=ident("message case"),
        manifest=opening,
    )
    by_clinic, by_desk = f"coordinator:{CLINIC_WORKER}", f"coordinator:{DESK_WORKER}"
    first = shelf.event(opened, _AGGREGATE, 2, 1100, by_clinic, previous=previous, appointment=CLINIC_APPOINTMENT)
    part = {
        "record_id": _RECORD,
        "case_id": ident("case"),
        "part_id": ident("part"),
        "agency_id": DESK,
        "referral_id": REFERRAL,
    }
    asked = CaseAsked.model_validate(part | {"number": 3, "due_at": at(1200)})
    second = shelf.event(asked, _AGGREGATE, 3, 1100, "system:consent", previous=first)
    late = CaseOverdue.model_validate(part | {"number": 4, "due_at": at(1200), "noticed_at": at(1200)})
    third = shelf.event(late, _AGGREGATE, 4, 1200, "timer", previous=second)
    answered = CaseAnswered.model_validate(
        part
        | {
            "number": 5,
            "end": CaseEnd.PROVIDED,
            "refused_under": None,
            "answered_at": at(1300),
            "answered_by": _BY_DESK,
            "message_id": ident("message part"),
            "manifest": answer,
        }
    )
    fourth = shelf.event(answered, _AGGREGATE, 5, 1300, by_desk, previous=third, appointment=DESK_APPOINTMENT)
    closed = CaseClosed(record_id=_RECORD, number=6, case_id=ident("case"), referral_id=REFERRAL, closed_at=at(1300))
    shelf.event(closed, _AGGREGATE, 6, 1300, "system:consent", previous=fourth)
