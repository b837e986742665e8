"""Codes of the person's word and of what follows from it."""

from enum import StrEnum


class StatementKind(StrEnum):
    """What the person's recorded word says."""

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"


class RepresentationGround(StrEnum):
    """By what somebody speaks in the person's stead (民法; 任意後見契約に関する法律; 個人情報保護法施行令13条)."""

    ADULT_GUARDIAN = "adult_guardian"
    CURATOR = "curator"
    ASSISTANT = "assistant"
    VOLUNTARY_GUARDIAN = "voluntary_guardian"
    PARENT = "parent"
    MINOR_GUARDIAN = "minor_guardian"
    PROXY = "proxy"


class ProofSeen(StrEnum):
    """The document by which an agency satisfied itself that somebody may speak in the person's stead."""

    REGISTRATION_CERTIFICATE = "registration_certificate"
    FAMILY_REGISTER = "family_register"
    LETTER_OF_ATTORNEY = "letter_of_attorney"
    COURT_DECISION = "court_decision"


class OverrideGround(StrEnum):
    """On what a representative may overrule the person's own refusal (個人情報保護法27条1項 1号から3号, a court)."""

    BY_LAW = "by_law"
    PROTECTION_OF_LIFE = "protection_of_life"
    CHILD_WELFARE = "child_welfare"
    COURT_DECISION = "court_decision"


class StatementMethod(StrEnum):
    """How the person said it."""

    WRITTEN = "written"
    SPOKEN = "spoken"
    ONLINE = "online"


class JoinMethod(StrEnum):
    """By what two records were joined as those of one person: their card, or their word and how they said it."""

    CARD = "card"
    WRITTEN = "written"
    SPOKEN = "spoken"
    ONLINE = "online"


class UnjoinReason(StrEnum):
    """Why a join is undone."""

    DIFFERENT_PERSONS = "different_persons"
    CARD_OF_ANOTHER = "card_of_another"
    PERSON_ASKS = "person_asks"


class DisasterAct(StrEnum):
    """What is said of a disaster (災害対策基本法)."""

    DECLARE = "declare"
    LIFT = "lift"


class ObligationCause(StrEnum):
    """Why an agency may no longer hold what it has opened."""

    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    JOINED_BY_MISTAKE = "joined_by_mistake"
    ERASED = "erased"


class ObligationEnd(StrEnum):
    """How an obligation ends: deleted, kept because a law says so, or lifted because the person agrees again."""

    DELETED = "deleted"
    KEPT_BY_LAW = "kept_by_law"
    LIFTED = "lifted"


class HoldingState(StrEnum):
    """How what an agency has opened stands: held rightly, to be answered for, kept because a law says so, deleted."""

    HELD = "held"
    OWED = "owed"
    KEPT_BY_LAW = "kept_by_law"
    DELETED = "deleted"


class KeptUnder(StrEnum):
    """The provision under which an agency must keep what it would else delete."""

    MEDICAL_PRACTITIONERS_ACT_24 = "medical_practitioners_act_24"
    INSURED_MEDICAL_CARE_RULES_9 = "insured_medical_care_rules_9"
    HOME_CARE_STANDARDS_39 = "home_care_standards_39"
    SCHOOL_EDUCATION_RULES_28 = "school_education_rules_28"
    PUBLIC_RECORDS_ORDINANCE = "public_records_ordinance"


class NotOpenedBecause(StrEnum):
    """Why a section did not open, as coarse as the person is told."""

    SAID_NO = "said_no"
    NOT_AGREED = "not_agreed"
    NOT_IN_ORDER = "not_in_order"


class PersonScope(StrEnum):
    """What a person's token is good for."""

    WITHDRAW = "withdraw"
    VIEW = "view"


class CoverageState(StrEnum):
    """What `consent` says of one section of a referral."""

    COVERED = "covered"
    TO_ASK = "to_ask"
    REFUSED = "refused"
    INVALID = "invalid"


class DecisionReason(StrEnum):
    """Why a section may or may not be opened; the vocabulary of coverage, decisions and refusals."""

    GRANTED = "granted"
    NO_STATEMENT = "no_statement"
    REFUSED_BY_PERSON = "refused_by_person"
    WITHDRAWN_BY_PERSON = "withdrawn_by_person"
    GRANT_EXPIRED = "grant_expired"
    GRANT_NOT_YET_IN_FORCE = "grant_not_yet_in_force"
    GRANT_STATED_BEFORE_NEGATIVE = "grant_stated_before_negative"
    NAMED_REFUSAL_STANDS = "named_refusal_stands"
    SPOKEN_TO_RECIPIENT_ONLY = "spoken_to_recipient_only"
    CONDITION_NOT_MET = "condition_not_met"
    PERSON_REFUSES_THEMSELF = "person_refuses_themself"
    OTHER_PARENT_REFUSES = "other_parent_refuses"
    SECTION_INVALID = "section_invalid"
    ERASED = "erased"
