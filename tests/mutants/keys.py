"""The guards of erasure, of the key store and of a database restored from a backup."""

from tests.mutants.guards import Mutant

ERASURES = "tests/service/consent/test_erasures.py"
BACKUPS = "tests/unit/consent/test_key_backups.py"
RESTORED = "tests/service/consent/test_restored.py"

KEYS = (
    Mutant(
        "what is erased opens like before",
        "services/consent/domain/releases.py",
        "    if referral.is_erased(as_of):\n",
        "    if False:\n",
        (ERASURES,),
    ),
    Mutant(
        "coverage knows no erasure",
        "services/consent/domain/coverage.py",
        "    if referral.is_erased(as_of):\n",
        "    if False:\n",
        (ERASURES,),
    ),
    Mutant(
        "anybody of a party erases",
        "services/consent/use_cases/erasures.py",
        "    if appointment.role is not Role.SUPERVISOR:\n",
        "    if False:\n",
        (ERASURES,),
    ),
    Mutant(
        "a release does not hear of an erasure while it waits",
        "services/consent/storage/referrals.py",
        "ReferralState(row.state), row.addressee, row.erased)",
        "ReferralState(row.state), row.addressee, referral.erased)",
        (ERASURES,),
    ),
    Mutant(
        "a referral that comes in before the lock is left open",
        "services/consent/use_cases/erasures.py",
        "    if group.records.keys() != record_ids or await erasures.handles(work.session, record_ids) != handles:\n",
        "    if False:\n",
        (ERASURES,),
    ),
    Mutant(
        "a later grant lifts what is owed for an erasure",
        "services/consent/domain/obligations.py",
        "    if held.erased:\n",
        "    if False:\n",
        (ERASURES,),
    ),
    Mutant(
        "who comes back is known by the old reference",
        "services/consent/storage/erasures.py",
        '    await session.execute(_FORGET_REFERENCES, {"record_id": erased.record_id})\n',
        "",
        (ERASURES,),
    ),
    Mutant(
        "capsules stay in the database",
        "services/consent/storage/erasures.py",
        "SET capsule = NULL, erased",
        "SET erased",
        (ERASURES,),
    ),
    Mutant(
        "a key put back under a destroyed handle is read",
        "services/consent/keystore/files.py",
        "            if self.is_erased(handle_id):\n",
        "            if False:\n",
        (BACKUPS,),
    ),
    Mutant(
        "keys are destroyed in the first folder alone",
        "services/consent/keystore/files.py",
        "        for folder in self.folders:\n            durable.remove(",
        "        for folder in self.folders[:1]:\n            durable.remove(",
        (BACKUPS,),
    ),
    Mutant(
        "what a crash left of a key outlives it",
        "services/consent/keystore/durable.py",
        "each.name in gone or _written_as(each.name) in gone",
        "each.name in gone",
        (BACKUPS,),
    ),
    Mutant(
        "a backup brings back what the database knows as erased",
        "services/consent/keystore/backups.py",
        " for handle_id, key in some if handle_id not in erased}",
        " for handle_id, key in some}",
        (BACKUPS,),
    ),
    Mutant(
        "old backups are kept",
        "services/consent/keystore/backups.py",
        "if at <= now - self._keep]",
        "if False]",
        (BACKUPS,),
    ),
    Mutant(
        "the lookup key is made anew when the first folder is lost",
        "services/consent/keystore/files.py",
        "        if not any((folder / LOOKUP_KEY).exists() for folder in self.folders):\n",
        "        if not (self.folders[0] / LOOKUP_KEY).exists():\n",
        (BACKUPS,),
    ),
    Mutant(
        "keys that come back with an old backup stay",
        "services/consent/use_cases/restoring.py",
        "    await erasures.destroy_again(database, custody)\n",
        "",
        (RESTORED,),
    ),
    Mutant(
        "only the last record tells whether a database is behind",
        "services/consent/use_cases/restoring.py",
        "_TAIL = 200\n",
        "_TAIL = 1\n",
        (RESTORED,),
    ),
    Mutant(
        "another network's log is told",
        "services/consent/use_cases/restoring.py",
        "    if event.previous != head.digest:\n",
        "    if False:\n",
        (RESTORED,),
    ),
    Mutant(
        "a log with a gap is told",
        "services/consent/use_cases/restoring.py",
        "    if event.version != head.version + 1:\n",
        "    if False:\n",
        (RESTORED,),
    ),
    Mutant(
        "a forgotten person's capsule comes back with their referral",
        "services/consent/use_cases/retaking.py",
        " and record_id is not None and erased is None else None",
        " and record_id is not None else None",
        (RESTORED,),
    ),
    Mutant(
        "a handle that nobody issued carries a referral",
        "services/consent/use_cases/submissions.py",
        "        if handle is None and forgotten and",
        "        if handle is None and",
        ("tests/service/consent/test_submissions.py",),
    ),
)
