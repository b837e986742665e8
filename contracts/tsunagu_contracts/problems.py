"""How each refusal is told to people: HTTP status, title and what to do next, in Japanese and English (RFC 9457)."""

from dataclasses import dataclass

from tsunagu_contracts.codes import CaseRefusal, DecisionReason, DisclosureGround, KeptUnder, RefusalCode


@dataclass(frozen=True, slots=True)
class Telling:
    """The words for one code; `next_*` say what the reader can do about it."""

    status: int
    ja: str
    en: str
    next_ja: str
    next_en: str


_FIX = (
    "内容を直して、新しいIDで送り直してください。",
    "Correct the message and send it again under a new id.",
)
_AGAIN = ("少し待って、同じ内容でもう一度お試しください。", "Wait a little and repeat the same request.")
_KEYS = ("機関の鍵と証明書を確かめてください。", "Check the agency's keys and certificates.")
_HANDLE = ("新しいハンドルを受け取り、封をし直してください。", "Take a new handle and seal again.")
_SEAL = ("封をし直して送ってください。", "Seal the sections again and send a new message.")
_SIGN_IN = ("もう一度サインインしてください。", "Sign in again.")
_APPOINT = (
    "任命について、所属機関の管理者に確かめてください。",
    "Ask your agency's administrator about the appointment.",
)
_LOOK = (
    "最新の状態を見てから、あらためて操作してください。",
    "Look at the present state, then decide again.",
)
_NOTHING = ("必要なら、相手の機関に確かめてください。", "If you expected otherwise, ask the other agency.")
_ASK = ("必要であれば、本人に意向をたずねてください。", "If it is needed, ask the person.")
_REPRESENT = (
    "代わりに話す人の根拠、範囲、期間を確かめて、記録してください。",
    "Check by what, for what and how long they may speak, and record that.",
)
_RECEIPT = (
    "控えの番号をもう一度見てください。合い言葉がなくても、番号だけで取り消せます。",
    "Look at the code on the receipt again. The code alone, without the secret, is enough to withdraw.",
)
_EVIDENCE = (
    "PNG、JPEG、PDF、MP3、M4A、Ogg、WAV のどれかにしてください。",
    "Use a PNG, JPEG, PDF, MP3, M4A, Ogg or WAV file.",
)
_CUSTODIANS = (
    "記録する機関のほかから、二つの機関を選んでください。",
    "Name two agencies, neither of them the one that records.",
)
_BOTH = (
    "二つの保管機関の責任者が、同じ争いについて、期間内にそれぞれ求める必要があります。",
    "Supervisors of both custodians must ask for the same dispute within the set time.",
)
_CHANGED = (
    "断りと取り消しはいつでも記録できます。記録が誤りなら、報告した機関に確かめてください。",
    "A refusal or withdrawal can always be recorded. If the report is wrong, ask the agency that made it.",
)
_NOTICE = (
    "公開されている説明文を示してから、その版とハッシュで記録してください。",
    "Show a published notice, and record its version and hash.",
)
_MANDATE = ("監査の委任の範囲を確かめてください。", "Check the bounds of your mandate.")
_OPERATOR = ("運用担当者に知らせてください。", "Tell the operator.")

_C = RefusalCode
TELLINGS: dict[RefusalCode, Telling] = {
    _C.MALFORMED_JSON: Telling(400, "JSONとして読めません", "Not a JSON object", *_FIX),
    _C.INVALID_CONTENT: Telling(422, "内容が決まりに合いません", "The content does not fit the contract", *_FIX),
    _C.UNKNOWN_TYPE: Telling(422, "知らない種類のメッセージです", "Unknown message type", *_FIX),
    _C.UNKNOWN_VERSION: Telling(422, "知らない版のメッセージです", "Unknown version of this message type", *_FIX),
    _C.OVERSIZE: Telling(413, "大きすぎます", "Too large", *_FIX),
    _C.NOT_UTF8: Telling(400, "UTF-8ではありません", "Not UTF-8", *_FIX),
    _C.TOKEN_MALFORMED: Telling(422, "JWS/JWEの形が正しくありません", "Not a compact JWS or JWE", *_SEAL),
    _C.JSON_SERIALISATION: Telling(422, "JSON形式のJOSEは受け付けません", "JOSE JSON serialisation is refused", *_SEAL),
    _C.ALGORITHM_NOT_ALLOWED: Telling(422, "許されていない暗号方式です", "Algorithm not allowed", *_SEAL),
    _C.HEADER_NOT_ALLOWED: Telling(422, "許されていないヘッダーです", "JOSE header not allowed", *_SEAL),
    _C.SIGNATURE_INVALID: Telling(422, "署名を確かめられません", "The signature does not verify", *_KEYS),
    _C.UNKNOWN_KEY: Telling(422, "登録されていない鍵です", "The key is not registered", *_KEYS),
    _C.KEY_MALFORMED: Telling(422, "鍵の形が正しくありません", "Malformed key", *_KEYS),
    _C.CANNOT_OPEN: Telling(422, "封を開けられません", "The seal cannot be opened with this key", *_SEAL),
    _C.DIGEST_MISMATCH: Telling(422, "本文が送り状と合いません", "A body differs from its digest", *_SEAL),
    _C.BODY_MISSING: Telling(422, "送り状にある本文がありません", "A body named in the manifest is missing", *_SEAL),
    _C.BODY_UNEXPECTED: Telling(422, "送り状にない本文があります", "A body not named in the manifest", *_SEAL),
    _C.HANDLE_UNKNOWN: Telling(422, "知らないハンドルです", "Unknown handle", *_HANDLE),
    _C.HANDLE_EXPIRED: Telling(422, "ハンドルの期限が切れています", "The handle has expired", *_HANDLE),
    _C.HANDLE_OF_ANOTHER_AGENCY: Telling(
        422, "ほかの機関のハンドルです", "The handle belongs to another agency", *_HANDLE
    ),
    _C.HANDLE_ALREADY_USED: Telling(422, "使用済みのハンドルです", "The handle is used already", *_HANDLE),
    _C.CAPSULE_SENDER_MISMATCH: Telling(422, "封の中の差出人が違います", "The capsule names another sender", *_SEAL),
    _C.CAPSULE_SECTION_MISMATCH: Telling(422, "封の中の項目が違います", "The capsule names other sections", *_SEAL),
    _C.CAPSULE_CATEGORY_MISMATCH: Telling(422, "封の中の分類が違います", "The capsule names another category", *_SEAL),
    _C.CAPSULE_DIGEST_MISMATCH: Telling(422, "封の中の要約値が違います", "The capsule names another digest", *_SEAL),
    _C.CONTENT_KEY_REUSED: Telling(422, "同じ鍵が二度使われています", "A content key is used twice", *_SEAL),
    _C.SECTION_ID_REUSED: Telling(422, "同じ項目IDが使われています", "A section id is used already", *_SEAL),
    _C.UNAUTHENTICATED: Telling(401, "認証されていません", "Not authenticated", *_SIGN_IN),
    _C.TOKEN_EXPIRED: Telling(401, "認証の期限が切れました", "The token has expired", *_SIGN_IN),
    _C.ACTOR_MISMATCH: Telling(403, "操作する人が一致しません", "The actor is not the one of the token", *_SIGN_IN),
    _C.SENDER_MISMATCH: Telling(
        403, "差出人の機関が一致しません", "The sender is not the agency of this channel", *_KEYS
    ),
    _C.AGENCY_UNKNOWN: Telling(422, "登録されていない機関です", "Unknown agency", *_KEYS),
    _C.APPOINTMENT_UNKNOWN: Telling(403, "任命が見つかりません", "Unknown appointment", *_APPOINT),
    _C.APPOINTMENT_NOT_VALID: Telling(403, "任命の期間外です", "The appointment is not valid now", *_APPOINT),
    _C.APPOINTMENT_OF_ANOTHER: Telling(403, "ほかの人の任命です", "The appointment is another's", *_APPOINT),
    _C.NOT_PERMITTED: Telling(403, "この操作は許されていません", "Not permitted", *_APPOINT),
    _C.MANDATE_REQUIRED: Telling(403, "監査の委任が必要です", "A mandate is required", *_MANDATE),
    _C.OUTSIDE_MANDATE: Telling(403, "監査の委任の範囲外です", "Outside the mandate", *_MANDATE),
    _C.ADDRESSEE_UNKNOWN: Telling(422, "宛先が見つかりません", "Unknown addressee", *_FIX),
    _C.REFERRAL_UNKNOWN: Telling(404, "そのつなぎは見つかりません", "No such referral", *_NOTHING),
    _C.REFERRAL_EXISTS: Telling(409, "そのつなぎはすでにあります", "The referral exists already", *_FIX),
    _C.REFERRAL_NOT_OPEN: Telling(409, "そのつなぎは開いていません", "The referral is not open", *_LOOK),
    _C.TRANSITION_NOT_ALLOWED: Telling(409, "今の状態ではできません", "Not possible in the present state", *_LOOK),
    _C.VERSION_CONFLICT: Telling(409, "先にほかの操作がありました", "Someone acted before you", *_LOOK),
    _C.DUPLICATE_ID: Telling(409, "同じIDで違う内容が届いています", "The id was used for other content", *_FIX),
    _C.SECTION_UNKNOWN: Telling(404, "その項目は見つかりません", "No such section in this referral", *_NOTHING),
    _C.NOT_COVERED: Telling(403, "本人の同意がありません", "The person's consent does not cover this", *_ASK),
    _C.ALREADY_ENDED: Telling(422, "同意の期間はもう過ぎています", "The consent has ended already", *_FIX),
    _C.STATED_IN_FUTURE: Telling(422, "同意の日時が未来です", "The statement is dated in the future", *_FIX),
    _C.CLOCK_STEPPED_BACK: Telling(503, "時計が戻っています", "The clock has stepped back", *_AGAIN),
    _C.STATEMENT_UNKNOWN: Telling(422, "その同意の記録は見つかりません", "No such statement of this person", *_FIX),
    _C.REPRESENTATIVE_UNKNOWN: Telling(
        422, "代わりに話す人が記録されていません", "No such representative is recorded", *_REPRESENT
    ),
    _C.REPRESENTATION_NOT_VALID: Telling(
        422, "代わりに話せる期間の外です", "The representation is not valid at that time", *_REPRESENT
    ),
    _C.BEYOND_SCOPE: Telling(422, "代わりに話せる範囲の外です", "Beyond what the representative may say", *_REPRESENT),
    _C.DISASTER_UNKNOWN: Telling(422, "その災害は宣言されていません", "No such disaster is declared", *_FIX),
    _C.OBLIGATION_UNKNOWN: Telling(404, "その義務は見つかりません", "No such obligation of this agency", *_NOTHING),
    _C.OBLIGATION_ENDED: Telling(409, "その義務はもう終わっています", "The obligation has ended already", *_LOOK),
    _C.CARD_NOT_VALID: Telling(
        422,
        "このカードは使えません",
        "This card cannot be used",
        "本人に、新しいカードを出してもらえる機関を案内してください。",
        "Help the person to an agency that can issue them a new card.",
    ),
    _C.JOIN_UNKNOWN: Telling(404, "その結び付けは見つかりません", "No such join", *_NOTHING),
    _C.JOIN_UNDONE: Telling(409, "その結び付けはもう解かれています", "The join has been undone already", *_LOOK),
    _C.RECEIPT_UNKNOWN: Telling(404, "その控えは見つかりません", "No such receipt of this person", *_NOTHING),
    _C.RECEIPT_NOT_VALID: Telling(
        422, "この番号と合い言葉では入れません", "This code, or the secret with it, is not valid", *_RECEIPT
    ),
    _C.TOO_MANY_TRIES: Telling(429, "今は確かめられません", "Too many wrong codes just now", *_AGAIN),
    _C.PERSON_ERASED: Telling(409, "本人の記録は消去されています", "The person's record has been erased", *_LOOK),
    _C.DATED_IN_FUTURE: Telling(422, "日時が未来です", "Dated in the future", *_FIX),
    _C.CASE_UNKNOWN: Telling(404, "その請求は見つかりません", "No such request for this agency to answer", *_NOTHING),
    _C.CASE_ANSWERED: Telling(409, "その請求にはもう答えています", "The request has been answered already", *_LOOK),
    _C.EVIDENCE_KIND: Telling(
        422, "証拠にできない種類のファイルです", "Not a kind of file that evidence can be", *_EVIDENCE
    ),
    _C.EVIDENCE_UNKNOWN: Telling(
        404, "その証拠は見つかりません", "No such evidence in this agency's custody", *_NOTHING
    ),
    _C.EVIDENCE_NOT_OPENED: Telling(409, "その証拠は開かれていません", "The evidence has not been opened", *_BOTH),
    _C.CUSTODIAN_NOT_ALLOWED: Telling(
        422, "その機関は証拠を預かれません", "These agencies cannot hold the evidence", *_CUSTODIANS
    ),
    _C.NOTICE_UNKNOWN: Telling(422, "公開されていない説明文です", "The notice is not a published one", *_NOTICE),
    _C.DEADLINE_NOT_VALID: Telling(
        422, "期限が過ぎているか、先すぎます", "The deadline has passed or is too far away", *_FIX
    ),
    _C.REQUEST_UNKNOWN: Telling(404, "その依頼は見つかりません", "No such request of this agency", *_LOOK),
    _C.REQUEST_ENDED: Telling(409, "その依頼はもう終わっています", "The request is over already", *_LOOK),
    _C.PERSON_HAS_DIED: Telling(
        409,
        "亡くなったと記録されているため、新しい同意は記録できません",
        "The person is recorded to have died; no new consent can be recorded",
        *_CHANGED,
    ),
    _C.CAPACITY_LOST: Telling(
        409,
        "判断能力を失ったと記録されているため、本人の新しい同意は記録できません",
        "The person is recorded to have lost capacity; their own new consent cannot be recorded",
        *_CHANGED,
    ),
    _C.NOT_FOUND: Telling(404, "見つかりません", "Not found", *_NOTHING),
    _C.IDEMPOTENCY_KEY_MISSING: Telling(400, "Idempotency-Keyが必要です", "Idempotency-Key is required", *_FIX),
    _C.IDEMPOTENCY_KEY_REUSED: Telling(
        422, "同じIdempotency-Keyで違う内容です", "The Idempotency-Key was used for another request", *_FIX
    ),
    _C.TRY_AGAIN_LATER: Telling(503, "今は受け付けられません", "Not possible just now", *_AGAIN),
    _C.VERSION_GAP: Telling(500, "途中のイベントがありません", "An earlier event is missing", *_OPERATOR),
    _C.PREVIOUS_MISMATCH: Telling(500, "前のイベントと合いません", "Does not follow the event before", *_OPERATOR),
    _C.CAUSE_NOT_SEEN: Telling(500, "もとのイベントを待っています", "Waiting for its cause", *_OPERATOR),
    _C.BEHIND_PARKED: Telling(500, "前のイベントの処理待ちです", "Waits behind a parked event", *_OPERATOR),
    _C.HANDLER_FAILED: Telling(500, "処理に失敗しました", "Handling failed", *_OPERATOR),
}
"""The words for every refusal code."""

REASONS: dict[DecisionReason, tuple[str, str]] = {
    DecisionReason.GRANTED: ("本人の同意があります", "The person has agreed"),
    DecisionReason.NO_STATEMENT: ("本人の意向がまだ記録されていません", "The person has not been asked yet"),
    DecisionReason.REFUSED_BY_PERSON: (
        "本人か、本人に代わる人が断っています",
        "The person, or who speaks for them, has refused",
    ),
    DecisionReason.WITHDRAWN_BY_PERSON: (
        "本人か、本人に代わる人が同意を取り消しました",
        "The person, or who speaks for them, has withdrawn the consent",
    ),
    DecisionReason.GRANT_EXPIRED: ("同意の期限が過ぎました", "The consent has expired"),
    DecisionReason.GRANT_NOT_YET_IN_FORCE: ("同意はまだ始まっていません", "The consent is not in force yet"),
    DecisionReason.GRANT_STATED_BEFORE_NEGATIVE: (
        "断りより前の同意なので、効力がありません",
        "The consent was stated before the refusal and is void",
    ),
    DecisionReason.NAMED_REFUSAL_STANDS: (
        "この機関を名指しした断りが残っています",
        "A refusal that names this agency still stands",
    ),
    DecisionReason.SPOKEN_TO_RECIPIENT_ONLY: (
        "受け取る機関だけが聞いた口頭の同意では開けません",
        "Spoken consent heard only by the recipient does not cover this",
    ),
    DecisionReason.CONDITION_NOT_MET: (
        "災害のときだけの同意です。今は災害が宣言されていません",
        "The consent is for a declared disaster, and none is declared now",
    ),
    DecisionReason.PERSON_REFUSES_THEMSELF: (
        "本人が断っています。代わりの人の同意では開けません",
        "The person refuses; a representative's consent does not overrule that",
    ),
    DecisionReason.OTHER_PARENT_REFUSES: (
        "もう一人の親権者が断っています",
        "The other parent refuses",
    ),
    DecisionReason.SECTION_INVALID: ("封が正しくない項目です", "The section's seal is not valid"),
    DecisionReason.ERASED: (
        "本人の記録は消去され、もう誰にも開けません",
        "The person's record is erased; nobody can open it",
    ),
}
"""Why a section may or may not be opened, in words."""

PROVISIONS: dict[KeptUnder, tuple[str, str]] = {
    KeptUnder.MEDICAL_PRACTITIONERS_ACT_24: ("医師法24条（診療録）", "Medical Practitioners Act, art. 24"),
    KeptUnder.INSURED_MEDICAL_CARE_RULES_9: (
        "保険医療機関及び保険医療養担当規則9条（帳簿等）",
        "Rules on Insured Medical Care, art. 9",
    ),
    KeptUnder.HOME_CARE_STANDARDS_39: (
        "指定居宅サービス等の事業の人員、設備及び運営に関する基準39条（記録の整備）",
        "Standards for Designated In-Home Services, art. 39",
    ),
    KeptUnder.SCHOOL_EDUCATION_RULES_28: ("学校教育法施行規則28条（表簿）", "School Education Act rules, art. 28"),
    KeptUnder.PUBLIC_RECORDS_ORDINANCE: ("区の公文書管理の条例・規程", "The ward's ordinance on public records"),
}
"""The provisions under which something is kept, in words."""

DISCLOSURE_GROUNDS: dict[DisclosureGround, tuple[str, str]] = {
    DisclosureGround.CONSENT: ("本人の同意（個人情報保護法27条1項）", "The person's consent (APPI art. 27(1))"),
    DisclosureGround.BY_LAW_27_1_1: ("法令に基づく場合（個人情報保護法27条1項1号）", "By law (APPI art. 27(1)(i))"),
    DisclosureGround.PROTECTION_OF_LIFE_27_1_2: (
        "生命・身体・財産の保護（個人情報保護法27条1項2号）",
        "Protection of life, body or property (APPI art. 27(1)(ii))",
    ),
    DisclosureGround.PUBLIC_HEALTH_AND_CHILDREN_27_1_3: (
        "公衆衛生・児童の健全な育成（個人情報保護法27条1項3号）",
        "Public health, sound growth of children (APPI art. 27(1)(iii))",
    ),
    DisclosureGround.COOPERATION_WITH_PUBLIC_BODIES_27_1_4: (
        "国・自治体の事務への協力（個人情報保護法27条1項4号）",
        "Cooperation with public bodies (APPI art. 27(1)(iv))",
    ),
    DisclosureGround.PUBLIC_BODY_69_2: (
        "行政機関等の目的外の提供（個人情報保護法69条2項）",
        "Provision by a public body (APPI art. 69(2))",
    ),
    DisclosureGround.SUPPORT_MEETING_SOCIAL_WELFARE_106_6: (
        "支援会議（社会福祉法106条の6）",
        "Support meeting (Social Welfare Act, art. 106-6)",
    ),
    DisclosureGround.SUPPORT_MEETING_NEEDY_PERSONS_9: (
        "支援会議（生活困窮者自立支援法9条）",
        "Support meeting (Act on Self-reliance Support for Needy Persons, art. 9)",
    ),
    DisclosureGround.CHILD_COUNCIL_CHILD_WELFARE_25_3: (
        "要保護児童対策地域協議会（児童福祉法25条の3）",
        "Regional council for children (Child Welfare Act, art. 25-3)",
    ),
    DisclosureGround.CHILD_ABUSE_REPORT_6: (
        "児童虐待の通告（児童虐待の防止等に関する法律6条）",
        "Report of child abuse (Child Abuse Prevention Act, art. 6)",
    ),
    DisclosureGround.ELDER_ABUSE_REPORT_7: (
        "高齢者虐待の通報（高齢者虐待防止法7条）",
        "Report of elder abuse (Elder Abuse Prevention Act, art. 7)",
    ),
    DisclosureGround.DISABILITY_ABUSE_REPORT_7: (
        "障害者虐待の通報（障害者虐待防止法7条）",
        "Report of abuse of a person with disabilities (Act on its prevention, art. 7)",
    ),
    DisclosureGround.DISASTER_ROSTER_49_11: (
        "避難行動要支援者名簿の提供（災害対策基本法49条の11）",
        "Roster of persons who need help in evacuation (Basic Act on Disaster Management, art. 49-11)",
    ),
}
"""The grounds of disclosures outside the network, in words."""

CASE_REFUSALS: dict[CaseRefusal, tuple[str, str]] = {
    CaseRefusal.HARM_33_2_1: (
        "生命・身体・財産などの権利利益を害するおそれ（個人情報保護法33条2項1号）",
        "Harm to the rights of the person or others (APPI art. 33(2)(i))",
    ),
    CaseRefusal.OBSTRUCTION_33_2_2: (
        "業務の適正な実施に著しい支障（個人情報保護法33条2項2号）",
        "Serious obstruction of the agency's work (APPI art. 33(2)(ii))",
    ),
    CaseRefusal.OTHER_LAW_33_2_3: (
        "他の法令に違反（個人情報保護法33条2項3号）",
        "Against other laws (APPI art. 33(2)(iii))",
    ),
    CaseRefusal.CORRECT_ALREADY_34_2: (
        "調査の結果、内容は事実（個人情報保護法34条2項）",
        "Found to be correct (APPI art. 34(2))",
    ),
    CaseRefusal.NOT_DUE_35_2: (
        "請求に理由がない、または代わりの措置をとる（個人情報保護法35条2項）",
        "Not due, or met by other measures (APPI art. 35(2))",
    ),
    CaseRefusal.NOT_DUE_35_6: (
        "請求に理由がない、または代わりの措置をとる（個人情報保護法35条6項）",
        "Not due, or met by other measures (APPI art. 35(6))",
    ),
}
"""The provisions by which an agency need not do what a person asks, in words."""
