"""The guards of joins: whose word counts, what is told of others, and what happens at the same moment."""

from tests.mutants.guards import CONSENT, Mutant

JOINS_TESTS = f"{CONSENT}/test_joins.py"
AT_ONCE = f"{CONSENT}/test_joins_at_once.py"
UNIT = "tests/unit/consent/test_joined_words.py"

JOINS = (
    Mutant(
        "a join that was under way is overlooked",
        "services/consent/storage/persons.py",
        "    if not found.keys() >= set(record_ids):\n",
        "    if not found:\n",
        (AT_ONCE,),
    ),
    Mutant(
        "a group that changes keeps its id",
        "services/consent/use_cases/joins.py",
        "group_id = work.ids.new() if len(group.records) > 1 else next(iter(group.records))",
        "group_id = min(group.records)",
        (AT_ONCE,),
    ),
    Mutant(
        "a batch does not notice a word on the other record",
        "services/consent/use_cases/submissions.py",
        "        for each in known.groups[record_id].records.values()\n",
        "        for each in [linked[record_id]]\n",
        (AT_ONCE,),
    ),
    Mutant(
        "a card is used twice",
        "services/consent/storage/cards.py",
        ":secret_hash AND used_at IS NULL AND voided_at",
        ":secret_hash AND voided_at",
        (AT_ONCE,),
    ),
    Mutant(
        "a lost card still joins",
        "services/consent/storage/cards.py",
        " AND voided_at IS NULL AND expires_at > :now RETURNING",
        " AND expires_at > :now RETURNING",
        (JOINS_TESTS,),
    ),
    Mutant(
        "an expired card still joins",
        "services/consent/storage/cards.py",
        " AND expires_at > :now RETURNING",
        " AND CAST(:now AS timestamptz) IS NOT NULL RETURNING",
        (JOINS_TESTS,),
    ),
    Mutant(
        "a card sealed by another agency joins",
        "contracts/tsunagu_contracts/cards.py",
        "    if shown.sender != sender:\n",
        "    if False:\n",
        (JOINS_TESTS,),
    ),
    Mutant(
        "anybody undoes a join",
        "services/consent/use_cases/joins.py",
        "found.agency_id != agency_id and not await joins.is_party(session, found.record_ids, agency_id)",
        "False",
        (JOINS_TESTS,),
    ),
    Mutant(
        "a preview shows what others would owe",
        "services/consent/use_cases/joins.py",
        " if each.agency_id == agency_id]\n",
        "]\n",
        (JOINS_TESTS,),
    ),
    Mutant(
        "parties hear of a stranger",
        "services/consent/use_cases/records.py",
        "return self if self.agency_id is None or referral.is_party(self.agency_id) else _CONSENT",
        "return self",
        (JOINS_TESTS,),
    ),
    Mutant(
        "two records are spoken on at one moment",
        "services/consent/domain/persons.py",
        "self.latest_at if len(self.records) == 1 else self.latest_at + _NEXT",
        "self.latest_at",
        (JOINS_TESTS,),
    ),
    Mutant(
        "of a no and a yes at one moment the yes wins",
        "services/consent/domain/joins.py",
        "(several and each[1].is_negative, each[0], each[1].number)",
        "(each[0], each[1].number)",
        (UNIT,),
    ),
    Mutant(
        "a join undone later did not stand before",
        "services/consent/storage/joins.py",
        "(undone_at IS NULL OR undone_at > :at)",
        "undone_at IS NULL",
        (JOINS_TESTS,),
    ),
    Mutant(
        "other joins fall with the one that is undone",
        "services/consent/use_cases/joins.py",
        "if join_id != without]",
        "if False]",
        (JOINS_TESTS,),
    ),
)
