from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.membership import Appointment, appointment_refusal
from tsunagu_contracts.codes import Area, Field, RefusalCode, Role

START = datetime(2026, 4, 1, tzinfo=UTC)
END = datetime(2027, 4, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)

APPOINTMENT = Appointment(
    appointment_id="ap-1",
    coordinator_id="c-1",
    agency_id="desk-a",
    role=Role.CSW,
    field=Field.COMMUNITY,
    areas=frozenset({Area.MANSEIBASHI}),
    valid_from=START,
    valid_until=END,
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (START - INSTANT, RefusalCode.APPOINTMENT_NOT_VALID),
        (START, None),
        (END - INSTANT, None),
        (END, RefusalCode.APPOINTMENT_NOT_VALID),
    ],
)
def test_an_appointment_holds_from_its_start_until_before_its_end(at: datetime, expected: RefusalCode | None) -> None:
    """The first moment belongs to it, the last does not."""
    assert appointment_refusal(APPOINTMENT, "c-1", "desk-a", at) is expected


def test_an_appointment_without_end_holds_on() -> None:
    """Without valid_until it does not run out."""
    endless = replace(APPOINTMENT, valid_until=None)
    assert appointment_refusal(endless, "c-1", "desk-a", END + timedelta(days=36500)) is None


def test_an_ended_appointment_stops_at_that_moment() -> None:
    """ended_at cuts an appointment short, and what was done before stays valid."""
    ended_at = START + timedelta(days=10)
    ended = replace(APPOINTMENT, ended_at=ended_at)
    assert appointment_refusal(ended, "c-1", "desk-a", ended_at - INSTANT) is None
    assert appointment_refusal(ended, "c-1", "desk-a", ended_at) is RefusalCode.APPOINTMENT_NOT_VALID


def test_ending_late_does_not_prolong() -> None:
    """ended_at after valid_until changes nothing."""
    ended = replace(APPOINTMENT, ended_at=END + timedelta(days=1))
    assert appointment_refusal(ended, "c-1", "desk-a", END) is RefusalCode.APPOINTMENT_NOT_VALID


@pytest.mark.parametrize(("coordinator", "agency"), [("c-2", "desk-a"), ("c-1", "clinic-a"), ("c-2", "clinic-a")])
def test_an_appointment_serves_its_coordinator_and_agency_only(coordinator: str, agency: str) -> None:
    """Another's appointment, or one at another agency, does not allow to act."""
    assert appointment_refusal(APPOINTMENT, coordinator, agency, START) is RefusalCode.APPOINTMENT_OF_ANOTHER


def test_without_an_appointment_nobody_acts() -> None:
    """An appointment that is not known is refused as such."""
    assert appointment_refusal(None, "c-1", "desk-a", START) is RefusalCode.APPOINTMENT_UNKNOWN


@given(start=moments, until=st.none() | moments, ended=st.none() | moments, at=moments)
def test_whoever_may_act_is_inside_every_bound(
    start: datetime, until: datetime | None, ended: datetime | None, at: datetime
) -> None:
    """Acting is allowed exactly at the moments that no bound excludes."""
    appointment = replace(APPOINTMENT, valid_from=start, valid_until=until, ended_at=ended)
    inside = start <= at and (until is None or at < until) and (ended is None or at < ended)
    assert (appointment_refusal(appointment, "c-1", "desk-a", at) is None) == inside
