"""Records as CSV (RFC 4180) for a spreadsheet: UTF-8 with a byte order mark, which Excel needs to read Japanese."""

import csv
import io
from collections.abc import Iterable

from tsunagu_agency.provisions.records import ProvisionRecord
from tsunagu_agency.provisions.table import COLUMNS, cells

# What a spreadsheet takes for the beginning of a formula, also after white space; the wide forms too, which a
# Japanese input method may write and some programs read alike.
_FORMULA = tuple("=+-@\t\r\n|%＝＋－＠")


def to_csv(records: Iterable[ProvisionRecord]) -> bytes:
    """Write records under their column names; no cell is read as a formula (OWASP, CSV injection)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in cells(record)] for record in records)
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA) else cell
