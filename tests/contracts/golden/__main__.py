"""Write the golden messages that are missing: `python -m tests.contracts.golden`; those that are there stay."""

import sys
from pathlib import Path

from tests.contracts.golden.asking import asking_is_said
from tests.contracts.golden.erasure import a_person_is_erased
from tests.contracts.golden.evidence import evidence_is_kept_and_opened
from tests.contracts.golden.joins import joined_and_unjoined
from tests.contracts.golden.messages import agencies_say, tokens_hold
from tests.contracts.golden.others import consent_says, directory_says, notify_and_audit_say
from tests.contracts.golden.provisions import books_and_requests_say
from tests.contracts.golden.receipts import receipts_tell
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
    joined_and_unjoined(shelf)
    books_and_requests_say(shelf, said)
    asking_is_said(shelf)
    notify_and_audit_say(shelf)
    receipts_tell(shelf)
    a_person_is_erased(shelf)
    evidence_is_kept_and_opened(shelf)
    return shelf.made


if __name__ == "__main__":
    for made in make_missing(CONTRACTS / EXAMPLES):
        sys.stdout.write(f"made: {made}\n")
