import hashlib
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDH
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

from tests.unit.contracts.forging import header_of, hmac_signed, with_header, with_header_text
from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import from_base64url, to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, SigningKey
from tsunagu_contracts.limits import Limits

SIGNING = SigningKey.generate()
ENCRYPTION = EncryptionKey.generate()
CONTENT_KEY = bytes(range(32))
PAYLOAD = '{"つなぐ":1}'.encode()
SIGNED = jose.sign(PAYLOAD, SIGNING, typ="t")
WRAPPED = jose.wrap(PAYLOAD, ENCRYPTION.public, typ="t")
BODY = jose.seal_body(PAYLOAD, CONTENT_KEY, "s-1")
RAW_SIGNATURE = from_base64url(SIGNED.rpartition(".")[2])
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def refused_verifying(token: str) -> RefusalCode:
    """The code with which a JWS is refused."""
    with pytest.raises(Refusal) as caught:
        jose.verify(token, SIGNING.public, typ="t")
    return caught.value.code


def refused_unwrapping(token: str) -> RefusalCode:
    """The code with which a wrapped JWE is refused."""
    with pytest.raises(Refusal) as caught:
        jose.unwrap(token, ENCRYPTION, typ="t")
    return caught.value.code


def refused_opening(token: str) -> RefusalCode:
    """The code with which a body is refused."""
    with pytest.raises(Refusal) as caught:
        jose.open_body(token, CONTENT_KEY, "s-1")
    return caught.value.code


def test_what_is_signed_verifies() -> None:
    """A signature of a key verifies with its public half and gives the payload back."""
    assert jose.verify(SIGNED, SIGNING.public, typ="t") == PAYLOAD
    assert jose.kid_of(SIGNED) == SIGNING.public.kid


def test_what_is_sealed_opens() -> None:
    """A wrapped token and a body open with their keys and give the plaintext back."""
    assert jose.unwrap(WRAPPED, ENCRYPTION, typ="t") == PAYLOAD
    assert jose.open_body(BODY, CONTENT_KEY, "s-1") == PAYLOAD


def test_another_library_verifies_our_signature_and_we_theirs() -> None:
    """JWS of ours and of jwcrypto verify on the other side."""
    theirs = jwcrypto_jws.JWS()
    theirs.deserialize(SIGNED, jwcrypto_jwk.JWK(**SIGNING.public.jwk()))
    assert theirs.payload == PAYLOAD
    made = jwcrypto_jws.JWS(PAYLOAD)
    header = {"alg": "ES256", "kid": SIGNING.public.kid, "typ": "t"}
    made.add_signature(jwcrypto_jwk.JWK(**SIGNING.private_jwk()), protected=json.dumps(header))
    assert jose.verify(made.serialize(compact=True), SIGNING.public, typ="t") == PAYLOAD


def test_another_library_opens_what_we_wrap_and_we_theirs() -> None:
    """ECDH-ES+A256KW tokens of ours and of jwcrypto open on the other side."""
    theirs = jwcrypto_jwe.JWE()
    theirs.deserialize(WRAPPED, jwcrypto_jwk.JWK(**ENCRYPTION.private_jwk()))
    assert theirs.payload == PAYLOAD
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": ENCRYPTION.public.kid, "typ": "t"}
    made = jwcrypto_jwe.JWE(PAYLOAD, json.dumps(header), recipient=jwcrypto_jwk.JWK(**ENCRYPTION.public.jwk()))
    assert jose.unwrap(made.serialize(compact=True), ENCRYPTION, typ="t") == PAYLOAD


def test_another_library_opens_our_bodies_and_we_theirs() -> None:
    """Bodies (dir, A256GCM) of ours and of jwcrypto open on the other side."""
    key = jwcrypto_jwk.JWK(kty="oct", k=to_base64url(CONTENT_KEY))
    theirs = jwcrypto_jwe.JWE()
    theirs.deserialize(BODY, key)
    assert theirs.payload == PAYLOAD
    made = jwcrypto_jwe.JWE(PAYLOAD, json.dumps({"alg": "dir", "enc": "A256GCM", "kid": "s-1"}), recipient=key)
    assert jose.open_body(made.serialize(compact=True), CONTENT_KEY, "s-1") == PAYLOAD


def test_no_signature_at_all_is_refused() -> None:
    """`alg: none` is refused by its algorithm, with and without a signature segment."""
    header = {"alg": "none", "kid": SIGNING.public.kid, "typ": "t"}
    assert refused_verifying(with_header(SIGNED, header)) is RefusalCode.ALGORITHM_NOT_ALLOWED
    unsigned = ".".join([*with_header(SIGNED, header).split(".")[:2], ""])
    assert refused_verifying(unsigned) is RefusalCode.TOKEN_MALFORMED


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER, "jwk"])
def test_the_public_key_is_no_hmac_secret(encoding: Encoding | str) -> None:
    """HS256 with the public key as the secret, in whatever spelling, is refused by its algorithm."""
    secret = (
        SIGNING.public.native.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        if isinstance(encoding, Encoding)
        else json.dumps(SIGNING.public.jwk()).encode()
    )
    token = hmac_signed({"alg": "HS256", "kid": SIGNING.public.kid, "typ": "t"}, PAYLOAD, secret)
    assert refused_verifying(token) is RefusalCode.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize("algorithm", ["RS256", "ES384", "ES256K", "EdDSA", "es256", "", None, 256, ["ES256"]])
def test_other_signature_algorithms_are_refused(algorithm: object) -> None:
    """Only ES256, spelled so, is verified."""
    token = with_header(SIGNED, header_of(SIGNED) | {"alg": algorithm})
    assert refused_verifying(token) is RefusalCode.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "ECDH-ES"},
        {"alg": "dir"},
        {"alg": "RSA1_5"},
        {"alg": "PBES2-HS256+A128KW", "p2c": 1 << 30},
        {"enc": "A128CBC-HS256"},
        {"enc": "A128GCM"},
        {"enc": None},
    ],
    ids=str,
)
def test_other_wrapping_algorithms_are_refused(change: dict[str, object]) -> None:
    """Only ECDH-ES+A256KW with A256GCM is unwrapped, and a costly PBES2 is never begun."""
    token = with_header(WRAPPED, header_of(WRAPPED) | change)
    assert refused_unwrapping(token) is RefusalCode.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize("change", [{"alg": "A256KW"}, {"enc": "A256CBC-HS512"}], ids=str)
def test_other_body_algorithms_are_refused(change: dict[str, object]) -> None:
    """Only dir with A256GCM is opened."""
    token = with_header(BODY, header_of(BODY) | change)
    assert refused_opening(token) is RefusalCode.ALGORITHM_NOT_ALLOWED


EXTRA_HEADERS: list[dict[str, object]] = [
    {"zip": "DEF"},
    {"crit": ["b64"], "b64": False},
    {"b64": True},
    {"jku": "https://example.org/keys"},
    {"jwk": SIGNING.public.jwk()},
    {"x5u": "https://example.org/certificate"},
    {"x5c": ["AAAA"]},
    {"p2c": 300000},
    {"apu": "AA"},
    {"cty": "JWT"},
    {"invented": 1},
]


@pytest.mark.parametrize("extra", EXTRA_HEADERS, ids=",".join)
def test_unexpected_headers_are_refused(extra: dict[str, object]) -> None:
    """A header name outside the closed list is refused in signatures, wrapped tokens and bodies."""
    assert refused_verifying(with_header(SIGNED, header_of(SIGNED) | extra)) is RefusalCode.HEADER_NOT_ALLOWED
    assert refused_unwrapping(with_header(WRAPPED, header_of(WRAPPED) | extra)) is RefusalCode.HEADER_NOT_ALLOWED
    assert refused_opening(with_header(BODY, header_of(BODY) | extra)) is RefusalCode.HEADER_NOT_ALLOWED


def test_a_compressed_body_that_is_sealed_rightly_is_refused_all_the_same() -> None:
    """A body whose own sealer set `zip` is refused: no sender can make a reader inflate."""
    key = jwcrypto_jwk.JWK(kty="oct", k=to_base64url(CONTENT_KEY))
    header = {"alg": "dir", "enc": "A256GCM", "kid": "s-1", "zip": "DEF"}
    token = jwcrypto_jwe.JWE(b"0" * 100_000, json.dumps(header), recipient=key).serialize(compact=True)
    assert refused_opening(token) is RefusalCode.HEADER_NOT_ALLOWED


@pytest.mark.parametrize("name", ["kid", "typ"])
def test_missing_headers_are_refused(name: str) -> None:
    """A token without its kid or typ is refused."""
    bare = {key: value for key, value in header_of(SIGNED).items() if key != name}
    assert refused_verifying(with_header(SIGNED, bare)) is RefusalCode.HEADER_NOT_ALLOWED


def test_a_token_of_another_type_is_refused() -> None:
    """What was signed or wrapped as one thing is not taken for another."""
    with pytest.raises(Refusal) as signed:
        jose.verify(SIGNED, SIGNING.public, typ="other")
    with pytest.raises(Refusal) as wrapped:
        jose.unwrap(WRAPPED, ENCRYPTION, typ="other")
    assert signed.value.code is wrapped.value.code is RefusalCode.HEADER_NOT_ALLOWED


def test_a_body_of_another_section_is_refused() -> None:
    """A body opens only as the section that its kid names."""
    with pytest.raises(Refusal) as caught:
        jose.open_body(BODY, CONTENT_KEY, "s-2")
    assert caught.value.code is RefusalCode.HEADER_NOT_ALLOWED


def test_another_key_is_refused() -> None:
    """Another key's token is refused by its kid, and by its signature when it claims our kid."""
    other = SigningKey.generate()
    theirs = jose.sign(PAYLOAD, other, typ="t")
    assert refused_verifying(theirs) is RefusalCode.UNKNOWN_KEY
    made = jwcrypto_jws.JWS(PAYLOAD)
    claimed = json.dumps({"alg": "ES256", "kid": SIGNING.public.kid, "typ": "t"})
    made.add_signature(jwcrypto_jwk.JWK(**other.private_jwk()), protected=claimed)
    assert refused_verifying(made.serialize(compact=True)) is RefusalCode.SIGNATURE_INVALID
    assert refused_unwrapping(jose.wrap(PAYLOAD, EncryptionKey.generate().public, typ="t")) is RefusalCode.UNKNOWN_KEY


def test_a_key_is_not_used_for_what_it_is_not_for() -> None:
    """No wrapping to a signing key, no verifying with an encryption key."""
    with pytest.raises(Refusal) as wrapping:
        jose.wrap(PAYLOAD, SIGNING.public, typ="t")
    with pytest.raises(Refusal) as verifying:
        jose.verify(SIGNED, ENCRYPTION.public, typ="t")
    assert wrapping.value.code is verifying.value.code is RefusalCode.KEY_MALFORMED


@pytest.mark.parametrize(
    "epk",
    [
        None,
        "point",
        [],
        {},
        {"kty": "EC"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "_" * 43, "y": "_" * 43},
        {"kty": "EC", "crv": "P-256", "x": "", "y": ""},
        {"kty": "EC", "crv": "P-256", "x": "A", "y": "A"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
        {"kty": "EC", "crv": "P-256", "x": None, "y": None},
        {"kty": "EC", "crv": "P-999", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-384", "x": "A" * 64, "y": "A" * 64},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "oct", "k": "AAAA"},
        {"kty": ["EC"], "crv": {}, "x": "A" * 43, "y": "A" * 43},
        EncryptionKey.generate().private_jwk(),
        EncryptionKey.generate().public.jwk(),
    ],
)
def test_a_malformed_or_off_curve_ephemeral_key_is_refused(epk: object) -> None:
    """Whatever stands where the ephemeral key should is refused with a code, before any exchange."""
    token = with_header(WRAPPED, header_of(WRAPPED) | {"epk": epk})
    assert refused_unwrapping(token) is RefusalCode.KEY_MALFORMED


def test_another_ephemeral_key_does_not_open() -> None:
    """A valid ephemeral key that was not the sealer's opens nothing."""
    point = {name: EncryptionKey.generate().public.jwk()[name] for name in ("kty", "crv")}
    other = EncryptionKey.generate().public
    token = with_header(WRAPPED, header_of(WRAPPED) | {"epk": point | {"x": other.x, "y": other.y}})
    assert refused_unwrapping(token) is RefusalCode.CANNOT_OPEN


def test_json_serialisations_are_refused() -> None:
    """JSON serialisations, among them one to two recipients, are refused as such."""
    second = EncryptionKey.generate()
    general = jwcrypto_jwe.JWE(PAYLOAD, json.dumps({"enc": "A256GCM"}))
    for key in (ENCRYPTION, second):
        header = json.dumps({"alg": "ECDH-ES+A256KW", "kid": key.public.kid})
        general.add_recipient(jwcrypto_jwk.JWK(**key.public.jwk()), header=header)
    assert refused_unwrapping(general.serialize()) is RefusalCode.JSON_SERIALISATION
    assert refused_verifying(json.dumps({"payload": "AA", "signatures": []})) is RefusalCode.JSON_SERIALISATION
    assert refused_opening(' {"ciphertext": "AA"}') is RefusalCode.JSON_SERIALISATION


def test_a_header_that_says_a_thing_twice_is_refused() -> None:
    """A header with a name twice is refused, so that no two readers can read it differently."""
    text = f'{{"alg":"none","alg":"ES256","kid":"{SIGNING.public.kid}","typ":"t"}}'
    assert refused_verifying(with_header_text(SIGNED, text)) is RefusalCode.TOKEN_MALFORMED


@pytest.mark.parametrize("text", ["[]", "1", "null", "", "{", '"alg"', "\x00", '{"alg":NaN}', '{"a":"\\ud800"}'])
def test_a_header_that_is_no_json_object_is_refused(text: str) -> None:
    """A header that is anything but a JSON object is malformed."""
    assert refused_verifying(with_header_text(SIGNED, text)) is RefusalCode.TOKEN_MALFORMED


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "あ.b.c", "a b.c.d", "YQ==.YQ==.YQ=="])
def test_what_is_no_token_is_refused(token: str) -> None:
    """Text that is not three (or five) base64url parts is malformed."""
    assert refused_verifying(token) is RefusalCode.TOKEN_MALFORMED
    assert refused_unwrapping(token) is RefusalCode.TOKEN_MALFORMED


def test_size_is_checked_before_anything_is_read() -> None:
    """A token over its limit is refused as oversize even where it is not a token at all."""
    limits = Limits(body=100, manifest=100, token=100)
    with pytest.raises(Refusal) as verifying:
        jose.verify("{" * 101, SIGNING.public, typ="t", limits=limits)
    with pytest.raises(Refusal) as unwrapping:
        jose.unwrap("{" * 101, ENCRYPTION, typ="t", limits=limits)
    with pytest.raises(Refusal) as opening:
        jose.open_body("{" * 101, CONTENT_KEY, "s-1", limits=limits)
    codes = {verifying.value.code, unwrapping.value.code, opening.value.code}
    assert codes == {RefusalCode.OVERSIZE}


def test_a_direct_body_carries_no_wrapped_key() -> None:
    """A body with something in the place of an encrypted key is malformed."""
    header, _, *rest = BODY.split(".")
    assert refused_opening(".".join([header, "AAAA", *rest])) is RefusalCode.TOKEN_MALFORMED


def test_a_short_tag_is_refused() -> None:
    """A truncated authentication tag is malformed, not a weaker check."""
    *rest, tag = BODY.split(".")
    assert refused_opening(".".join([*rest, tag[:16]])) is RefusalCode.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        RAW_SIGNATURE[:63],
        RAW_SIGNATURE + b"\x00",
        b"\x00" + RAW_SIGNATURE,
        RAW_SIGNATURE[:32] + b"\x00" + RAW_SIGNATURE[32:],
        bytes(64),
        RAW_SIGNATURE[:32] + bytes(32),
        bytes(32) + RAW_SIGNATURE[32:],
        ORDER.to_bytes(32, "big") + RAW_SIGNATURE[32:],
        b"\xff" * 64,
        RAW_SIGNATURE[32:] + RAW_SIGNATURE[:32],
        encode_dss_signature(int.from_bytes(RAW_SIGNATURE[:32], "big"), int.from_bytes(RAW_SIGNATURE[32:], "big")),
    ],
    ids=[
        "empty",
        "short",
        "long",
        "long before",
        "long within",
        "zeros",
        "second zero",
        "first zero",
        "above the order",
        "ones",
        "in turn",
        "DER",
    ],
)
def test_a_signature_is_two_numbers_of_32_bytes(signature: bytes) -> None:
    """Another length, zero, a number above the order, the numbers in turn and the DER form are refused."""
    token = f"{SIGNED.rpartition('.')[0]}.{to_base64url(signature)}"
    code = RefusalCode.SIGNATURE_INVALID if signature else RefusalCode.TOKEN_MALFORMED
    assert refused_verifying(token) is code


@pytest.mark.parametrize("moved", [-4, -1, 1, 4])
def test_what_is_wrapped_cannot_be_cut_elsewhere(moved: int) -> None:
    """The bytes of a wrapped token with another border between ciphertext and tag are refused."""
    *rest, ciphertext, tag = WRAPPED.split(".")
    joined = from_base64url(ciphertext) + from_base64url(tag)
    border = len(joined) - 16 + moved
    token = ".".join([*rest, to_base64url(joined[:border]), to_base64url(joined[border:])])
    assert refused_unwrapping(token) is RefusalCode.CANNOT_OPEN


@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: raw + b"\x00", lambda raw: raw[:8]])
def test_a_wrapped_key_and_its_nonce_have_one_length(part: int, change: Callable[[bytes], bytes]) -> None:
    """A wrapped token with a longer or shorter encrypted key or nonce is refused."""
    parts = WRAPPED.split(".")
    parts[part] = to_base64url(change(from_base64url(parts[part])))
    assert refused_unwrapping(".".join(parts)) is RefusalCode.CANNOT_OPEN


def test_a_content_key_of_another_length_is_refused() -> None:
    """A rightly wrapped key of 128 bits, with which a body under our `enc` would be opened, is refused."""
    ephemeral = EncryptionKey.generate()
    point = {name: ephemeral.public.jwk()[name] for name in ("kty", "crv", "x", "y")}
    encoded = with_header(WRAPPED, header_of(WRAPPED) | {"epk": point}).partition(".")[0]
    secret = ephemeral.native.exchange(ECDH(), ENCRYPTION.public.native)
    party = b"".join(len(each).to_bytes(4, "big") + each for each in (b"ECDH-ES+A256KW", b"", b""))
    agreed = hashlib.sha256((1).to_bytes(4, "big") + secret + party + (256).to_bytes(4, "big")).digest()
    for length, opens in ((32, True), (16, False)):
        content_key, nonce = bytes(length), bytes(12)
        sealed = AESGCM(content_key).encrypt(nonce, PAYLOAD, encoded.encode())
        parts = [aes_key_wrap(agreed, content_key), nonce, sealed[:-16], sealed[-16:]]
        token = ".".join([encoded, *map(to_base64url, parts)])
        if opens:
            assert jose.unwrap(token, ENCRYPTION, typ="t") == PAYLOAD
        else:
            assert refused_unwrapping(token) is RefusalCode.CANNOT_OPEN


def test_a_refusal_repeats_nothing_of_the_token() -> None:
    """What an unexpected header was called stays out of the refusal: it is the sender's text."""
    with pytest.raises(Refusal) as caught:
        jose.verify(with_header(SIGNED, header_of(SIGNED) | {"神田花子": 1}), SIGNING.public, typ="t")
    assert "神田" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__cause__ is None


def test_a_large_content_within_the_limit_opens() -> None:
    """A body just under 64 KiB, which the library by itself would refuse, opens."""
    plaintext = b"x" * 49_000
    token = jose.seal_body(plaintext, CONTENT_KEY, "s-1")
    assert 65_000 < len(token) <= Limits().body
    assert jose.open_body(token, CONTENT_KEY, "s-1") == plaintext
