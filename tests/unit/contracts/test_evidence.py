"""Sealing evidence: its kind, its two shares, and who can open it with what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.agency_messages import SendingAgency
from tests.builders.evidence import PDF, Evidence, evidence_of
from tsunagu_contracts import jose
from tsunagu_contracts.codes import EvidenceKind, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.evidence import (
    SHARE_TYP,
    EvidenceShare,
    SealedFileCheck,
    kind_of,
    open_evidence,
    pass_share_on,
)
from tsunagu_contracts.limits import DEFAULT_LIMITS
from tsunagu_contracts.sealing import read_key

RECORDER, ONE, OTHER = (SendingAgency(id=f"agency-{name}") for name in "rab")


def sealed(content: bytes = PDF) -> Evidence:
    """Evidence in two custodians' hands."""
    return evidence_of(RECORDER, "s-1", "r-1", (ONE, OTHER), content)


def passed(evidence: Evidence, by: SendingAgency, to: SendingAgency, dispute_id: str = "d-1") -> str:
    """A custodian's share, passed on."""
    return pass_share_on(evidence.manifest.data, by.id, by.encryption, to.encryption.public, dispute_id)


def opened(evidence: Evidence, by: SendingAgency, share: str, dispute_id: str = "d-1") -> bytes:
    """What a custodian opens."""
    file = evidence.sealed.file
    return open_evidence(evidence.manifest.data, file, by.id, by.encryption, share, dispute_id)


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", EvidenceKind.PNG),
        (b"\xff\xd8\xff\xe0", EvidenceKind.JPEG),
        (b"%PDF-2.0", EvidenceKind.PDF),
        (b"ID3\x04", EvidenceKind.MP3),
        (b"\xff\xfb\x90\x00", EvidenceKind.MP3),
        (b"\0\0\0\x20ftypM4A \0\0", EvidenceKind.M4A),
        (b"OggS\0", EvidenceKind.OGG),
        (b"RIFF\0\0\0\0WAVEfmt ", EvidenceKind.WAV),
    ],
)
def test_a_file_is_what_it_begins_with(begin: bytes, kind: EvidenceKind) -> None:
    """The kind follows from the content, whatever a file is called."""
    assert kind_of(begin + bytes(32)) is kind


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"<svg>", b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0AVI ", b"\xff\xf9\x50", "同意".encode()],
)
def test_other_kinds_are_refused(content: bytes) -> None:
    """Text, archives, films and whatever else is no evidence."""
    with pytest.raises(Refusal) as refused:
        kind_of(content)
    assert refused.value.code is RefusalCode.EVIDENCE_KIND


def test_either_custodian_opens_with_the_others_share() -> None:
    """Both shares together are the key; each custodian gets the other's, and the plain file."""
    evidence = sealed()
    assert opened(evidence, ONE, passed(evidence, OTHER, ONE)) == PDF
    assert opened(evidence, OTHER, passed(evidence, ONE, OTHER)) == PDF


@given(st.integers(0, 1))
def test_one_share_alone_is_no_key(which: int) -> None:
    """No share opens the file by itself, nor put together with itself."""
    evidence = sealed()
    custodian = (ONE, OTHER)[which]
    token = evidence.sealed.shares[which].share
    share = read_key(EvidenceShare.read(jose.unwrap(token, custodian.encryption, typ=SHARE_TYP)).key)
    for key in (share, bytes(32)):
        with pytest.raises(Refusal):
            jose.open_body(evidence.sealed.file.decode(), key, evidence.id)


def test_what_is_passed_on_opens_nothing_else() -> None:
    """A share for another dispute, of another file, or one's own in the other's place is refused."""
    evidence, another = sealed(), sealed()
    wrong = (
        (passed(evidence, OTHER, ONE, "d-2"), RefusalCode.CANNOT_OPEN),
        (passed(another, OTHER, ONE), RefusalCode.CANNOT_OPEN),
        (passed(evidence, ONE, ONE), RefusalCode.CANNOT_OPEN),
        (passed(evidence, ONE, OTHER), RefusalCode.UNKNOWN_KEY),
        (evidence.sealed.shares[0].share, RefusalCode.HEADER_NOT_ALLOWED),
    )
    for share, code in wrong:
        with pytest.raises(Refusal) as refused:
            opened(evidence, ONE, share)
        assert refused.value.code is code


def test_swapped_shares_are_refused() -> None:
    """A share says inside whose it is and which of the two: in another's place it does not pass."""
    evidence = sealed()
    mine = EvidenceShare.read(jose.unwrap(evidence.sealed.shares[0].share, ONE.encryption, typ=SHARE_TYP))
    for change in ({"part": 2}, {"custodian": OTHER.id}, {"evidence_id": "another"}):
        token = jose.wrap(mine.model_copy(update=change).written(), ONE.encryption.public, typ=SHARE_TYP)
        share = evidence.sealed.shares[0].model_copy(update={"share": token})
        given = evidence.manifest.data.model_copy(update={"shares": (share, evidence.sealed.shares[1])})
        with pytest.raises(Refusal) as refused:
            pass_share_on(given, ONE.id, ONE.encryption, OTHER.encryption.public, "d-1")
        assert refused.value.code is RefusalCode.CANNOT_OPEN


def test_no_more_than_the_limit_is_sealed() -> None:
    """A file beyond the limit is refused before anything is sealed."""
    with pytest.raises(Refusal) as refused:
        sealed(PDF + bytes(DEFAULT_LIMITS.evidence))
    assert refused.value.code is RefusalCode.OVERSIZE


@given(st.binary(max_size=3000), st.integers(1, 5000))
def test_a_sound_file_passes_however_it_is_cut(content: bytes, size: int) -> None:
    """The check takes pieces of any size."""
    evidence = sealed(PDF + content)
    check, file = SealedFileCheck(evidence.manifest.data), evidence.sealed.file
    for start in range(0, len(file), size):
        check.take(file[start : start + size])
    check.end()
