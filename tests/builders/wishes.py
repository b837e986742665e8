"""What agencies say to consent of disclosures that they have made and of what persons ask of them."""

from tests.builders.agency_messages import IDS, SendingAgency
from tests.builders.consent_bench import Bench, Sent
from tsunagu_contracts.codes import (
    CaseEnd,
    CaseKind,
    CaseRefusal,
    CaseWay,
    Category,
    DisclosureGround,
    DisclosureWay,
    OutsideBody,
)
from tsunagu_contracts.manifests import (
    AnswerCase,
    DisclosureMade,
    OpenCase,
    PartAnswered,
    RecordDisclosure,
    RequestMade,
)


def disclosure(by: SendingAgency, bench: Bench, sent: Sent, **changes: object) -> RecordDisclosure:
    """What an agency says of having called the fire department just now."""
    made = {
        "disclosure_id": IDS.new(),
        "referral_id": sent.id,
        "ground": DisclosureGround.PROTECTION_OF_LIFE_27_1_2,
        "way": DisclosureWay.TELEPHONE,
        "to_body": OutsideBody.FIRE_DEPARTMENT,
        "categories": (Category.IDENTITY, Category.CONTACT),
        "disclosed_at": bench.clock.now(),
    }
    return RecordDisclosure(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=bench.clock.now(),
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=DisclosureMade.model_validate(made | changes),
    )


def opening(by: SendingAgency, bench: Bench, sent: Sent, **changes: object) -> OpenCase:
    """What an agency says of a request that has just reached it."""
    made = {
        "case_id": IDS.new(),
        "referral_id": sent.id,
        "kind": CaseKind.ACCESS,
        "how": CaseWay.WRITTEN,
        "received_at": bench.clock.now(),
    }
    return OpenCase(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=bench.clock.now(),
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=RequestMade.model_validate(made | changes),
    )


def answering(
    by: SendingAgency, part_id: str, end: CaseEnd = CaseEnd.PROVIDED, under: CaseRefusal | None = None
) -> AnswerCase:
    """What an agency answers for its part; always of the same message id for one of them."""
    return AnswerCase(
        id=f"answer-{part_id}",
        source=f"agency/{by.id}",
        time="2026-04-01T09:00:00Z",
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=PartAnswered(part_id=part_id, end=end, refused_under=under),
    )
