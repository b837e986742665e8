"""The columns of the records, in Japanese, for the spreadsheet and the page alike."""

from datetime import datetime

from tsunagu_agency.provisions.records import JAPAN, ProvisionRecord
from tsunagu_contracts.codes import Acquisition, AgencyKind, Category, ProvisionSide, Purpose

COLUMNS = (
    "区分",
    "年月日",
    "相手の名称",
    "相手の種別",
    "相手の法人格",
    "相手の住所",
    "相手の代表者",
    "本人",
    "情報の項目",
    "利用目的",
    "本人の同意（記録の番号）",
    "取得の経緯",
    "記録・確認した日",
    "開示の番号",
    "監査に知らせた日",
)

SIDES = {ProvisionSide.PROVIDED: "提供（29条）", ProvisionSide.RECEIVED: "受領（30条）"}
CATEGORIES = {
    Category.IDENTITY: "氏名・生年月日",
    Category.CONTACT: "連絡先",
    Category.HOUSEHOLD: "世帯",
    Category.NARRATIVE: "相談の内容",
    Category.HEALTH: "健康・医療",
    Category.DISABILITY: "障害",
    Category.FINANCE: "家計・収入",
    Category.HOUSING: "住まい",
    Category.EMPLOYMENT: "仕事",
    Category.EDUCATION: "教育",
    Category.LEGAL: "法律・権利",
    Category.SAFETY: "安全",
}
PURPOSES = {
    Purpose.INITIAL_CONTACT: "最初の連絡",
    Purpose.ASSESSMENT: "状況の把握",
    Purpose.SERVICE: "サービスの提供",
    Purpose.COORDINATION: "支援の調整",
    Purpose.RIGHTS_ADVOCACY: "権利擁護",
    Purpose.DISASTER: "災害時の支援",
}
KINDS = {
    AgencyKind.WARD_COUNCIL: "社会福祉協議会",
    AgencyKind.WARD_OFFICE: "区役所",
    AgencyKind.AREA_DESK: "身近な圏域の窓口",
    AgencyKind.CLINIC: "診療所",
    AgencyKind.HOSPITAL: "病院",
    AgencyKind.PHARMACY: "薬局",
    AgencyKind.VISITING_NURSE: "訪問看護",
    AgencyKind.SCHOOL: "学校",
    AgencyKind.CHILD_FAMILY_CENTER: "子ども家庭支援センター",
    AgencyKind.FAMILY_SUPPORT_CENTER: "ファミリーサポートセンター",
    AgencyKind.CARE_OFFICE: "介護事業所",
    AgencyKind.COMMUNITY_SUPPORT_CENTER: "地域包括支援センター",
    AgencyKind.DISABILITY_SUPPORT_OFFICE: "障害者支援の事業所",
    AgencyKind.GUARDIANSHIP_CENTER: "成年後見センター",
    AgencyKind.VOLUNTEER_CENTER: "ボランティアセンター",
    AgencyKind.WELFARE_COMMISSIONERS: "民生委員・児童委員",
    AgencyKind.NPO: "NPO",
    AgencyKind.RESIDENTS_GROUP: "住民の団体",
    AgencyKind.COMPANY: "会社",
}
ACQUISITIONS = {
    Acquisition.FROM_THE_PERSON: "本人から",
    Acquisition.FROM_A_REPRESENTATIVE: "代理人から",
    Acquisition.FROM_THE_HOUSEHOLD: "家族・同居人から",
    Acquisition.FROM_ANOTHER_BODY: "ほかの機関から",
    Acquisition.OWN_RECORDS: "提供元が自ら作成",
}
UNKNOWN = "未記入"


def day(at: datetime) -> str:
    """The day in Japan (ISO 8601)."""
    return at.astimezone(JAPAN).date().isoformat()


def cells(record: ProvisionRecord) -> tuple[str, ...]:
    """What stands in the columns for one record; what the directory did not say is empty."""
    facts, other = record.facts, record.counterpart
    provided = record.side is ProvisionSide.PROVIDED
    return (
        SIDES[record.side],
        day(facts.decided_at),
        other.name,
        KINDS[other.kind],
        other.legal_status or "",
        other.address or "",
        other.representative or "",
        record.person or UNKNOWN,
        CATEGORIES[facts.category],
        PURPOSES[facts.purpose],
        f"同意あり {facts.statement_id}",
        "" if provided else ACQUISITIONS[record.acquisition] if record.acquisition else UNKNOWN,
        day(record.recorded_at),
        facts.release_id,
        "" if record.reported_at is None else day(record.reported_at),
    )
