"""What the other services say in the story: who may act, what the person said, who was told, who asked."""

from datetime import UTC, datetime

from tests.contracts.golden.messages import REFERRAL, STATEMENT, Said
from tests.contracts.golden.referral import coverage
from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    DESK,
    DESK_APPOINTMENT,
    DESK_WORKER,
    WARD,
    WARD_APPOINTMENT,
    WARD_WORKER,
    Shelf,
    at,
    ident,
)
from tsunagu_contracts.codes import (
    AgencyKind,
    Area,
    Category,
    DecisionReason,
    Field,
    ObligationCause,
    ObligationEnd,
    Purpose,
    RefusalCode,
    Role,
    ServiceFamily,
)
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.events.audit import QueryAnswered
from tsunagu_contracts.events.consent import (
    CoverageDecided,
    DisasterDeclared,
    DisasterLifted,
    ObligationEnded,
    ObligationIncurred,
    ObligationOverdue,
    RecordedBy,
    RecordOpened,
    RecordReferralLinked,
    ReleaseGranted,
    ReleaseRefused,
    RepresentativeRecorded,
    RequestRefused,
    StatementCountersigned,
    StatementRecorded,
)
from tsunagu_contracts.events.directory import AgencyRegistered, AppointmentEnded, AppointmentGranted, MandateGranted
from tsunagu_contracts.events.notify import NotificationAcknowledged, NotificationCreated
from tsunagu_contracts.manifests import RecordRepresentative, RecordStatement, verify_manifest

_RECORD = ident("record")
_NOTIFICATION = ident("notification")
_BEGIN = datetime(2025, 4, 1, tzinfo=UTC)
_END = datetime(2026, 4, 1, tzinfo=UTC)
_OPERATOR = "operator:op-chiyoda"


def directory_says(shelf: Shelf) -> None:
    """Make or read who belongs to the network and who may act."""
    keys = shelf.keys
    agency = AgencyRegistered(
        agency_id=DESK,
        kind=AgencyKind.AREA_DESK,
        areas=(Area.FUJIMI,),
        desk_for=(Area.FUJIMI,),
        service_families=(ServiceFamily.GENERAL_CONSULTATION, ServiceFamily.DAILY_LIFE),
        signing_key=keys.signing[DESK].public.jwk(),
        encryption_key=keys.encryption[DESK].public.jwk(),
    )
    shelf.event(agency, f"agency:{DESK}", 1, -600, "system:directory")
    granted = AppointmentGranted(
        appointment_id=DESK_APPOINTMENT,
        coordinator_id=DESK_WORKER,
        agency_id=DESK,
        role=Role.CSW,
        field=Field.COMMUNITY,
        areas=(Area.FUJIMI,),
        valid_from=_BEGIN,
        valid_until=None,
        granted_by=_OPERATOR,
    )
    aggregate = f"appointment:{DESK_APPOINTMENT}"
    first = shelf.event(granted, aggregate, 1, -600, _OPERATOR, cause=Cause(f"agency:{DESK}", 1))
    ended = AppointmentEnded(
        appointment_id=DESK_APPOINTMENT, coordinator_id=DESK_WORKER, agency_id=DESK, ended_at=at(60 * 24 * 90)
    )
    shelf.event(ended, aggregate, 2, 60 * 24 * 80, "system:directory", previous=first)
    mandate = MandateGranted(
        mandate_id="ma-0001",
        auditor_id="au-0001",
        agencies=(CLINIC, DESK),
        areas=(Area.FUJIMI,),
        valid_from=_BEGIN,
        valid_until=_END.replace(year=2027),
        reason="yearly_review",
        granted_by=_OPERATOR,
    )
    shelf.event(mandate, "mandate:ma-0001", 1, -600, _OPERATOR)


def consent_says(shelf: Shelf, said: Said) -> None:
    """Make or read the person's record: opened, linked, the person's word, one key given and one refused."""
    aggregate, submitted = f"record:{_RECORD}", Cause(f"referral:{REFERRAL}", 1)
    covered = CoverageDecided(referral_id=REFERRAL, addressee=DESK, sections=coverage(said, granted=False))
    shelf.event(covered, f"coverage:{REFERRAL}", 1, 1, "system:consent", cause=submitted)
    opened = shelf.event(RecordOpened(record_id=_RECORD), aggregate, 1, 1, "system:consent", cause=submitted)
    link = RecordReferralLinked(record_id=_RECORD, referral_id=REFERRAL)
    linked = shelf.event(link, aggregate, 2, 1, "system:consent", previous=opened, cause=submitted)
    recorded = shelf.event(
        _recorded(shelf, said),
        aggregate,
        3,
        30,
        f"coordinator:{CLINIC_WORKER}",
        previous=linked,
        appointment=CLINIC_APPOINTMENT,
    )
    by_desk = f"coordinator:{DESK_WORKER}"
    release = shelf.event(_granted(said), aggregate, 4, 40, by_desk, previous=recorded, appointment=DESK_APPOINTMENT)
    refused = shelf.event(_refused(said), aggregate, 5, 41, by_desk, previous=release, appointment=DESK_APPOINTMENT)
    by_clinic = f"coordinator:{CLINIC_WORKER}"
    guardian = shelf.event(
        _guardian(shelf, said), aggregate, 6, 50, by_clinic, previous=refused, appointment=CLINIC_APPOINTMENT
    )
    signed = shelf.event(
        _countersigned(said), aggregate, 7, 55, by_desk, previous=guardian, appointment=DESK_APPOINTMENT
    )
    _obligation_comes_and_goes(shelf, said, signed)
    tried = _tried(said)
    shelf.event(tried, f"refusal:{tried.refusal_id}", 1, 56, f"coordinator:{CLINIC_WORKER}")
    _disaster_comes_and_goes(shelf, said)


def _obligation_comes_and_goes(shelf: Shelf, said: Said, previous: bytes) -> None:
    aggregate, section = f"record:{_RECORD}", said.submission.data.sections[0]
    incurred = ObligationIncurred(
        record_id=_RECORD,
        number=8,
        obligation_id=ident("obligation"),
        agency_id=DESK,
        referral_id=REFERRAL,
        section_id=section.section_id,
        category=section.category,
        cause=ObligationCause.WITHDRAWN,
        incurred_at=at(700),
        due_at=at(800),
    )
    first = shelf.event(incurred, aggregate, 8, 700, "system:consent", previous=previous)
    overdue = ObligationOverdue(
        record_id=_RECORD,
        number=9,
        obligation_id=ident("obligation"),
        agency_id=DESK,
        due_at=at(800),
        noticed_at=at(800),
    )
    second = shelf.event(overdue, aggregate, 9, 800, "timer", previous=first)
    ended = ObligationEnded(
        record_id=_RECORD,
        number=10,
        obligation_id=ident("obligation"),
        agency_id=DESK,
        end=ObligationEnd.DELETED,
        kept_under=None,
        ended_at=at(900),
        answered_by=RecordedBy(agency_id=DESK, coordinator_id=DESK_WORKER, appointment_id=DESK_APPOINTMENT),
        message_id=ident("message answer"),
        manifest=said.answer.manifest,
    )
    by_desk = f"coordinator:{DESK_WORKER}"
    shelf.event(ended, aggregate, 10, 900, by_desk, previous=second, appointment=DESK_APPOINTMENT)


def _disaster_comes_and_goes(shelf: Shelf, said: Said) -> None:
    facts = {
        "disaster_id": ident("disaster"),
        "areas": (Area.FUJIMI,),
        "said_by": RecordedBy(agency_id=WARD, coordinator_id=WARD_WORKER, appointment_id=WARD_APPOINTMENT),
        "message_id": ident("message disaster"),
        "manifest": said.disaster.manifest,
    }
    aggregate, by_ward = f"disaster:{ident('disaster')}", f"coordinator:{WARD_WORKER}"
    declared = DisasterDeclared.model_validate(facts | {"declared_at": at(60)})
    first = shelf.event(declared, aggregate, 1, 60, by_ward, appointment=WARD_APPOINTMENT)
    lifted = DisasterLifted.model_validate(facts | {"lifted_at": at(600)})
    shelf.event(lifted, aggregate, 2, 600, by_ward, previous=first, appointment=WARD_APPOINTMENT)


def notify_and_audit_say(shelf: Shelf) -> None:
    """Make or read who was told and who asked."""
    created = NotificationCreated(
        notification_id=_NOTIFICATION,
        coordinator_id=DESK_WORKER,
        agency_id=DESK,
        referral_id=REFERRAL,
        referral_version=3,
        message="referral_waits",
        parameters={"referral_id": REFERRAL, "area": Area.FUJIMI.value, "urgency": "routine"},
    )
    aggregate = f"notification:{_NOTIFICATION}"
    first = shelf.event(created, aggregate, 1, 31, "system:notify", cause=Cause(f"referral:{REFERRAL}", 3))
    seen = NotificationAcknowledged(notification_id=_NOTIFICATION, coordinator_id=DESK_WORKER)
    by_desk = f"coordinator:{DESK_WORKER}"
    shelf.event(seen, aggregate, 2, 35, by_desk, previous=first, appointment=DESK_APPOINTMENT)
    answered = QueryAnswered(
        query_id=ident("query"),
        auditor_id="au-0001",
        mandate_id="ma-0001",
        query="accesses",
        parameters={"referral_id": REFERRAL},
        rows=2,
    )
    shelf.event(answered, f"query:{ident('query')}", 1, 60 * 24, "auditor:au-0001")


def _recorded(shelf: Shelf, said: Said) -> StatementRecorded:
    manifest = verify_manifest(said.statement.manifest, shelf.keys.of_signer(CLINIC), CLINIC)
    assert isinstance(manifest, RecordStatement)
    made = manifest.data
    return StatementRecorded(
        record_id=_RECORD,
        number=3,
        statement_id=made.statement_id,
        referral_id=made.referral_id,
        kind=made.kind,
        categories=made.categories,
        recipients=made.recipients,
        purposes=made.purposes,
        how=made.how,
        valid_from=made.valid_from,
        valid_until=made.valid_until,
        stated_at=made.stated_at,
        recorded_at=at(30),
        recorded_by=RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT),
        message_id=manifest.id,
        manifest=said.statement.manifest,
    )


def _guardian(shelf: Shelf, said: Said) -> RepresentativeRecorded:
    manifest = verify_manifest(said.guardian.manifest, shelf.keys.of_signer(CLINIC), CLINIC)
    assert isinstance(manifest, RecordRepresentative)
    named = manifest.data
    return RepresentativeRecorded(
        record_id=_RECORD,
        number=6,
        representative_id=named.representative_id,
        referral_id=named.referral_id,
        ground=named.ground,
        proof=named.proof,
        categories=named.categories,
        purposes=named.purposes,
        valid_from=named.valid_from,
        valid_until=named.valid_until,
        recorded_at=at(50),
        recorded_by=RecordedBy(agency_id=CLINIC, coordinator_id=CLINIC_WORKER, appointment_id=CLINIC_APPOINTMENT),
        message_id=manifest.id,
        manifest=said.guardian.manifest,
    )


def _countersigned(said: Said) -> StatementCountersigned:
    return StatementCountersigned(
        record_id=_RECORD,
        number=7,
        statement_id=STATEMENT,
        referral_id=REFERRAL,
        recorded_at=at(55),
        recorded_by=RecordedBy(agency_id=DESK, coordinator_id=DESK_WORKER, appointment_id=DESK_APPOINTMENT),
        message_id=ident("message countersignature"),
        manifest=said.countersignature.manifest,
    )


def _granted(said: Said) -> ReleaseGranted:
    section = said.submission.data.sections[0]
    return ReleaseGranted(
        record_id=_RECORD,
        number=4,
        release_id=ident("release"),
        referral_id=REFERRAL,
        section_id=section.section_id,
        category=section.category,
        purpose=Purpose.ASSESSMENT,
        recipient=DESK,
        coordinator_id=DESK_WORKER,
        appointment_id=DESK_APPOINTMENT,
        statement_id=STATEMENT,
        statement_number=3,
        decided_at=at(40),
    )


def _tried(said: Said) -> RequestRefused:
    return RequestRefused(
        refusal_id=ident("refused request"),
        agency_id=CLINIC,
        coordinator_id=CLINIC_WORKER,
        message_id=ident("refused message"),
        kind="agency.statement.record.v1",
        digest=digest(said.statement.manifest),
        code=RefusalCode.STATED_IN_FUTURE,
        refused_at=at(56),
    )


def _refused(said: Said) -> ReleaseRefused:
    section = next(one for one in said.submission.data.sections if one.category is Category.HEALTH)
    return ReleaseRefused(
        record_id=_RECORD,
        number=5,
        release_id=ident("refused release"),
        referral_id=REFERRAL,
        section_id=section.section_id,
        category=section.category,
        recipient=DESK,
        coordinator_id=DESK_WORKER,
        appointment_id=DESK_APPOINTMENT,
        reason=DecisionReason.NO_STATEMENT,
        decided_at=at(41),
    )
