"""How large a message of an agency and its parts may be; checked before anything is parsed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds in bytes of the serialised form (of `evidence`, of the plain file), and a count of sections."""

    body: int = 64 * 1024
    message: int = 900 * 1024
    manifest: int = 64 * 1024
    token: int = 32 * 1024
    sections: int = 48
    evidence: int = 20 * 1024 * 1024


DEFAULT_LIMITS = Limits()
"""The limits of DESIGN section 5, for whoever has no setting of their own."""
