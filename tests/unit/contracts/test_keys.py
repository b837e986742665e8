import pytest
from jwcrypto import jwk as jwcrypto_jwk

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, PublicKey, SigningKey, thumbprint


def test_a_thumbprint_is_that_of_rfc_7638() -> None:
    """The EC key of RFC 9449 section 4.1 has the thumbprint that its section 6.1 prints."""
    key = {
        "kty": "EC",
        "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }
    assert thumbprint(key) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_another_library_gives_the_same_thumbprint() -> None:
    """A key's kid is what jwcrypto computes for it."""
    public = SigningKey.generate().public
    assert jwcrypto_jwk.JWK(**public.jwk()).thumbprint() == public.kid


def test_a_private_key_survives_storing() -> None:
    """What `private_jwk` writes reads back as the same key."""
    key = EncryptionKey.generate()
    assert EncryptionKey.from_jwk(key.private_jwk()).private_jwk() == key.private_jwk()


def test_a_key_prints_no_secret() -> None:
    """The repr of a private key shows its kid alone."""
    key = SigningKey.generate()
    assert key.private_jwk()["d"] not in repr(key)
    assert key.public.kid in repr(key)


def test_a_signing_key_cannot_be_read_as_an_encryption_key() -> None:
    """The use written in a JWK decides what it may be read as."""
    with pytest.raises(Refusal) as caught:
        EncryptionKey.from_jwk(SigningKey.generate().private_jwk())
    assert caught.value.code is RefusalCode.KEY_MALFORMED


def test_a_secret_of_another_key_is_refused() -> None:
    """A private JWK whose secret does not belong to its point is no key."""
    mixed = SigningKey.generate().private_jwk() | {"d": SigningKey.generate().private_jwk()["d"]}
    with pytest.raises(Refusal) as caught:
        SigningKey.from_jwk(mixed)
    assert caught.value.code is RefusalCode.KEY_MALFORMED


VALID = SigningKey.generate().public.jwk()


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": VALID["y"], "y": VALID["x"]},
        {"x": "A" * 43},
        {"x": VALID["x"] + "="},
        {"x": "AAAA" + VALID["x"]},
        {"y": ""},
        {"y": None},
        {"y": 7},
        {"use": "both"},
        {"use": None},
        {"kid": "A" * 43},
        {"kid": None},
        {"alg": "ES256"},
        {"d": "A" * 43},
        {"x5u": "https://example.org/key"},
    ],
    ids=",".join,
)
def test_a_public_key_is_one_exact_form(change: dict[str, object]) -> None:
    """Another type, curve, spelling or member, a point off the curve or a false kid is refused."""
    with pytest.raises(Refusal) as caught:
        PublicKey.from_jwk(VALID | change)
    assert caught.value.code is RefusalCode.KEY_MALFORMED


@pytest.mark.parametrize("missing", ["kty", "crv", "x", "y", "use", "kid"])
def test_a_public_key_needs_every_member(missing: str) -> None:
    """A JWK without one of its members is refused."""
    with pytest.raises(Refusal) as caught:
        PublicKey.from_jwk({name: value for name, value in VALID.items() if name != missing})
    assert caught.value.code is RefusalCode.KEY_MALFORMED


@pytest.mark.parametrize(
    "secret",
    ["", "AQ", "A" * 43, "_" * 42 + "8", "____" + SigningKey.generate().private_jwk()["d"], 7, None],
    ids=["empty", "short", "zero", "above the order", "long", "a number", "null"],
)
def test_a_secret_is_32_bytes_in_one_spelling(secret: object) -> None:
    """A secret of another length, or outside the group's order, is no key."""
    with pytest.raises(Refusal) as caught:
        SigningKey.from_jwk(SigningKey.generate().private_jwk() | {"d": secret})
    assert caught.value.code is RefusalCode.KEY_MALFORMED


def test_a_coordinate_above_the_prime_is_refused() -> None:
    """The point whose x is 5 has no second spelling with p + 5."""
    prime, b = 2**256 - 2**224 + 2**192 + 2**96 - 1, 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    root = pow(5**3 - 3 * 5 + b, (prime + 1) // 4, prime)
    y = to_base64url(root.to_bytes(32, "big"))
    point = {"kty": "EC", "crv": "P-256", "y": y}
    assert thumbprint(point | {"x": to_base64url((5).to_bytes(32, "big"))})
    with pytest.raises(Refusal) as caught:
        thumbprint(point | {"x": to_base64url((prime + 5).to_bytes(32, "big"))})
    assert caught.value.code is RefusalCode.KEY_MALFORMED
