"""What an agency says to `consent` of a disclosure that it has made outside the network."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from tsunagu_contracts.codes import DisclosureGround, DisclosureWay, OutsideBody
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Categories
from tsunagu_contracts.types import AgencyId, Frozen, Id, Instant


class DisclosureMade(Frozen):
    """What was disclosed, on what ground, how, when, and to which agency or kind of body outside; never what it said.

    Recording it moves no key and changes nothing that is covered.
    """

    disclosure_id: Id
    referral_id: Id
    ground: DisclosureGround
    way: DisclosureWay
    to_agency: AgencyId | None = None
    to_body: OutsideBody | None = None
    categories: Categories
    disclosed_at: Instant

    @model_validator(mode="after")
    def _names_one_recipient(self) -> Self:
        if (self.to_agency is None) == (self.to_body is None):
            raise ValueError("a disclosure is to an agency or to a body outside")
        return self


class RecordDisclosure(Manifest):
    """A disclosure made outside the network, of a person of whom the agency has a referral."""

    TYPE: ClassVar[str] = "agency.disclosure.record.v1"

    type: Literal["agency.disclosure.record.v1"] = "agency.disclosure.record.v1"
    expectedversion: Literal[0] = 0
    data: DisclosureMade
