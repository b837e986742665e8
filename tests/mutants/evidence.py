"""The guards of evidence: what may be kept, what counts, and who has it opened."""

from tests.mutants.guards import CONSENT, Mutant

_KEEPING, _SEALING = "tests/service/test_evidence.py", "tests/unit/contracts/test_evidence.py"

EVIDENCE = (
    Mutant(
        "one custodian opens alone",
        "services/audit/use_cases/openings.py",
        "if len(in_time) == 2 else None",
        "",
        (_KEEPING,),
    ),
    Mutant(
        "an old asking still opens",
        "services/audit/use_cases/openings.py",
        "    in_time = theirs is not None and work.now < theirs.asked_at + within\n",
        "    in_time = theirs is not None\n",
        (_KEEPING,),
    ),
    Mutant(
        "anybody at a custodian asks",
        "services/audit/use_cases/openings.py",
        "    if appointment.role is not Role.SUPERVISOR:\n",
        "    if False:\n",
        (_KEEPING,),
    ),
    Mutant(
        "a share goes to whoever is named",
        "services/audit/use_cases/openings.py",
        "        jose.check_wrapped(asked.share, keys.encryption, typ=OPENED_SHARE_TYP)\n",
        "",
        (_KEEPING,),
    ),
    Mutant(
        "evidence in clear is kept",
        "contracts/tsunagu_contracts/evidence.py",
        '        if piece and not is_compact(piece.decode("latin-1")):\n',
        "        if False:\n",
        (_KEEPING,),
    ),
    Mutant(
        "a custodian's share may be sealed to anybody",
        "services/audit/use_cases/evidence.py",
        "        jose.check_wrapped(each.share, keys[each.custodian].encryption, typ=SHARE_TYP)\n",
        "        pass\n",
        (_KEEPING,),
    ),
    Mutant(
        "evidence on a stranger's referral",
        "services/audit/use_cases/evidence.py",
        "    if referral is None or manifest.agency_id not in (referral.sender, referral.addressee):\n",
        "    if False:\n",
        (_KEEPING,),
    ),
    Mutant(
        "a share is good for every dispute",
        "contracts/tsunagu_contracts/evidence.py",
        "    if theirs.dispute_id != dispute_id:\n",
        "    if False:\n",
        (_SEALING,),
    ),
    Mutant(
        "audit's word alone makes evidence",
        "services/consent/use_cases/evidence.py",
        "    await _check_signed(work, stored)\n",
        "",
        (f"{CONSENT}/test_evidence.py",),
    ),
    Mutant(
        "evidence counts again each time that it is heard of",
        "services/consent/storage/evidence.py",
        "    WHERE known.evidence_id IS NULL\n",
        "",
        (f"{CONSENT}/test_evidence.py",),
    ),
    Mutant(
        "evidence that came first is forgotten",
        "services/consent/use_cases/statements.py",
        "    evidenced = await evidence.count(work, person, said)\n",
        "    evidenced: list[Saying] = []\n",
        (f"{CONSENT}/test_evidence.py",),
    ),
)
