"""The closed lists of codes that events, messages and answers may carry; nothing in clear is ever free text."""

from enum import StrEnum


class Category(StrEnum):
    """A category of personal information, sealed on its own as one section."""

    IDENTITY = "identity"
    CONTACT = "contact"
    HOUSEHOLD = "household"
    NARRATIVE = "narrative"
    HEALTH = "health"
    DISABILITY = "disability"
    FINANCE = "finance"
    HOUSING = "housing"
    EMPLOYMENT = "employment"
    EDUCATION = "education"
    LEGAL = "legal"
    SAFETY = "safety"


class Purpose(StrEnum):
    """What personal information may be used for."""

    INITIAL_CONTACT = "initial_contact"
    ASSESSMENT = "assessment"
    SERVICE = "service"
    COORDINATION = "coordination"
    RIGHTS_ADVOCACY = "rights_advocacy"
    DISASTER = "disaster"


class Urgency(StrEnum):
    """How soon a referral wants an answer (FHIR request-priority)."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class Language(StrEnum):
    """The language in which the person wants to be spoken to (BCP 47; ja-x-easy is やさしい日本語)."""

    JA = "ja"
    JA_EASY = "ja-x-easy"
    EN = "en"
    ZH = "zh"
    KO = "ko"


class ServiceFamily(StrEnum):
    """A family of services, coarse enough to reveal nothing about the person who needs it."""

    GENERAL_CONSULTATION = "general_consultation"
    DAILY_LIFE = "daily_life"
    ELDER_CARE = "elder_care"
    CHILD_AND_FAMILY = "child_and_family"
    DISABILITY_SUPPORT = "disability_support"
    HEALTH_CARE = "health_care"
    HOUSING_AND_INCOME = "housing_and_income"
    RIGHTS_ADVOCACY = "rights_advocacy"
    COMMUNITY_ACTIVITY = "community_activity"
    VOLUNTEERING = "volunteering"
    LEARNING = "learning"


class AgencyKind(StrEnum):
    """The legal kind of an agency."""

    WARD_COUNCIL = "ward_council"
    WARD_OFFICE = "ward_office"
    AREA_DESK = "area_desk"
    CLINIC = "clinic"
    HOSPITAL = "hospital"
    PHARMACY = "pharmacy"
    VISITING_NURSE = "visiting_nurse"
    SCHOOL = "school"
    CHILD_FAMILY_CENTER = "child_family_center"
    FAMILY_SUPPORT_CENTER = "family_support_center"
    CARE_OFFICE = "care_office"
    COMMUNITY_SUPPORT_CENTER = "community_support_center"
    DISABILITY_SUPPORT_OFFICE = "disability_support_office"
    GUARDIANSHIP_CENTER = "guardianship_center"
    VOLUNTEER_CENTER = "volunteer_center"
    WELFARE_COMMISSIONERS = "welfare_commissioners"
    NPO = "npo"
    RESIDENTS_GROUP = "residents_group"
    COMPANY = "company"


class Role(StrEnum):
    """What a coordinator is appointed as."""

    CSW = "csw"
    LIFE_SUPPORT = "life_support"
    RIGHTS_ADVOCACY = "rights_advocacy"
    CARE_MANAGER = "care_manager"
    CONSULTATION_SUPPORT = "consultation_support"
    MEDICAL_SOCIAL_WORKER = "medical_social_worker"
    SCHOOL_SOCIAL_WORKER = "school_social_worker"
    CHILD_FAMILY_WORKER = "child_family_worker"
    VISITING_NURSE = "visiting_nurse"
    VOLUNTEER_COORDINATOR = "volunteer_coordinator"
    WELFARE_COMMISSIONER = "welfare_commissioner"
    RESIDENT_LEADER = "resident_leader"
    SUPERVISOR = "supervisor"


class Field(StrEnum):
    """The field (分野) in which a coordinator works."""

    COMMUNITY = "community"
    ELDERLY = "elderly"
    DISABILITY = "disability"
    CHILDREN = "children"
    HEALTH = "health"
    POVERTY = "poverty"
    RIGHTS = "rights"
    VOLUNTEERING = "volunteering"


class Area(StrEnum):
    """An area close to people's homes (身近な圏域): Chiyoda's six and Minato's five."""

    KOJIMACHI = "chiyoda.kojimachi"
    FUJIMI = "chiyoda.fujimi"
    JIMBOCHO = "chiyoda.jimbocho"
    KANDAKOEN = "chiyoda.kandakoen"
    MANSEIBASHI = "chiyoda.manseibashi"
    IZUMIBASHI = "chiyoda.izumibashi"
    SHIBA = "minato.shiba"
    AZABU = "minato.azabu"
    AKASAKA = "minato.akasaka"
    TAKANAWA = "minato.takanawa"
    SHIBAURA_KONAN = "minato.shibaura-konan"


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


class DisasterAct(StrEnum):
    """What is said of a disaster (災害対策基本法)."""

    DECLARE = "declare"
    LIFT = "lift"


class ObligationCause(StrEnum):
    """Why an agency may no longer hold what it has opened."""

    WITHDRAWN = "withdrawn"
    ENDED = "ended"


class ObligationEnd(StrEnum):
    """How an obligation ends: deleted, kept because a law says so, or lifted because the person agrees again."""

    DELETED = "deleted"
    KEPT_BY_LAW = "kept_by_law"
    LIFTED = "lifted"


class KeptUnder(StrEnum):
    """The provision under which an agency must keep what it would else delete."""

    MEDICAL_PRACTITIONERS_ACT_24 = "medical_practitioners_act_24"
    INSURED_MEDICAL_CARE_RULES_9 = "insured_medical_care_rules_9"
    HOME_CARE_STANDARDS_39 = "home_care_standards_39"
    SCHOOL_EDUCATION_RULES_28 = "school_education_rules_28"
    PUBLIC_RECORDS_ORDINANCE = "public_records_ordinance"


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


class RefusalCode(StrEnum):
    """Every stable code with which a message, a request or an act is refused."""

    # form
    MALFORMED_JSON = "malformed_json"
    INVALID_CONTENT = "invalid_content"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    OVERSIZE = "oversize"
    NOT_UTF8 = "not_utf8"
    # signatures and sealing
    TOKEN_MALFORMED = "token_malformed"
    JSON_SERIALISATION = "json_serialisation"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    HEADER_NOT_ALLOWED = "header_not_allowed"
    SIGNATURE_INVALID = "signature_invalid"
    UNKNOWN_KEY = "unknown_key"
    KEY_MALFORMED = "key_malformed"
    CANNOT_OPEN = "cannot_open"
    DIGEST_MISMATCH = "digest_mismatch"
    BODY_MISSING = "body_missing"
    BODY_UNEXPECTED = "body_unexpected"
    # handles and capsules
    HANDLE_UNKNOWN = "handle_unknown"
    HANDLE_EXPIRED = "handle_expired"
    HANDLE_OF_ANOTHER_AGENCY = "handle_of_another_agency"
    HANDLE_ALREADY_USED = "handle_already_used"
    CAPSULE_SENDER_MISMATCH = "capsule_sender_mismatch"
    CAPSULE_SECTION_MISMATCH = "capsule_section_mismatch"
    CAPSULE_CATEGORY_MISMATCH = "capsule_category_mismatch"
    CAPSULE_DIGEST_MISMATCH = "capsule_digest_mismatch"
    CONTENT_KEY_REUSED = "content_key_reused"
    SECTION_ID_REUSED = "section_id_reused"
    # who may act
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"
    ACTOR_MISMATCH = "actor_mismatch"
    SENDER_MISMATCH = "sender_mismatch"
    AGENCY_UNKNOWN = "agency_unknown"
    APPOINTMENT_UNKNOWN = "appointment_unknown"
    APPOINTMENT_NOT_VALID = "appointment_not_valid"
    APPOINTMENT_OF_ANOTHER = "appointment_of_another"
    NOT_PERMITTED = "not_permitted"
    MANDATE_REQUIRED = "mandate_required"
    OUTSIDE_MANDATE = "outside_mandate"
    # referrals
    ADDRESSEE_UNKNOWN = "addressee_unknown"
    REFERRAL_UNKNOWN = "referral_unknown"
    REFERRAL_EXISTS = "referral_exists"
    REFERRAL_NOT_OPEN = "referral_not_open"
    TRANSITION_NOT_ALLOWED = "transition_not_allowed"
    VERSION_CONFLICT = "version_conflict"
    DUPLICATE_ID = "duplicate_id"
    # consent
    SECTION_UNKNOWN = "section_unknown"
    NOT_COVERED = "not_covered"
    STATED_IN_FUTURE = "stated_in_future"
    CLOCK_STEPPED_BACK = "clock_stepped_back"
    STATEMENT_UNKNOWN = "statement_unknown"
    REPRESENTATIVE_UNKNOWN = "representative_unknown"
    REPRESENTATION_NOT_VALID = "representation_not_valid"
    BEYOND_SCOPE = "beyond_scope"
    DISASTER_UNKNOWN = "disaster_unknown"
    OBLIGATION_UNKNOWN = "obligation_unknown"
    OBLIGATION_ENDED = "obligation_ended"
    # requests
    NOT_FOUND = "not_found"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    TRY_AGAIN_LATER = "try_again_later"
    # events between services
    VERSION_GAP = "version_gap"
    PREVIOUS_MISMATCH = "previous_mismatch"
    CAUSE_NOT_SEEN = "cause_not_seen"
    BEHIND_PARKED = "behind_parked"
    HANDLER_FAILED = "handler_failed"
