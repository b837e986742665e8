"""Keys on P-256: one pair to sign, another to be written to; `kid` is the RFC 7638 thumbprint."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest, from_base64url, to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.types import Digest

_Coordinate = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes in base64url: a shorter or longer spelling of the same number is refused."""


class KeyUse(StrEnum):
    """What a key is for (RFC 7517 section 4.2); no key is for both."""

    SIGNING = "sig"
    ENCRYPTION = "enc"


class PublicJwk(BaseModel):
    """A public JWK with exactly these members, each in its form; whether they are a key is not checked yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: _Coordinate
    y: _Coordinate
    use: KeyUse
    kid: Digest


class PublicKey(PublicJwk):
    """A public JWK with exactly these members: a point on P-256 whose `kid` is its thumbprint."""

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        # Making the key is what checks the point.
        _ = self.native
        if _thumbprint(self.x, self.y) != self.kid:
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
    def native(self) -> EllipticCurvePublicKey:
        """The library's key, made once; refuses with `key_malformed` what is no point on the curve."""
        return import_point(self.x, self.y)


def import_point(x: str, y: str) -> EllipticCurvePublicKey:
    """Make the library's key of coordinates; refuses with `key_malformed` whatever it cannot use.

    The point must be on the curve; P-256 has no other subgroup to check for.
    """
    try:
        point = b"\x04" + _number(x) + _number(y)  # uncompressed, SEC 1 section 2.3.3
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except Exception:  # bare ValueError, TypeError and the library's own errors; none may pass uncoded
        raise Refusal(RefusalCode.KEY_MALFORMED) from None


def _import_secret(x: str, y: str, d: str) -> EllipticCurvePrivateKey:
    """The same with the secret `d`, which must be the point's."""
    try:
        across, up, secret = (int.from_bytes(_number(each), "big") for each in (x, y, d))
        numbers = EllipticCurvePublicNumbers(across, up, SECP256R1())
        return EllipticCurvePrivateNumbers(secret, numbers).private_key()
    except Exception:  # as in import_point
        raise Refusal(RefusalCode.KEY_MALFORMED) from None


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Return the RFC 7638 thumbprint of an EC key on P-256, SHA-256 in base64url."""
    x, y = jwk.get("x"), jwk.get("y")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or not isinstance(x, str) or not isinstance(y, str):
        raise Refusal(RefusalCode.KEY_MALFORMED)
    import_point(x, y)
    return _thumbprint(x, y)


def _number(text: str) -> bytes:
    """The 32 bytes of a coordinate or a secret (RFC 7518 sections 6.2.1.2 and 6.2.2.1), in their one spelling."""
    raw = from_base64url(text)
    if len(raw) != 32:
        raise Refusal(RefusalCode.KEY_MALFORMED)
    return raw


def _text(number: int) -> str:
    """What `_number` reads."""
    return to_base64url(number.to_bytes(32, "big"))


def _thumbprint(x: str, y: str) -> str:
    """The digest of the members that RFC 7638 section 3.2 requires, in its order; `x` and `y` are base64url."""
    return digest(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}')


class _PrivateKey:
    """What both kinds of private key have in common; prints nothing but its thumbprint."""

    _USE: ClassVar[KeyUse]

    def __init__(self, native: EllipticCurvePrivateKey, public: PublicKey) -> None:
        self.native = native
        self.public = public

    @classmethod
    def generate(cls) -> Self:
        """Make a new pair; the randomness is the operating system's, inside the library."""
        native = generate_private_key(SECP256R1())
        point = native.public_key().public_numbers()
        x, y = _text(point.x), _text(point.y)
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": cls._USE.value, "kid": _thumbprint(x, y)}
        return cls(native, PublicKey.from_jwk(jwk))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read what `private_jwk` wrote; refuses with `key_malformed` anything else."""
        public = PublicKey.from_jwk({name: value for name, value in jwk.items() if name != "d"})
        secret = jwk.get("d")
        if public.use is not cls._USE or not isinstance(secret, str):
            raise Refusal(RefusalCode.KEY_MALFORMED)
        return cls(_import_secret(public.x, public.y, secret), public)

    def private_jwk(self) -> dict[str, str]:
        """Return the JWK with its secret, for a key store and nothing else."""
        return self.public.jwk() | {"d": _text(self.native.private_numbers().private_value)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kid={self.public.kid!r})"


class SigningKey(_PrivateKey):
    """A private key that signs (ES256) and does nothing else."""

    _USE = KeyUse.SIGNING


class EncryptionKey(_PrivateKey):
    """A private key that opens what was written to its owner (ECDH-ES+A256KW) and does nothing else."""

    _USE = KeyUse.ENCRYPTION
