"""The records that 個人情報保護法29条 and 30条 ask of an agency: made, kept for their time, printed and reported.

`python -m tsunagu_agency.provisions FOLDER csv|page|prune [--from DAY] [--until DAY]`
"""

from tsunagu_agency.provisions.book import LEAST_YEARS, CaughtUp, LocalName, ProvisionBook
from tsunagu_agency.provisions.page import to_page
from tsunagu_agency.provisions.records import Counterpart, ProvisionRecord, Pruned
from tsunagu_agency.provisions.spreadsheet import to_csv

__all__ = [
    "LEAST_YEARS",
    "CaughtUp",
    "Counterpart",
    "LocalName",
    "ProvisionBook",
    "ProvisionRecord",
    "Pruned",
    "to_csv",
    "to_page",
]
