"""That a person is to be forgotten, over HTTP to `consent`."""

from typing import ClassVar, Literal

from tsunagu_contracts.codes import StatementMethod
from tsunagu_contracts.manifests.manifest import Manifest
from tsunagu_contracts.manifests.parts import Notice
from tsunagu_contracts.types import Frozen, Id, Instant


class ErasureAsked(Frozen):
    """That the person of this referral asked to be erased: when, how, and what they were told it means."""

    erasure_id: Id
    referral_id: Id
    how: StatementMethod
    notice: Notice
    stated_at: Instant


class ErasePerson(Manifest):
    """The end of everything that is sealed about a person; by a supervisor of a party, and never taken back."""

    TYPE: ClassVar[str] = "agency.person.erase.v1"

    type: Literal["agency.person.erase.v1"] = "agency.person.erase.v1"
    expectedversion: Literal[0] = 0
    data: ErasureAsked
