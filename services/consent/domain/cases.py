"""What may be answered to a person's request (個人情報保護法33条から35条)."""

from tsunagu_contracts.codes import CaseEnd, CaseKind, CaseRefusal, RefusalCode
from tsunagu_contracts.errors import Refusal

_DONE = {
    CaseKind.ACCESS: CaseEnd.PROVIDED,
    CaseKind.CORRECTION: CaseEnd.CORRECTED,
    CaseKind.CESSATION: CaseEnd.CEASED,
}
_REFUSED_UNDER = {
    CaseKind.ACCESS: {CaseRefusal.HARM_33_2_1, CaseRefusal.OBSTRUCTION_33_2_2, CaseRefusal.OTHER_LAW_33_2_3},
    CaseKind.CORRECTION: {CaseRefusal.CORRECT_ALREADY_34_2},
    CaseKind.CESSATION: {CaseRefusal.NOT_DUE_35_2, CaseRefusal.NOT_DUE_35_6},
}


def check_answer(kind: CaseKind, end: CaseEnd, refused_under: CaseRefusal | None) -> None:
    """Refuse with `invalid_content` an answer to something else than was asked, or by an article of something else."""
    if end not in (_DONE[kind], CaseEnd.REFUSED_BY_LAW, CaseEnd.HOLDS_NOTHING):
        raise Refusal(RefusalCode.INVALID_CONTENT, where="data.end")
    if refused_under is not None and refused_under not in _REFUSED_UNDER[kind]:
        raise Refusal(RefusalCode.INVALID_CONTENT, where="data.refused_under")
