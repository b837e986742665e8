"""What events mean for auditors' questions."""

from services.audit.domain.readings import About, AccessOutcome, about, access_of, referral_of
from services.eventing.records import Item
from tests.builders.agency_messages import NOW
from tests.builders.said import Course, Saying
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Event


def event_of(item: Item) -> Event:
    """The event of an item."""
    assert item.event is not None
    return item.event


def test_a_granted_release_tells_who_opened_what_under_which_statement() -> None:
    """Agency, coordinator, appointment, statement, numbers and time are all there."""
    access = access_of(event_of(Course(Saying()).opened("rec-1", 7)).data)
    assert access is not None
    assert (access.outcome, access.agency_id, access.coordinator_id, access.appointment_id) == (
        AccessOutcome.GRANTED,
        "chiyoda-desk-fujimi",
        "c-0002",
        "ap-c-0002",
    )
    assert (access.category, access.statement_id, access.statement_number, access.number) == (
        "contact",
        "statement-1",
        1,
        7,
    )
    assert (access.reason, access.decided_at) == (None, NOW)


def test_a_refused_release_tells_why() -> None:
    """The reason is kept as a code, whichever vocabulary it is of."""
    access = access_of(event_of(Course(Saying()).refused(reason=RefusalCode.APPOINTMENT_NOT_VALID)).data)
    assert access is not None
    assert (access.outcome, access.reason, access.statement_id) == (
        AccessOutcome.REFUSED,
        "appointment_not_valid",
        None,
    )


def test_other_events_tell_of_no_access_and_only_referrals_have_a_place() -> None:
    """An appointment is neither an access nor a referral."""
    appointed = event_of(Saying().appointed("c-0002", "chiyoda-desk-fujimi"))
    assert access_of(appointed.data) is None
    assert referral_of(appointed) is None
    reading = referral_of(event_of(Course(Saying()).submitted()))
    assert reading is not None
    assert (reading.sender, reading.addressee, reading.area, reading.version) == (
        "chiyoda-clinic-a",
        "chiyoda-desk-fujimi",
        "chiyoda.fujimi",
        1,
    )


def test_an_event_is_about_the_ids_that_can_bound_it() -> None:
    """A release is about the agency that asked; a mandate is about its auditor."""
    course, saying = Course(Saying()), Saying()
    assert about(event_of(course.opened("rec-1", 1)).data) == About(course.referral_id, "chiyoda-desk-fujimi", None)
    mandated = saying.mandated("au-0001", ("chiyoda-desk-fujimi",))
    assert about(event_of(mandated).data) == About(None, None, "au-0001")
