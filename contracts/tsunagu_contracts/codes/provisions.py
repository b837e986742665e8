"""Codes of what agencies record of passing information on, and of a person's requests about what is held.

Articles without the name of a law are of the 個人情報保護法 (個人情報の保護に関する法律).
"""

from enum import StrEnum


class ProvisionSide(StrEnum):
    """On which side of an opening an agency stands: it provided (29条) or it received (30条)."""

    PROVIDED = "provided"
    RECEIVED = "received"


class Acquisition(StrEnum):
    """How the provider had come by what it passed on (取得の経緯, 30条1項2号), as the recipient has confirmed it."""

    FROM_THE_PERSON = "from_the_person"
    FROM_A_REPRESENTATIVE = "from_a_representative"
    FROM_THE_HOUSEHOLD = "from_the_household"
    FROM_ANOTHER_BODY = "from_another_body"
    OWN_RECORDS = "own_records"


class Recorded(StrEnum):
    """What `audit` knows of one side's record of an opening."""

    RECORDED = "recorded"
    MISSING = "missing"
    DIFFERS = "differs"


class DisclosureGround(StrEnum):
    """On what an agency disclosed something outside the network; a ground other than consent names its provision."""

    CONSENT = "consent"
    BY_LAW_27_1_1 = "by_law_27_1_1"
    PROTECTION_OF_LIFE_27_1_2 = "protection_of_life_27_1_2"
    PUBLIC_HEALTH_AND_CHILDREN_27_1_3 = "public_health_and_children_27_1_3"
    COOPERATION_WITH_PUBLIC_BODIES_27_1_4 = "cooperation_with_public_bodies_27_1_4"
    PUBLIC_BODY_69_2 = "public_body_69_2"
    SUPPORT_MEETING_SOCIAL_WELFARE_106_6 = "support_meeting_social_welfare_106_6"
    SUPPORT_MEETING_NEEDY_PERSONS_9 = "support_meeting_needy_persons_9"
    CHILD_COUNCIL_CHILD_WELFARE_25_3 = "child_council_child_welfare_25_3"
    CHILD_ABUSE_REPORT_6 = "child_abuse_report_6"
    ELDER_ABUSE_REPORT_7 = "elder_abuse_report_7"
    DISABILITY_ABUSE_REPORT_7 = "disability_abuse_report_7"
    DISASTER_ROSTER_49_11 = "disaster_roster_49_11"


class DisclosureWay(StrEnum):
    """How something was disclosed outside the network."""

    TELEPHONE = "telephone"
    MEETING = "meeting"
    PAPER = "paper"
    IN_PERSON = "in_person"


class OutsideBody(StrEnum):
    """The kind of body outside the network to which something was disclosed."""

    POLICE = "police"
    FIRE_DEPARTMENT = "fire_department"
    CHILD_GUIDANCE_CENTRE = "child_guidance_centre"
    MUNICIPALITY = "municipality"
    COURT = "court"
    HOSPITAL = "hospital"
    WELFARE_COMMISSIONER = "welfare_commissioner"
    OTHER = "other"


class CaseKind(StrEnum):
    """What a person asks for: 開示 (33条), 訂正等 (34条) or 利用停止等 (35条)."""

    ACCESS = "access"
    CORRECTION = "correction"
    CESSATION = "cessation"


class CaseWay(StrEnum):
    """How a person's request reached the agency."""

    IN_PERSON = "in_person"
    TELEPHONE = "telephone"
    WRITTEN = "written"
    ONLINE = "online"


class CaseEnd(StrEnum):
    """How an agency has answered for its own part of a case."""

    PROVIDED = "provided"
    CORRECTED = "corrected"
    CEASED = "ceased"
    REFUSED_BY_LAW = "refused_by_law"
    HOLDS_NOTHING = "holds_nothing"


class CaseRefusal(StrEnum):
    """The provision by which an agency need not do what a person asks."""

    HARM_33_2_1 = "harm_33_2_1"
    OBSTRUCTION_33_2_2 = "obstruction_33_2_2"
    OTHER_LAW_33_2_3 = "other_law_33_2_3"
    CORRECT_ALREADY_34_2 = "correct_already_34_2"
    NOT_DUE_35_2 = "not_due_35_2"
    NOT_DUE_35_6 = "not_due_35_6"
