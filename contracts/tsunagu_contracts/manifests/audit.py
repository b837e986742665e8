"""What agencies say to `audit`, over HTTP: which openings they have in their books, without anybody's name."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from tsunagu_contracts.codes import ProvisionSide
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.types import Digest, Frozen, Id

MOST_RECORDS = 200
"""How many records one report holds at most, so that its event stays within an entry of the log (65,535 bytes)."""


class RecordKept(Frozen):
    """That an opening is in the book, with the digest of what both sides must have written alike.

    SHA-256 over release, referral, section, category, purpose, recipient, statement and the moment of the decision
    (UTC, with microseconds and +00:00), one a line.
    """

    release_id: Id
    digest: Digest


def _of_distinct_releases(records: tuple[RecordKept, ...]) -> tuple[RecordKept, ...]:
    if len({record.release_id for record in records}) != len(records):
        raise ValueError("a release repeats")
    return records


class ProvisionsRecorded(Frozen):
    """Records of one side that are in the agency's book."""

    side: ProvisionSide
    records: Annotated[
        tuple[RecordKept, ...], Field(min_length=1, max_length=MOST_RECORDS), AfterValidator(_of_distinct_releases)
    ]


class ReportProvisions(Manifest):
    """An agency's word that it keeps the records that 個人情報保護法29条 or 30条 asks of it."""

    TYPE: ClassVar[str] = "agency.provisions.report.v1"

    type: Literal["agency.provisions.report.v1"] = "agency.provisions.report.v1"
    expectedversion: Literal[0] = 0
    data: ProvisionsRecorded
