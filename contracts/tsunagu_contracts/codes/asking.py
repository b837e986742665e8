"""Codes of asking the person, and of what changes in their life."""

from enum import StrEnum


class RequestKind(StrEnum):
    """Why the person is to be asked: an agency wants it, a grant ends, a year has passed, something has changed."""

    ASKED = "asked"
    RENEWAL = "renewal"
    YEARLY_REVIEW = "yearly_review"
    CHANGE_REVIEW = "change_review"


class PersonChange(StrEnum):
    """What has changed in the person's life; the last one takes back a report made in error."""

    DIED = "died"
    MOVED_AWAY = "moved_away"
    LOST_CAPACITY = "lost_capacity"
    REGAINED_CAPACITY = "regained_capacity"
    ENTERED_IN_ERROR = "entered_in_error"


class ReviewAnswer(StrEnum):
    """How an agency ends a review without a new statement."""

    NOTHING_TO_CHANGE = "nothing_to_change"
    REFERRAL_ENDED = "referral_ended"
    REPRESENTATIVE_FOUND = "representative_found"
    NOT_REACHED = "not_reached"
