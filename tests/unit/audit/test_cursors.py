"""Cursors of auditors' answers."""

import base64

import pytest

from services.audit import cursors
from services.audit.storage.questions import AccessPlace, EventPlace
from tests.builders.agency_messages import NOW
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


def test_a_cursor_comes_back_as_the_place_it_was_made_of() -> None:
    """What a page ends with is where the next one begins."""
    access, event = AccessPlace(NOW, "release-1"), EventPlace(3, 5, 7)
    assert cursors.access_place(cursors.of_access(access)) == access
    assert cursors.event_place(cursors.of_event(event)) == event
    assert cursors.access_place(None) is None


@pytest.mark.parametrize(
    "place",
    [
        "",
        "null",
        "[]",
        '["yesterday","r"]',
        '["2026-04-01T09:00:00","r"]',
        '["2026-04-01T09:00:00Z","\\u0000"]',
        "[1,2]",
    ],
)
def test_what_is_no_place_is_refused(place: str) -> None:
    """A cursor that was not given out is refused with a code."""
    cursor = base64.urlsafe_b64encode(place.encode()).decode()
    for read in (cursors.access_place, cursors.event_place):
        with pytest.raises(Refusal) as caught:
            read(cursor)
        assert caught.value.code is RefusalCode.INVALID_CONTENT


def test_what_is_no_base64_is_refused() -> None:
    """Neither letters beyond ASCII nor broken padding pass."""
    for cursor in ("つなぐ", "abc"):
        with pytest.raises(Refusal):
            cursors.event_place(cursor)
