"""What the agencies of the story say, signed and sealed with the example keys, and what stands in the tokens."""

from dataclasses import dataclass
from datetime import timedelta

from tests.contracts.golden.shelf import (
    CLINIC,
    CLINIC_APPOINTMENT,
    CLINIC_WORKER,
    DESK,
    DESK_APPOINTMENT,
    DESK_WORKER,
    HANDLE,
    WARD,
    WARD_APPOINTMENT,
    WARD_WORKER,
    Shelf,
    at,
    ident,
)
from tsunagu_contracts.assertions import AUDIENCE, Assertion
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    DisasterAct,
    Language,
    ObligationEnd,
    Outcome,
    ProofSeen,
    Purpose,
    ReferralAct,
    RepresentationGround,
    ServiceFamily,
    StatementKind,
    StatementMethod,
    Urgency,
)
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.handles import HandleCertificate, certify, read_certificate
from tsunagu_contracts.manifests import (
    ActOnReferral,
    ActTaken,
    AnswerObligation,
    AnyManifest,
    CountersignStatement,
    DisasterSaid,
    ObligationAnswered,
    RecordRepresentative,
    RecordStatement,
    ReferralSubmission,
    RepresentativeNamed,
    SayDisaster,
    StatementHeard,
    StatementMade,
    SubmitReferral,
    ToAgency,
    sign_manifest,
    verify_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.notices import published
from tsunagu_contracts.sealing import (
    PersonReference,
    ReleasedKey,
    Sealed,
    open_capsule,
    open_person_ref,
    seal_person_ref,
    seal_sections,
)

REFERRAL = ident("referral")
DECLINED_REFERRAL = ident("declined referral")
STATEMENT = ident("statement")
CONTENTS = {
    Category.IDENTITY: "見本 花子（1950年1月1日生まれ）".encode(),
    Category.CONTACT: "千代田区富士見0-0-0、電話 03-0000-0000".encode(),
    Category.HEALTH: "膝を痛めて通院中。階段がつらい。".encode(),
    Category.NARRATIVE: "夫を亡くしてから外に出る日が減った。話し相手がほしい。".encode(),
}
GRANTED = (Category.IDENTITY, Category.CONTACT, Category.NARRATIVE)


@dataclass(frozen=True)
class Said:
    """The story's messages of agencies; the committed one of each type and the others that events carry."""

    submit: AgencyMessage
    submission: SubmitReferral
    accept: AgencyMessage
    statement: AgencyMessage
    guardian: AgencyMessage
    countersignature: AgencyMessage
    disaster: AgencyMessage
    answer: AgencyMessage


class _StoryIds:
    """Ids of sections, in the order in which they are sealed."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        """The next section's id."""
        self._count += 1
        return ident(f"section {self._count}")


def agencies_say(shelf: Shelf) -> Said:
    """Make or read the golden message of each manifest type."""
    submit = AgencyMessage.parse(shelf.message(SubmitReferral.TYPE, lambda: _submit(shelf).to_bytes()))
    accept = AgencyMessage.parse(
        shelf.message(ActOnReferral.TYPE, lambda: AgencyMessage(desk_acts(shelf, ReferralAct.ACCEPT, 3)).to_bytes())
    )
    statement = AgencyMessage.parse(
        shelf.message(RecordStatement.TYPE, lambda: AgencyMessage(_statement(shelf)).to_bytes())
    )
    guardian = AgencyMessage.parse(
        shelf.message(RecordRepresentative.TYPE, lambda: AgencyMessage(_guardian(shelf)).to_bytes())
    )
    countersignature = AgencyMessage.parse(
        shelf.message(CountersignStatement.TYPE, lambda: AgencyMessage(_countersignature(shelf)).to_bytes())
    )
    disaster = AgencyMessage.parse(shelf.message(SayDisaster.TYPE, lambda: AgencyMessage(_disaster(shelf)).to_bytes()))
    answer = AgencyMessage.parse(shelf.message(AnswerObligation.TYPE, lambda: AgencyMessage(_answer(shelf)).to_bytes()))
    submission = verify_manifest(submit.manifest, shelf.keys.of_signer(CLINIC), CLINIC)
    assert isinstance(submission, SubmitReferral)
    return Said(submit, submission, accept, statement, guardian, countersignature, disaster, answer)


def desk_acts(
    shelf: Shelf,
    act: ReferralAct,
    version: int,
    *,
    referral_id: str = REFERRAL,
    reason: DeclineReason | None = None,
    outcome: Outcome | None = None,
) -> str:
    """The manifest of an act of the desk's coordinator on a referral that it has seen at `version`."""
    manifest = ActOnReferral(
        id=ident(f"message {act.value}"),
        source=f"agency/{DESK}",
        time=at(100 + version),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        expectedversion=version,
        data=ActTaken(referral_id=referral_id, act=act, reason=reason, outcome=outcome),
    )
    return _signed(shelf, DESK, manifest)


def tokens_hold(shelf: Shelf, said: Said) -> None:
    """Make what stands inside the tokens of the story: of the golden submission, of a release, of a caller."""
    keys, submission = shelf.keys, said.submission
    shelf.message("token.handle", lambda: _certificate(shelf).model_dump_json().encode())
    shelf.message("token.capsule", lambda: open_capsule(submission.data.capsule, keys.encryption[HANDLE]).written())
    shelf.message("token.person_ref", lambda: _person_reference(shelf, submission).written())
    shelf.message("token.released_key", lambda: _released(shelf, submission).written())
    claims = Assertion(
        aud=AUDIENCE,
        iss=CLINIC,
        sub=f"system:{CLINIC}",
        iat=int(at(0).timestamp()),
        exp=int(at(2).timestamp()),
        jti=ident("assertion"),
    )
    shelf.message("token.assertion", lambda: claims.model_dump_json().encode())
    certificate = read_certificate(submission.data.handle, keys.signing["consent"].public)
    assert certificate == _certificate(shelf)


def _submit(shelf: Shelf) -> AgencyMessage:
    keys = shelf.keys
    sealed: Sealed = seal_sections(CLINIC, CONTENTS, keys.encryption[HANDLE].public, _StoryIds())
    manifest = SubmitReferral(
        id=ident("message submit"),
        source=f"agency/{CLINIC}",
        time=at(0),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=ReferralSubmission(
            referral_id=REFERRAL,
            to=ToAgency(agency=DESK),
            area=Area.FUJIMI,
            service_family=ServiceFamily.DAILY_LIFE,
            urgency=Urgency.ROUTINE,
            language=Language.JA,
            purpose=Purpose.ASSESSMENT,
            handle=certify(_certificate(shelf), keys.signing["consent"]),
            person_ref=seal_person_ref(CLINIC, "mihon-0001", keys.encryption["consent"].public),
            sections=sealed.sections,
            capsule=sealed.capsule,
        ),
    )
    return AgencyMessage(_signed(shelf, CLINIC, manifest), sealed.bodies)


def _statement(shelf: Shelf) -> str:
    manifest = RecordStatement(
        id=ident("message statement"),
        source=f"agency/{CLINIC}",
        time=at(30),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=StatementMade(
            statement_id=STATEMENT,
            referral_id=REFERRAL,
            kind=StatementKind.GRANT,
            categories=GRANTED,
            recipients=(DESK,),
            purposes=(Purpose.ASSESSMENT, Purpose.SERVICE),
            how=StatementMethod.WRITTEN,
            notice=published(Language.JA).shown,
            valid_from=at(25),
            valid_until=at(25) + timedelta(days=365),
            stated_at=at(25),
        ),
    )
    return _signed(shelf, CLINIC, manifest)


def _guardian(shelf: Shelf) -> str:
    manifest = RecordRepresentative(
        id=ident("message guardian"),
        source=f"agency/{CLINIC}",
        time=at(50),
        actor=f"coordinator:{CLINIC_WORKER}",
        appointment=CLINIC_APPOINTMENT,
        data=RepresentativeNamed(
            representative_id=ident("guardian"),
            referral_id=REFERRAL,
            ground=RepresentationGround.ADULT_GUARDIAN,
            proof=ProofSeen.REGISTRATION_CERTIFICATE,
            valid_from=at(0),
        ),
    )
    return _signed(shelf, CLINIC, manifest)


def _countersignature(shelf: Shelf) -> str:
    manifest = CountersignStatement(
        id=ident("message countersignature"),
        source=f"agency/{DESK}",
        time=at(55),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=StatementHeard(statement_id=STATEMENT, referral_id=REFERRAL),
    )
    return _signed(shelf, DESK, manifest)


def _disaster(shelf: Shelf) -> str:
    manifest = SayDisaster(
        id=ident("message disaster"),
        source=f"agency/{WARD}",
        time=at(60),
        actor=f"coordinator:{WARD_WORKER}",
        appointment=WARD_APPOINTMENT,
        data=DisasterSaid(disaster_id=ident("disaster"), act=DisasterAct.DECLARE, areas=(Area.FUJIMI,)),
    )
    return _signed(shelf, WARD, manifest)


def _answer(shelf: Shelf) -> str:
    manifest = AnswerObligation(
        id=ident("message answer"),
        source=f"agency/{DESK}",
        time=at(900),
        actor=f"coordinator:{DESK_WORKER}",
        appointment=DESK_APPOINTMENT,
        data=ObligationAnswered(obligation_id=ident("obligation"), end=ObligationEnd.DELETED),
    )
    return _signed(shelf, DESK, manifest)


def _certificate(shelf: Shelf) -> HandleCertificate:
    return HandleCertificate(
        handle_id=ident("handle"),
        agency_id=CLINIC,
        public_key=shelf.keys.encryption[HANDLE].public,
        expires_at=at(0) + timedelta(days=30),
    )


def _person_reference(shelf: Shelf, submission: SubmitReferral) -> PersonReference:
    reference = open_person_ref(submission.data.person_ref, shelf.keys.encryption["consent"], CLINIC)
    return PersonReference(sender=CLINIC, reference=reference)


def _released(shelf: Shelf, submission: SubmitReferral) -> ReleasedKey:
    first = open_capsule(submission.data.capsule, shelf.keys.encryption[HANDLE]).sections[0]
    return ReleasedKey(
        release_id=ident("release"),
        referral_id=REFERRAL,
        section_id=first.section_id,
        key=to_base64url(first.content_key),
    )


def _signed(shelf: Shelf, agency_id: str, manifest: AnyManifest) -> str:
    return sign_manifest(manifest, shelf.keys.signing[agency_id])
