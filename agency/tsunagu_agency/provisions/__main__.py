"""`python -m tsunagu_agency.provisions FOLDER csv|page|prune`: what an agency's record book holds of a period.

`csv` and `page` write to standard output, which may be a file; both days are included. Exit status 1 says what failed.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from tsunagu_agency.errors import AgencyError
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.provisions.book import ProvisionBook
from tsunagu_agency.provisions.page import to_page
from tsunagu_agency.provisions.records import JAPAN
from tsunagu_agency.provisions.spreadsheet import to_csv


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tsunagu_agency.provisions", description=__doc__)
    parser.add_argument("folder", type=Path, help="機関のフォルダー / the agency's folder")
    parser.add_argument("what", choices=("csv", "page", "prune"))
    parser.add_argument("--from", dest="since", type=date.fromisoformat, default=date(2000, 1, 1))
    parser.add_argument("--until", dest="last", type=date.fromisoformat, default=datetime.now(JAPAN).date())
    asked = parser.parse_args(arguments)
    try:
        with ProvisionBook(asked.folder) as book:
            written = _written(book, asked)
    except AgencyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(written)
    return 0


def _written(book: ProvisionBook, asked: argparse.Namespace) -> bytes:
    if asked.what == "prune":
        return f"{book.prune()}\n".encode()
    since = datetime.combine(asked.since, time(), JAPAN)
    records = book.records(since, datetime.combine(asked.last + timedelta(days=1), time(), JAPAN))
    if asked.what == "csv":
        return to_csv(records)
    agency = Keystore.open(asked.folder).agency_id
    return to_page(records, agency=agency, since=asked.since, last=asked.last).encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
