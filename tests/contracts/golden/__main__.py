"""Write the golden messages that are missing: `python -m tests.contracts.golden`; those that are there stay."""

import sys
from pathlib import Path

from tests.contracts.golden.asking import asking_is_said
from tests.contracts.golden.messages import agencies_say, tokens_hold
from tests.contracts.golden.others import consent_says, directory_says, notify_and_audit_say
from tests.contracts.golden.referral import referral_says
from tests.contracts.golden.shelf import CONTRACTS, Shelf
from tsunagu_contracts.publish import EXAMPLES


def make_missing(folder: Path) -> list[str]:
    """Tell the whole story below a folder and return what was missing."""
    shelf = Shelf(folder)
    said = agencies_say(shelf)
    tokens_hold(shelf, said)
    referral_says(shelf, said)
    directory_says(shelf)
    consent_says(shelf, said)
    asking_is_said(shelf)
    notify_and_audit_say(shelf)
    return shelf.made


if __name__ == "__main__":
    for made in make_missing(CONTRACTS / EXAMPLES):
        sys.stdout.write(f"made: {made}\n")
