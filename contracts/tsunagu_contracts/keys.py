"""Keys on P-256: one pair to sign, another to be written to; `kid` is the RFC 7638 thumbprint."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.types import Digest

_Coordinate = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes in base64url: a shorter or longer spelling of the same number is refused."""


class KeyUse(StrEnum):
    """What a key is for (RFC 7517 section 4.2); no key is for both."""

    SIGNING = "sig"
    ENCRYPTION = "enc"


class PublicKey(BaseModel):
    """A public JWK with exactly these members: a point on P-256 whose `kid` is its thumbprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: _Coordinate
    y: _Coordinate
    use: KeyUse
    kid: Digest

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if self.native.thumbprint() != self.kid:
            raise Refusal(RefusalCode.KEY_MALFORMED, reason="kid_is_not_the_thumbprint")
        return self

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read a public JWK; refuses with `key_malformed` anything else, a private key included."""
        try:
            return cls.model_validate(dict(jwk))
        except ValidationError:
            raise Refusal(RefusalCode.KEY_MALFORMED) from None

    def jwk(self) -> dict[str, str]:
        """Return the JWK that `from_jwk` reads."""
        return {
            "kty": self.kty,
            "crv": self.crv,
            "x": self.x,
            "y": self.y,
            "use": self.use.value,
            "kid": self.kid,
        }

    @cached_property
    def native(self) -> ECKey:
        """The library's key, made once; refuses with `key_malformed` what is no point on the curve."""
        return import_point(self.x, self.y)


def import_point(x: str, y: str, d: str | None = None) -> ECKey:
    """Make the library's key of coordinates; refuses with `key_malformed` whatever it cannot use."""
    members: dict[str, str | list[str]] = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    if d is not None:
        members["d"] = d
    try:
        return ECKey.import_key(members)
    except Exception:  # bare ValueError, TypeError and its own errors; none may pass uncoded
        raise Refusal(RefusalCode.KEY_MALFORMED) from None


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Return the RFC 7638 thumbprint of an EC key on P-256, SHA-256 in base64url."""
    x, y = jwk.get("x"), jwk.get("y")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or not isinstance(x, str) or not isinstance(y, str):
        raise Refusal(RefusalCode.KEY_MALFORMED)
    return import_point(x, y).thumbprint()


class _PrivateKey:
    """What both kinds of private key have in common; prints nothing but its thumbprint."""

    _USE: ClassVar[KeyUse]

    def __init__(self, native: ECKey) -> None:
        self.native = native
        members = native.as_dict(private=False)
        self.public = PublicKey.from_jwk(
            {"kty": "EC", "crv": members["crv"], "x": members["x"], "y": members["y"], "use": self._USE.value}
            | {"kid": native.thumbprint()}
        )

    @classmethod
    def generate(cls) -> Self:
        """Make a new pair; the randomness is the operating system's, inside the library."""
        return cls(ECKey.generate_key("P-256"))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read what `private_jwk` wrote; refuses with `key_malformed` anything else."""
        public = PublicKey.from_jwk({name: value for name, value in jwk.items() if name != "d"})
        secret = jwk.get("d")
        if public.use is not cls._USE or not isinstance(secret, str):
            raise Refusal(RefusalCode.KEY_MALFORMED)
        return cls(import_point(public.x, public.y, secret))

    def private_jwk(self) -> dict[str, str]:
        """Return the JWK with its secret, for a key store and nothing else."""
        return self.public.jwk() | {"d": str(self.native.as_dict(private=True)["d"])}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kid={self.public.kid!r})"


class SigningKey(_PrivateKey):
    """A private key that signs (ES256) and does nothing else."""

    _USE = KeyUse.SIGNING


class EncryptionKey(_PrivateKey):
    """A private key that opens what was written to its owner (ECDH-ES+A256KW) and does nothing else."""

    _USE = KeyUse.ENCRYPTION
