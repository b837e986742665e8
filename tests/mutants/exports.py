"""The guards of what is given out of the record: in formats that others read, and as keys that were read beforehand."""

from tests.mutants.guards import Mutant

SERVICE = "tests/service/consent/test_statement_exports.py"
STANDING = "tests/unit/consent/test_standing.py"
USE_CASE = "services/consent/use_cases/exports.py"

EXPORTS = (
    Mutant(
        "a party reads what was recorded through another referral",
        USE_CASE,
        "for each in await _said(session, word) if each.referral_id == referral.referral_id]",
        "for each in await _said(session, word)]",
        (SERVICE,),
    ),
    Mutant(
        "a party reads who has countersigned elsewhere",
        USE_CASE,
        "    signers = (referral.sender, referral.addressee)\n",
        "    signers = None\n",
        (SERVICE,),
    ),
    Mutant(
        "an export tells when the person spoke elsewhere",
        "services/consent/domain/exports/standing.py",
        "            return Standing(False, at, last.kind)\n",
        "            return Standing(False, last.recorded_at, last.kind)\n",
        (SERVICE, STANDING),
    ),
    Mutant(
        "an export shows more of the word elsewhere than coverage does",
        "services/consent/domain/exports/standing.py",
        "            request.recipient == self.referral.addressee\n",
        "            True\n",
        (STANDING,),
    ),
    Mutant(
        "a release rests on a referral that has ended since",
        "services/consent/use_cases/releases.py",
        "        referrals.rely_on(work, referral)\n",
        "",
        ("tests/service/consent/test_between_read_and_write.py",),
    ),
    Mutant(
        "a release rests on where a referral stood when it was read",
        "services/consent/storage/referrals.py",
        "    WHERE referral_id = CAST(:referral_id AS text) AND state = CAST(:state AS text)\n",
        "    WHERE referral_id = CAST(:referral_id AS text) AND CAST(:state AS text) <> ''\n",
        ("tests/service/consent/test_between_read_and_write.py",),
    ),
)
