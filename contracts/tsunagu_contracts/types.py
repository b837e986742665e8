"""Field types shared by events and messages."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from tsunagu_contracts.encoding import is_compact

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An opaque id; ids of ours are lower-case UUIDv7 (RFC 9562)."""

AgencyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,48}$")]
"""An agency's id; it is part of topic names and principals."""

Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""A SHA-256 digest in base64url without padding."""


def _compact(text: str) -> str:
    if not is_compact(text):
        raise ValueError("no compact serialisation")
    return text


Compact = Annotated[
    str,
    StringConstraints(max_length=900 * 1024),
    AfterValidator(_compact),
    Field(json_schema_extra={"pattern": r"^[A-Za-z0-9_.-]+$"}),
]
"""A compact JOSE serialisation (RFC 7515, RFC 7516); verified where it is used."""

Instant = AwareDatetime
"""A moment with its offset (RFC 3339)."""

Jwk = Mapping[str, str]
"""A public JSON Web Key (RFC 7517) whose members are all strings."""


class Frozen(BaseModel):
    """A value that never changes; readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")
