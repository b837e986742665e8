"""Codes of evidence: what a file may be, and on what ground it is opened."""

from enum import StrEnum


class EvidenceKind(StrEnum):
    """What a file of evidence may be: an image, a document or a recording, by its media type (RFC 6838)."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    PDF = "application/pdf"
    MP3 = "audio/mpeg"
    M4A = "audio/mp4"
    OGG = "audio/ogg"
    WAV = "audio/wav"


class DisputeGround(StrEnum):
    """Why evidence is to be opened."""

    PERSON_DISPUTES = "person_disputes"
    REPRESENTATIVE_DISPUTES = "representative_disputes"
    COURT_ORDER = "court_order"
    SUPERVISORY_AUTHORITY = "supervisory_authority"
