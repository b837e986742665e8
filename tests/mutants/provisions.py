"""The guards of agencies' records of openings, of disclosures outside and of persons' requests."""

from tests.mutants.guards import CONSENT, Mutant

BOOK, REPORTS = "tests/unit/agency/test_provision_book.py", "tests/service/test_audit_provisions.py"
CASES, PROVISIONS = f"{CONSENT}/test_cases.py", f"{CONSENT}/test_provisions.py"

RECORDS = (
    Mutant(
        "an agency reads what others have provided",
        "services/consent/storage/provisions.py",
        "WHERE granted AND provider = :agency_id AND recipient",
        "WHERE granted AND recipient",
        (PROVISIONS,),
    ),
    Mutant(
        "a disclosure of tomorrow is recorded",
        "services/consent/use_cases/disclosures.py",
        "    recording.check_past(made.disclosed_at)\n",
        "",
        (PROVISIONS,),
    ),
    Mutant(
        "a disclosure's id is used for another",
        "services/consent/use_cases/disclosures.py",
        "        if not verified.says_the_same(token):\n",
        "        if False:\n",
        (PROVISIONS,),
    ),
    Mutant(
        "another agency's part is answered",
        "services/consent/storage/cases.py",
        "    WHERE part_id = :part_id AND parts.agency_id = :agency_id\n",
        "    WHERE part_id = :part_id\n",
        (CASES,),
    ),
    Mutant(
        "a part is answered twice",
        "services/consent/use_cases/cases.py",
        "    if part.ended_at is not None:\n",
        "    if False:\n",
        (CASES,),
    ),
    Mutant(
        "a request is answered by something else",
        "services/consent/use_cases/cases.py",
        "    check_answer(part.kind, given.end, given.refused_under)\n",
        "",
        (CASES,),
    ),
    Mutant(
        "a case closes while somebody has yet to answer",
        "services/consent/use_cases/cases.py",
        "    if not await cases.still_open(work.session, part):\n",
        "    if True:\n",
        (CASES,),
    ),
    Mutant(
        "anybody asks in the person's stead",
        "services/consent/use_cases/cases.py",
        "    found.check_speaking((), (), made.received_at)\n",
        "",
        (CASES,),
    ),
    Mutant(
        "who is asked learns where the request came in",
        "services/consent/storage/cases.py",
        "        CASE WHEN opened_by = :agency_id THEN case_id END AS case_id\n",
        "        case_id\n",
        (CASES,),
    ),
    Mutant(
        "who has opened something is not asked",
        "services/consent/storage/cases.py",
        "FROM releases WHERE record_id = ANY(:record_ids) AND granted\n",
        "FROM releases WHERE false\n",
        (CASES,),
    ),
    Mutant(
        "any digest fills a gap",
        "services/audit/domain/provisions.py",
        "    return Recorded.RECORDED if reported == agreed else Recorded.DIFFERS\n",
        "    return Recorded.RECORDED\n",
        (REPORTS,),
    ),
    Mutant(
        "a stranger's record is placed",
        "services/audit/storage/provisions.py",
        "AND NOT kept.placed AND accesses.agreed IS NOT NULL\n        AND kept.agency_id = CASE",
        "AND NOT kept.placed AND accesses.agreed IS NOT NULL\n        AND '' <> CASE",
        (REPORTS,),
    ),
    Mutant(
        "a record put wrong stays matched",
        "services/audit/storage/provisions.py",
        " AND accesses.matched <> now.matched\n",
        " AND now.matched\n",
        (REPORTS,),
    ),
    Mutant(
        "nobody is given time to record",
        "services/audit/api/provisions.py",
        "gaps_of_caller(session, calling, now, now - within, after)",
        "gaps_of_caller(session, calling, now, now, after)",
        (REPORTS,),
    ),
    Mutant(
        "an auditor reads gaps of other areas",
        "services/audit/storage/provisions.py",
        " WHERE area = ANY(:areas) {_IN_ORDER}",
        " {_IN_ORDER}",
        (REPORTS,),
    ),
    Mutant(
        "a name runs in a spreadsheet",
        "agency/tsunagu_agency/provisions/spreadsheet.py",
        '    return f"\'{cell}" if',
        '    return f"{cell}" if',
        (BOOK,),
    ),
    Mutant(
        "an opening that commits late is never recorded",
        "agency/tsunagu_agency/provisions/book.py",
        "_before_all_since(until - _OVERLAP)",
        "_before_all_since(until)",
        (BOOK,),
    ),
    Mutant(
        "a record without a name is reported",
        "agency/tsunagu_agency/provisions/book_file.py",
        "side = ? AND reported_at IS NULL AND {_COMPLETE}",
        "side = ? AND reported_at IS NULL",
        (BOOK,),
    ),
    Mutant(
        "records are thrown away before their time",
        "agency/tsunagu_agency/provisions/book.py",
        " or years < LEAST_YEARS:",
        ":",
        (BOOK,),
    ),
)
