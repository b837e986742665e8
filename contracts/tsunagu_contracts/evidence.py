"""Sealed evidence: a file that opens only with both of its custodians.

The recording client seals a file once, as a body (`dir`, A256GCM) under a content key of its own, and splits that key
by XOR into two shares, of which either alone is random (secret splitting, Schneier, Applied Cryptography, 3.6; a
one-time pad). Each share is sealed to one custodian (ECDH-ES+A256KW) and says inside of what it is a share. In a
dispute each custodian seals its share anew, to the other and for that dispute alone; `audit` passes on what it cannot
open.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field

from tsunagu_contracts import jose
from tsunagu_contracts.codes import EvidenceKind, RefusalCode
from tsunagu_contracts.encoding import digest, is_compact, to_base64url
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import EncryptionKey, PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.manifests import EvidenceGiven, SealedShare
from tsunagu_contracts.ports import RandomBytes
from tsunagu_contracts.sealing import KeyText, Secret, read_key
from tsunagu_contracts.types import AgencyId, Id

SHARE_TYP = "tsunagu-evidence-share"
OPENED_SHARE_TYP = "tsunagu-opened-share"

_BEFORE = 512
"""Bytes in which the header and the nonce of a sealed file must have come."""


class Custodian(NamedTuple):
    """An agency that holds a share, and its registered encryption key."""

    agency_id: str
    key: PublicKey


class EvidenceShare(Secret):
    """One of the two shares of a file's content key: of which file, whose share, and which of the two."""

    evidence_id: Id
    custodian: AgencyId
    part: Annotated[int, Field(ge=1, le=2)]
    key: KeyText = Field(repr=False)


class OpenedShare(EvidenceShare):
    """A custodian's share as it gives it to the other in one dispute."""

    dispute_id: Id


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """A sealed file as it travels, what it is, and the two sealed shares of its key."""

    evidence_id: str
    media_type: EvidenceKind
    file: bytes
    digest: str
    shares: tuple[SealedShare, SealedShare]


def kind_of(content: bytes) -> EvidenceKind:
    """What a file is, by its first bytes; refuses with `evidence_kind` what evidence cannot be."""
    for kind, signature in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return EvidenceKind.WAV
    if content[4:8] == b"ftyp" and content[8:12] in (b"M4A ", b"M4B "):  # ISO/IEC 14496-12; a film has other brands
        return EvidenceKind.M4A
    # MPEG audio without tags begins with a frame: eleven set bits, a version, layer III (ISO/IEC 11172-3).
    if len(content) > 2 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2 and content[1] & 0x18 != 0x08:
        return EvidenceKind.MP3
    raise Refusal(RefusalCode.EVIDENCE_KIND)


_SIGNATURES = (
    (EvidenceKind.PNG, b"\x89PNG\r\n\x1a\n"),
    (EvidenceKind.JPEG, b"\xff\xd8\xff"),
    (EvidenceKind.PDF, b"%PDF-"),
    (EvidenceKind.OGG, b"OggS"),
    (EvidenceKind.MP3, b"ID3"),
)


def check_custodians(recorder: str, custodians: Sequence[str]) -> None:
    """Refuse with `custodian_not_allowed` all but two agencies that are not the recording one."""
    if len(set(custodians)) != 2 or len(custodians) != 2 or recorder in custodians:
        raise Refusal(RefusalCode.CUSTODIAN_NOT_ALLOWED)


def seal_evidence(
    recorder: str,
    content: bytes,
    evidence_id: str,
    custodians: tuple[Custodian, Custodian],
    *,
    random: RandomBytes = secrets.token_bytes,
    limits: Limits = DEFAULT_LIMITS,
) -> SealedEvidence:
    """Seal a file to its two custodians.

    Refuses with `oversize`, `evidence_kind` and the codes of `check_custodians`.
    """
    if len(content) > limits.evidence:
        raise Refusal(RefusalCode.OVERSIZE, part="evidence")
    kind = kind_of(content)
    check_custodians(recorder, [agency_id for agency_id, _ in custodians])
    content_key, pad = random(jose.CONTENT_KEY_BYTES), random(jose.CONTENT_KEY_BYTES)
    first, second = (
        _sealed_share(evidence_id, custodian, part, share)
        for part, (custodian, share) in enumerate(zip(custodians, (pad, _xor(content_key, pad)), strict=True), start=1)
    )
    file = jose.seal_body(content, content_key, evidence_id).encode("ascii")
    return SealedEvidence(evidence_id, kind, file, digest(file), (first, second))


def _sealed_share(evidence_id: str, custodian: Custodian, part: int, share: bytes) -> SealedShare:
    agency_id, key = custodian
    said = EvidenceShare(evidence_id=evidence_id, custodian=agency_id, part=part, key=to_base64url(share))
    return SealedShare(custodian=agency_id, share=jose.wrap(said.written(), key, typ=SHARE_TYP))


def pass_share_on(given: EvidenceGiven, custodian: str, key: EncryptionKey, other: PublicKey, dispute_id: str) -> str:
    """Open a custodian's own share and seal it to the other one, for this dispute; codes as for `jose.unwrap`."""
    share = _own_share(given, custodian, key)
    passed = OpenedShare(**share.model_dump(), dispute_id=dispute_id)
    return jose.wrap(passed.written(), other, typ=OPENED_SHARE_TYP)


def open_evidence(
    given: EvidenceGiven,
    file: bytes,
    custodian: str,
    key: EncryptionKey,
    passed_on: str,
    dispute_id: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Open a file with a custodian's own share and the one that the other has passed on in this dispute.

    Refuses with `digest_mismatch` another file than the recording agency signed, with the codes of `jose.unwrap`, and
    with `cannot_open` a share of another file, custodian, part or dispute.
    """
    if digest(file) != given.digest:
        raise Refusal(RefusalCode.DIGEST_MISMATCH)
    own = _own_share(given, custodian, key)
    theirs = OpenedShare.read(jose.unwrap(passed_on, key, typ=OPENED_SHARE_TYP))
    part, other = next((at, each) for at, each in enumerate(given.shares, start=1) if each.custodian != custodian)
    if theirs.dispute_id != dispute_id:
        raise Refusal(RefusalCode.CANNOT_OPEN)
    _require_share(theirs, given, other.custodian, part)
    content_key = _xor(read_key(own.key), read_key(theirs.key))
    body = Limits(body=sealed_limit(limits))
    return jose.open_body(file.decode("ascii"), content_key, given.evidence_id, limits=body)


def _own_share(given: EvidenceGiven, custodian: str, key: EncryptionKey) -> EvidenceShare:
    for part, each in enumerate(given.shares, start=1):
        if each.custodian == custodian:
            share = EvidenceShare.read(jose.unwrap(each.share, key, typ=SHARE_TYP))
            _require_share(share, given, custodian, part)
            return share
    raise Refusal(RefusalCode.EVIDENCE_UNKNOWN)


def _require_share(share: EvidenceShare, given: EvidenceGiven, custodian: str, part: int) -> None:
    if (share.evidence_id, share.custodian, share.part) != (given.evidence_id, custodian, part):
        raise Refusal(RefusalCode.CANNOT_OPEN)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def sealed_limit(limits: Limits = DEFAULT_LIMITS) -> int:
    """How many bytes the largest sealed file has at most."""
    return _ciphertext_limit(limits) + _BEFORE


def _ciphertext_limit(limits: Limits) -> int:
    # Base64url without padding; the ciphertext of A256GCM is as long as its content.
    return -(-limits.evidence * 4 // 3)


class SealedFileCheck:
    """Checks a sealed file piece by piece, without any key and without holding it: form, size and digest."""

    def __init__(self, given: EvidenceGiven, limits: Limits = DEFAULT_LIMITS) -> None:
        self._given = given
        self._limits = limits
        self._size = self._dots = 0
        self._sum = hashlib.sha256()
        self._before, self._after = b"", b""

    def take(self, piece: bytes) -> None:
        """Take the next piece; refuses with `oversize` what is too much, and `token_malformed` what is no JWE."""
        self._size += len(piece)
        if self._size > min(self._given.size, sealed_limit(self._limits)):
            raise Refusal(RefusalCode.OVERSIZE, part="evidence")
        if piece and not is_compact(piece.decode("latin-1")):
            raise Refusal(RefusalCode.TOKEN_MALFORMED)
        self._dots += piece.count(b".")
        self._sum.update(piece)
        if len(self._before) < _BEFORE:
            self._before += piece[: _BEFORE - len(self._before)]
        self._after = (self._after + piece[-_BEFORE:])[-_BEFORE:]

    def end(self) -> None:
        """Check the whole; refuses with `digest_mismatch` (truncated, or another file), `oversize`, and as
        `jose.check_body` what is not sealed by the profile under this evidence's id.
        """
        if self._size != self._given.size or to_base64url(self._sum.digest()) != self._given.digest:
            raise Refusal(RefusalCode.DIGEST_MISMATCH, part="evidence")
        header, *before = self._before.decode("ascii").split(".")
        tag = self._after.decode("ascii").rpartition(".")[2]
        if self._dots != 4 or len(before) < 3:
            raise Refusal(RefusalCode.TOKEN_MALFORMED)
        encrypted_key, nonce, _ = before[:3]
        # In place of the ciphertext something short: no check of the form looks into it.
        jose.check_body(f"{header}.{encrypted_key}.{nonce}.AA.{tag}", self._given.evidence_id)
        if self._size - len(f"{header}.{encrypted_key}.{nonce}..{tag}") > _ciphertext_limit(self._limits):
            raise Refusal(RefusalCode.OVERSIZE, part="evidence")
