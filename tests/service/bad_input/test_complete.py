"""No cell is missing without anybody noticing: what the catalogue and the lists of codes have, the matrix has."""

from pathlib import Path

from services.audit.domain.chain import FindingKind
from tests.service.bad_input.agency_kinds import AGENCY_KINDS
from tests.service.bad_input.event_kinds import EVENT_KINDS
from tests.service.bad_input.lanes import GOLDEN_SAYS
from tests.service.bad_input.stations import EFFECTS, reads_agencies
from tests.service.bad_input.table import AGAIN, PAGE, page
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.topics import SERVICES, TOPIC_NAMED, TOPICS, consumed_by

ROOT = Path(__file__).resolve().parents[3]
_RELEASES, _SUBMISSIONS = "tests/service/consent/test_releases.py", "tests/service/consent/test_submissions.py"
_STATEMENTS = "tests/service/consent/test_statements.py"
_REPRESENTATIVES = "tests/service/consent/test_representatives.py"
_OBLIGATIONS = "tests/service/consent/test_obligations.py"
_JOINS = "tests/service/consent/test_joins.py"
_RECEIPTS = "tests/service/consent/test_receipts.py"
_CASES = "tests/service/consent/test_cases.py"
_EVIDENCE = "tests/service/test_evidence.py"
_ASKING, _AGAIN = "tests/service/consent/test_asking.py", "tests/service/consent/test_asking_again.py"
_AUDIT = "tests/service/test_audit_questions.py"

ELSEWHERE: dict[RefusalCode | FindingKind, str] = {
    # What `consent` finds in a capsule is no fate of a message: it says so of the section, in coverage.
    RefusalCode.HANDLE_UNKNOWN: _SUBMISSIONS,
    RefusalCode.CAPSULE_SENDER_MISMATCH: _SUBMISSIONS,
    RefusalCode.CAPSULE_SECTION_MISMATCH: _SUBMISSIONS,
    RefusalCode.CAPSULE_CATEGORY_MISMATCH: _SUBMISSIONS,
    RefusalCode.CAPSULE_DIGEST_MISMATCH: _SUBMISSIONS,
    RefusalCode.CONTENT_KEY_REUSED: _SUBMISSIONS,
    RefusalCode.SECTION_ID_REUSED: _SUBMISSIONS,
    # Of the later life of a referral.
    RefusalCode.TRANSITION_NOT_ALLOWED: "tests/unit/referral/test_referral_states.py",
    RefusalCode.REFERRAL_NOT_OPEN: "tests/service/test_referral_life.py",
    # Of requests over HTTP, and of keys.
    RefusalCode.KEY_MALFORMED: "tests/unit/contracts/test_keys.py",
    RefusalCode.CANNOT_OPEN: "tests/unit/contracts/test_sealing.py",
    RefusalCode.UNAUTHENTICATED: _RELEASES,
    RefusalCode.TOKEN_EXPIRED: "tests/unit/contracts/test_assertions.py",
    RefusalCode.ACTOR_MISMATCH: _STATEMENTS,
    RefusalCode.MANDATE_REQUIRED: _AUDIT,
    RefusalCode.OUTSIDE_MANDATE: _AUDIT,
    RefusalCode.SECTION_UNKNOWN: _RELEASES,
    RefusalCode.NOT_COVERED: _RELEASES,
    RefusalCode.ALREADY_ENDED: _STATEMENTS,
    RefusalCode.STATED_IN_FUTURE: _STATEMENTS,
    RefusalCode.CLOCK_STEPPED_BACK: _RELEASES,
    RefusalCode.STATEMENT_UNKNOWN: _REPRESENTATIVES,
    RefusalCode.REPRESENTATIVE_UNKNOWN: _REPRESENTATIVES,
    RefusalCode.REPRESENTATION_NOT_VALID: _REPRESENTATIVES,
    RefusalCode.BEYOND_SCOPE: _REPRESENTATIVES,
    RefusalCode.DISASTER_UNKNOWN: "tests/service/consent/test_disasters.py",
    RefusalCode.OBLIGATION_UNKNOWN: _OBLIGATIONS,
    RefusalCode.OBLIGATION_ENDED: _OBLIGATIONS,
    RefusalCode.CARD_NOT_VALID: _JOINS,
    RefusalCode.JOIN_UNKNOWN: _JOINS,
    RefusalCode.JOIN_UNDONE: _JOINS,
    RefusalCode.RECEIPT_UNKNOWN: _RECEIPTS,
    RefusalCode.RECEIPT_NOT_VALID: _RECEIPTS,
    RefusalCode.TOO_MANY_TRIES: _RECEIPTS,
    RefusalCode.PERSON_ERASED: "tests/service/consent/test_erasures.py",
    RefusalCode.DATED_IN_FUTURE: _CASES,
    RefusalCode.CASE_UNKNOWN: _CASES,
    RefusalCode.CASE_ANSWERED: _CASES,
    RefusalCode.EVIDENCE_KIND: "tests/unit/contracts/test_evidence.py",
    RefusalCode.EVIDENCE_UNKNOWN: _EVIDENCE,
    RefusalCode.EVIDENCE_NOT_OPENED: _EVIDENCE,
    RefusalCode.CUSTODIAN_NOT_ALLOWED: _EVIDENCE,
    RefusalCode.NOTICE_UNKNOWN: _AGAIN,
    RefusalCode.DEADLINE_NOT_VALID: _ASKING,
    RefusalCode.REQUEST_UNKNOWN: _ASKING,
    RefusalCode.REQUEST_ENDED: _AGAIN,
    RefusalCode.PERSON_HAS_DIED: _AGAIN,
    RefusalCode.CAPACITY_LOST: _AGAIN,
    RefusalCode.NOT_FOUND: "tests/service/test_notify_inbox.py",
    RefusalCode.IDEMPOTENCY_KEY_MISSING: _RELEASES,
    RefusalCode.IDEMPOTENCY_KEY_REUSED: "tests/service/consent/test_handles.py",
    RefusalCode.TRY_AGAIN_LATER: "services/runtime/errors.py",  # while a database is away; no test asks for it yet
    # Of the database, and of a topic that was made anew.
    FindingKind.NOT_INTERPRETED: "tests/service/test_audit_log.py",
    FindingKind.POSITION_REUSED: "tests/service/test_audit_log.py",
}
"""Codes that no bad message among those of the matrix is given, and the tests that have them."""


def test_every_consumer_of_every_topic_can_be_looked_into() -> None:
    """A new topic or consumer in the catalogue fails here until it is told what sound events do to it."""
    assert set(EFFECTS) == {(service, topic.name) for service in SERVICES for topic in consumed_by(service)}
    assert set(GOLDEN_SAYS) == {topic.name for topic in TOPICS}
    assert [service for service in SERVICES if reads_agencies(service)] == ["referral"]


def test_every_code_has_a_kind_or_is_tested_elsewhere() -> None:
    """A new code of refusal or finding fails here until some bad input is given it."""
    fates = [kind.at(service) for kind in EVENT_KINDS for service in SERVICES]
    fates += [kind.fate for kind in AGENCY_KINDS]
    met = {code for fate in fates for code in (fate.code, fate.finding) if code is not None}
    met.add(RefusalCode.BEHIND_PARKED)  # what every cell with a parked lane has behind it
    assert met.isdisjoint(ELSEWHERE)
    assert met | ELSEWHERE.keys() == {*RefusalCode, *FindingKind}


def test_what_is_tested_elsewhere_is_tested_there() -> None:
    """The file that is named speaks of the code."""
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in ELSEWHERE.values()}
    silent = [code for code, path in ELSEWHERE.items() if code.name not in texts[path] and code not in texts[path]]
    assert silent == []


def test_kinds_have_names_of_their_own_and_topics_that_exist() -> None:
    """A name is a cell; two kinds of one name would hide each other."""
    for names in ([kind.name for kind in EVENT_KINDS], [kind.name for kind in AGENCY_KINDS]):
        assert len(set(names)) == len(names)
    assert TOPIC_NAMED.keys() >= {topic for kind in EVENT_KINDS for topic in kind.topics}


def test_the_page_says_what_is_tested() -> None:
    """The table in the documentation is made of the same declarations."""
    assert PAGE.read_text(encoding="utf-8") == page(), f"run `{AGAIN}`"
