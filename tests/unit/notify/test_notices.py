"""Who is told what: the table and the rules that read it."""

from datetime import timedelta

import pytest

from services.eventing.records import Item
from services.notify.domain import (
    RULES,
    Audience,
    Duty,
    Happening,
    Message,
    Notice,
    Standing,
    delivery,
    happening,
    notices,
    standing_after,
)
from tests.builders.agency_messages import NOW
from tests.builders.said import Course, Saying
from tsunagu_contracts.events import EVENTS_BY_PRODUCER
from tsunagu_contracts.events.referral import ReferralDelivered, ReferralFacts

CLINIC, DESK = "chiyoda-clinic-a", "chiyoda-desk-fujimi"
SENDER = Duty(CLINIC, "c-0001", NOW - timedelta(days=1), None)
COLLEAGUE = Duty(CLINIC, "c-0009", NOW - timedelta(days=1), None)
AT_DESK = Duty(DESK, "c-0002", NOW - timedelta(days=1), None)
ALSO_AT_DESK = Duty(DESK, "c-0003", NOW - timedelta(days=1), None)
EVERYONE = (SENDER, COLLEAGUE, AT_DESK, ALSO_AT_DESK)


def after(*items: Item) -> Standing:
    """Where a referral stands after these events."""
    standing: Standing | None = None
    for item in items:
        assert item.event is not None
        assert isinstance(item.event.data, ReferralFacts)
        standing = standing_after(standing, item.event, item.event.data)
    assert standing is not None
    return standing


def told(*items: Item, duties: tuple[Duty, ...] = EVERYONE) -> list[tuple[str, Message]]:
    """Who is told what of the last of these events."""
    event = items[-1].event
    assert event is not None
    assert isinstance(event.data, ReferralFacts)
    found = happening(event, event.data, after(*items))
    return [(notice.coordinator_id, notice.message) for notice in notices(found, duties)] if found else []


def test_everyone_on_duty_at_the_addressee_is_told_that_a_referral_waits() -> None:
    """A delivery is told to all at the desk and to nobody at the clinic."""
    course = Course(Saying())
    assert told(course.submitted(), course.delivered()) == [
        ("c-0002", Message.REFERRAL_WAITS),
        ("c-0003", Message.REFERRAL_WAITS),
    ]


def test_a_notice_holds_codes_and_ids_and_nothing_else() -> None:
    """What a notice carries is the referral's id, its area and its urgency."""
    course = Course(Saying())
    happened = delivery(after(course.submitted(), course.delivered()))
    assert happened is not None
    assert notices(happened, [AT_DESK]) == [
        Notice(course.referral_id, 2, "c-0002", DESK, Message.REFERRAL_WAITS, "chiyoda.fujimi", "urgent")
    ]


def test_the_senders_coordinator_is_told_what_becomes_of_the_referral() -> None:
    """Asking for consent, acceptance, decline, completion and halt go to the one who sent it."""
    for course, last, message in (
        (c := Course(Saying()), c.awaiting_consent, Message.CONSENT_TO_ASK),
        (c := Course(Saying()), c.declined, Message.REFERRAL_DECLINED),
        (c := Course(Saying()), c.halted, Message.REFERRAL_HALTED),
    ):
        assert told(course.submitted(), last()) == [("c-0001", message)]


def test_the_senders_coordinator_is_remembered_after_acceptance() -> None:
    """Once the recipient's lead is accountable, the sender's coordinator is still the one told."""
    course = Course(Saying())
    events = [course.submitted(), course.delivered(), course.accepted("c-0002")]
    assert told(*events) == [("c-0001", Message.REFERRAL_ACCEPTED)]
    assert told(*events, course.completed()) == [("c-0001", Message.REFERRAL_COMPLETED)]


def test_when_the_senders_coordinator_has_left_all_on_duty_there_are_told() -> None:
    """No answer goes unheard because one person is gone."""
    course = Course(Saying())
    left = Duty(CLINIC, "c-0001", NOW - timedelta(days=9), NOW)
    assert told(course.submitted(), course.declined(), duties=(left, COLLEAGUE)) == [
        ("c-0009", Message.REFERRAL_DECLINED)
    ]


@pytest.mark.parametrize(
    ("duty", "expected"),
    [
        (Duty(DESK, "c-0002", NOW, None), 1),
        (Duty(DESK, "c-0002", NOW + timedelta(seconds=1), None), 0),
        (Duty(DESK, "c-0002", NOW - timedelta(days=1), NOW), 0),
        (Duty(DESK, "c-0002", NOW - timedelta(days=1), NOW + timedelta(seconds=1)), 1),
    ],
)
def test_duty_includes_its_first_moment_and_not_its_last(duty: Duty, expected: int) -> None:
    """Only an appointment that holds when the event happened counts."""
    course = Course(Saying())
    assert len(told(course.submitted(), course.delivered(), duties=(duty,))) == expected


def test_two_appointments_at_one_agency_make_one_notice() -> None:
    """A coordinator with two roles is told once."""
    course = Course(Saying())
    assert len(told(course.submitted(), course.delivered(), duties=(AT_DESK, AT_DESK))) == 1


def test_a_submission_is_told_to_nobody() -> None:
    """What needs nobody's attention makes no notice, and a referral not delivered has no delivery."""
    course = Course(Saying())
    submitted = course.submitted()
    assert told(submitted) == []
    assert delivery(after(submitted)) is None


def test_the_table_names_only_events_that_referral_says() -> None:
    """Every row of the table is for an event of a referral, and only a delivery goes to the addressee."""
    assert set(RULES) <= set(EVENTS_BY_PRODUCER["referral"])
    assert [event for event, rule in RULES.items() if rule.audience is Audience.ON_DUTY_AT_ADDRESSEE] == [
        ReferralDelivered
    ]


def test_a_happening_is_told_at_the_agency_it_concerns() -> None:
    """The audience decides whose people are looked up."""
    course = Course(Saying())
    standing = after(course.submitted(), course.delivered())
    for rule in RULES.values():
        expected = DESK if rule.audience is Audience.ON_DUTY_AT_ADDRESSEE else CLINIC
        assert Happening(standing, 2, NOW, rule).told_agency == expected
