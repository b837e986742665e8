"""What the manifests of every type say."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from tsunagu_contracts.types import Frozen, Id, Instant


class Manifest(Frozen):
    """What the manifests of every type say: which agency, which coordinator under which appointment, when."""

    TYPE: ClassVar[str]

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: Annotated[str, StringConstraints(pattern=r"^agency/[a-z0-9][a-z0-9-]{1,48}$")]
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    actor: Annotated[str, StringConstraints(pattern=r"^coordinator:[a-z0-9][a-z0-9.-]{0,63}$")]
    appointment: Id
    expectedversion: Annotated[int, Field(ge=0, le=2**53)]

    @property
    def agency_id(self) -> str:
        """The agency that signed."""
        return self.source.removeprefix("agency/")

    @property
    def coordinator_id(self) -> str:
        """The coordinator who acted."""
        return self.actor.removeprefix("coordinator:")
