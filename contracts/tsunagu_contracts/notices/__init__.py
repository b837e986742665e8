"""The notices that a person is shown before speaking: published texts by version and language, never changed."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tsunagu_contracts.codes import Language
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.manifests import Notice

VERSIONS = ("2026-04",)
"""The versions ever published, the one in use last."""


@dataclass(frozen=True, slots=True)
class PublishedNotice:
    """One notice: what a statement says of it, and the text to show or read aloud."""

    shown: Notice
    text: str


@cache
def all_published() -> tuple[PublishedNotice, ...]:
    """Every notice ever published, in each language (個人情報保護法 27条1項; JIS X 9250, ISO/IEC 29184)."""
    return tuple(_read(version, language) for version in VERSIONS for language in Language)


def published(language: Language) -> PublishedNotice:
    """The notice that is to be shown now in a language."""
    return next(each for each in reversed(all_published()) if each.shown.language is language)


def is_published(notice: Notice) -> bool:
    """Whether a notice of this version and language was published with this very text."""
    return any(each.shown == notice for each in all_published())


def _read(version: str, language: Language) -> PublishedNotice:
    # As bytes: what is hashed is the file itself.
    raw = files(__name__).joinpath(version, f"{language.value}.txt").read_bytes()
    return PublishedNotice(Notice(version=version, language=language, hash=digest(raw)), raw.decode("utf-8"))
