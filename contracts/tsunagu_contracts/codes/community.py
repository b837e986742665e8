"""Codes of the community: what personal information is of, who is there to help, and where."""

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
