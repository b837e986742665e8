"""The guards of asking the person: who must ask, what answers, what time does, and what a change bars."""

from tests.mutants.guards import CONSENT, Mutant

ASKING, AGAIN = f"{CONSENT}/test_asking.py", f"{CONSENT}/test_asking_again.py"
DUTIES = "tests/service/test_notify_duties.py"

REQUESTS = (
    Mutant(
        "a yes to a text that nobody published",
        "services/consent/use_cases/statements.py",
        "    if agrees and not is_published(manifest.data.notice):\n",
        "    if False:\n",
        (AGAIN,),
    ),
    Mutant(
        "a request for a day that has passed",
        "services/consent/domain/asking.py",
        "    if not at < deadline <= at + at_most:\n",
        "    if deadline > at + at_most:\n",
        (ASKING,),
    ),
    Mutant(
        "a request for a day that never comes",
        "services/consent/domain/asking.py",
        "    if not at < deadline <= at + at_most:\n",
        "    if not at < deadline:\n",
        (ASKING,),
    ),
    Mutant(
        "a word for another purpose answers",
        "services/consent/domain/asking.py",
        "            if self.purposes & each.purposes and ",
        "            if ",
        (ASKING,),
    ),
    Mutant(
        "one category answers for all",
        "services/consent/domain/asking.py",
        "        return self.categories <= spoken\n",
        "        return bool(self.categories & spoken)\n",
        (ASKING,),
    ),
    Mutant(
        "what was said before answers",
        "services/consent/use_cases/asking.py",
        "            if each.recorded_at > request.opened_at or each.statement_id == said.statement_id\n",
        "",
        (ASKING,),
    ),
    Mutant(
        "an agency answers for the person",
        "services/consent/use_cases/asking.py",
        "    if request.kind not in domain.REVIEWS:\n",
        "    if False:\n",
        (ASKING,),
    ),
    Mutant(
        "another agency answers a review",
        "services/consent/storage/asking.py",
        "    WHERE request_id = :request_id AND agency_id = :agency_id\n",
        "    WHERE request_id = :request_id\n",
        (ASKING,),
    ),
    Mutant(
        "a request ends twice",
        "services/consent/storage/asking.py",
        "    UPDATE consent_requests SET ended_at = :at, answer_manifest = :manifest\n"
        "    WHERE request_id = :request_id AND ended_at IS NULL RETURNING 1\n",
        "    UPDATE consent_requests SET ended_at = :at, answer_manifest = :manifest\n"
        "    WHERE request_id = :request_id RETURNING 1\n",
        (ASKING,),
    ),
    Mutant(
        "what was taken back is to be renewed",
        "services/consent/domain/asking.py",
        "            left -= each.categories\n",
        "            pass\n",
        (AGAIN,),
    ),
    Mutant(
        "consent is given after a death",
        "services/consent/domain/changes.py",
        "    if has_died(reports):\n",
        "    if False:\n",
        (AGAIN,),
    ),
    Mutant(
        "consent is given without capacity",
        "services/consent/domain/changes.py",
        "    if themself and of_capacity and ",
        "    if False and of_capacity and ",
        (AGAIN,),
    ),
    Mutant(
        "another agency takes a report back",
        "services/consent/domain/changes.py",
        "    last = {(each.agency_id, each.change_id): place",
        "    last = {each.change_id: place",
        (AGAIN,),
    ),
    Mutant(
        "a supervisor never hears of what is overdue",
        "services/notify/duties.py",
        "    if told.rule.escalated is not None:\n",
        "    if False:\n",
        (DUTIES,),
    ),
    Mutant(
        "an item names the record",
        "services/notify/use_cases.py",
        " if notice.referral_version else None,\n",
        ",\n",
        (DUTIES,),
    ),
)
