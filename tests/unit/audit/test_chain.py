"""Whether events follow one another."""

from services.audit.domain.chain import FindingKind, Link, breaks

FIRST = Link("referral:r", 1, "one", None)
SECOND = Link("referral:r", 2, "two", "one")
THIRD = Link("referral:r", 3, "three", "two")


def test_events_that_follow_one_another_are_in_order() -> None:
    """A whole chain in one batch has no findings."""
    assert breaks([FIRST, SECOND, THIRD], {}) == [None, None, None]


def test_an_event_follows_what_was_kept_before() -> None:
    """The predecessor may have come in an earlier batch."""
    assert breaks([THIRD], {("referral:r", 2): frozenset({"two"})}) == [None]


def test_the_same_event_again_is_in_order() -> None:
    """A republished event is no finding, in the same batch or later."""
    assert breaks([FIRST, FIRST], {}) == [None, None]
    assert breaks([FIRST], {("referral:r", 1): frozenset({"one"})}) == [None]


def test_a_missing_version_is_a_gap() -> None:
    """An event whose predecessor never came is found."""
    assert breaks([FIRST, THIRD], {}) == [None, FindingKind.VERSION_GAP]


def test_an_event_that_names_another_predecessor_is_found() -> None:
    """The digest of the event before must be the one that is named."""
    forged = Link("referral:r", 2, "two", "other")
    assert breaks([FIRST, forged], {}) == [None, FindingKind.PREVIOUS_MISMATCH]


def test_a_first_event_has_no_predecessor() -> None:
    """Version 1 that names one is found."""
    assert breaks([Link("referral:r", 1, "one", "zero")], {}) == [FindingKind.PREVIOUS_MISMATCH]


def test_a_version_said_anew_with_other_bytes_is_found() -> None:
    """The past cannot be rewritten unseen."""
    assert breaks([FIRST, SECOND, Link("referral:r", 1, "uno", None)], {}) == [
        None,
        None,
        FindingKind.VERSION_REWRITTEN,
    ]


def test_aggregates_do_not_mix() -> None:
    """Each chain is checked by itself, against its own neighbours."""
    other = Link("referral:s", 2, "two", "one")
    assert breaks([FIRST, other], {}) == [None, FindingKind.VERSION_GAP]
    assert breaks([other], {("referral:r", 1): frozenset({"one"})}) == [FindingKind.VERSION_GAP]
