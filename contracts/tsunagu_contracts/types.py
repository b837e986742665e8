"""Field types shared by events and messages."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

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


def _written_as_a_moment(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and value[4:5] == "-"):
        return value
    raise ValueError("no moment of RFC 3339")


def _exists_in_utc(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the calendar") from None
    return value


def _whole(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _END_OF_WHOLE:
        return value
    raise ValueError("no whole number of 32 bits")


_END_OF_WHOLE = 1 << 31

Instant = Annotated[AwareDatetime, BeforeValidator(_written_as_a_moment), AfterValidator(_exists_in_utc)]
"""A moment with its offset (RFC 3339), which also has a name in UTC: databases keep and return it so."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number of at most 32 bits, as databases keep it; a number in JSON and not a text that looks like one."""

Positive = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
"""A whole number of at least one, as `Whole`."""

Version = Positive
"""The version of an aggregate; the first is 1."""

Jwk = Mapping[str, str]
"""A public JSON Web Key (RFC 7517) whose members are all strings."""


class Frozen(BaseModel):
    """A value that never changes; readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")
