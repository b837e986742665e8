"""`make mutants`: take out each guard in turn, in a copy of the tree, and see that a test turns red.

`python -m tests.mutants [NAME…]` tries only those. A mutant that survives, a guard that is no longer where its
mutant looks for it, and a run that breaks before its tests fail are all errors. Exit status 1 then.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.evidence import EVIDENCE
from tests.mutants.exports import EXPORTS
from tests.mutants.guards import GUARDS, Mutant
from tests.mutants.joins import JOINS
from tests.mutants.keys import KEYS
from tests.mutants.pipeline import PIPELINE
from tests.mutants.provisions import RECORDS
from tests.mutants.receipt import RECEIPT
from tests.mutants.requests import REQUESTS
from tests.mutants.word import WORD

MUTANTS = (
    *GUARDS,
    *PIPELINE,
    *WORD,
    *JOINS,
    *RECEIPT,
    *EXPORTS,
    *KEYS,
    *RECORDS,
    *EVIDENCE,
    *REQUESTS,
)
ROOT = Path(__file__).resolve().parents[2]
TESTS_FAILED = 1  # pytest's exit status; everything else than 0 and 1 means that the run itself broke
SECONDS = 600


def main(names: Sequence[str]) -> int:
    """Try the mutants of these names, or all; returns the exit status."""
    unknown = set(names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        print(f"no such mutant: {', '.join(sorted(unknown))}")
        return 2
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    survivors = []
    for number, mutant in enumerate(chosen, 1):
        started = time.monotonic()
        verdict = try_mutant(mutant)
        took = time.monotonic() - started
        print(
            f"[{number:>2}/{len(chosen)}] {verdict or 'red, as it must be'}: {mutant.name} ({took:.0f} s)", flush=True
        )
        if verdict:
            survivors.append(mutant.name)
    print(f"{len(chosen) - len(survivors)} passed, {len(survivors)} failed")
    return 1 if survivors else 0


def try_mutant(mutant: Mutant) -> str | None:
    """Run a mutant's tests in a copy of the tree without the guard; returns what went wrong, or None."""
    with tempfile.TemporaryDirectory(prefix="tsunagu-mutant-") as folder:
        copy = Path(folder)
        copy.chmod(0o711)
        _copy_tree(copy)
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.guard) != 1:
            return f"GUARD NOT FOUND once in {mutant.file}"
        file.write_text(text.replace(mutant.guard, mutant.without), encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": ":".join(str(copy / part) for part in ("", "contracts", "agency"))},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    if ended.returncode == TESTS_FAILED:
        return None
    if ended.returncode == 0:
        return "SURVIVED"
    return f"RUN BROKE (status {ended.returncode})\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"


def _copy_tree(copy: Path) -> None:
    """Copy what git tracks or would track, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git the developer has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        source = ROOT / name
        if source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
