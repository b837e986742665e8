"""Codes of a referral's life."""

from enum import StrEnum


class ReferralState(StrEnum):
    """The states of a referral."""

    SUBMITTED = "submitted"
    AWAITING_CONSENT = "awaiting_consent"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    VISIT_SCHEDULED = "visit_scheduled"
    VISIT_MISSED = "visit_missed"
    VISIT_CANCELLED = "visit_cancelled"
    IN_PROGRESS = "in_progress"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLED = "cancelled"
    HALTED = "halted"
    COMPLETED = "completed"
    EXPIRED = "expired"
    ENTERED_IN_ERROR = "entered_in_error"


class ReferralAct(StrEnum):
    """What an agency can do to a referral by a signed message."""

    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    COMPLETE = "complete"


class DeclineReason(StrEnum):
    """Why a recipient declines."""

    NO_CAPACITY = "no_capacity"
    NOT_ELIGIBLE = "not_eligible"
    OUT_OF_AREA = "out_of_area"
    COULD_NOT_REACH = "could_not_reach"
    NO_LONGER_WANTED = "no_longer_wanted"
    CONFLICT_OF_INTEREST = "conflict_of_interest"


class Outcome(StrEnum):
    """How a completed referral ended for the person."""

    HELPED_IN_FULL = "helped_in_full"
    HELPED_IN_PART = "helped_in_part"
    NO_LONGER_WANTED = "no_longer_wanted"
    COULD_NOT_REACH = "could_not_reach"
    FURTHER_ASSESSMENT_NEEDED = "further_assessment_needed"
