"""What agencies say to `consent` of a person's receipts."""

from typing import ClassVar, Literal

from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Categories, Recipients
from tsunagu_contracts.types import Frozen, Id


class ReceiptWanted(Frozen):
    """A receipt for the person of a referral, or for a representative whom this agency has recorded.

    What the person wants to see only in person, by category or agency, no view by this receipt ever shows.
    """

    receipt_id: Id
    referral_id: Id
    representative: Id | None = None
    hidden_categories: Categories | None = None
    hidden_agencies: Recipients | None = None


class ReceiptLost(Frozen):
    """That a receipt of the person of a referral must open nothing from now on."""

    receipt_id: Id
    referral_id: Id


class IssueReceipt(Manifest):
    """A request for a receipt, to be given to the person in hand."""

    TYPE: ClassVar[str] = "agency.receipt.issue.v1"

    type: Literal["agency.receipt.issue.v1"] = "agency.receipt.issue.v1"
    expectedversion: Literal[0] = 0
    data: ReceiptWanted


class RevokeReceipt(Manifest):
    """An agency's word that a receipt was lost, or is not wanted any more."""

    TYPE: ClassVar[str] = "agency.receipt.revoke.v1"

    type: Literal["agency.receipt.revoke.v1"] = "agency.receipt.revoke.v1"
    expectedversion: Literal[0] = 0
    data: ReceiptLost
