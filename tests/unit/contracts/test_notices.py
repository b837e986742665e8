"""The published notices never change."""

from tsunagu_contracts import notices
from tsunagu_contracts.codes import Language
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.manifests import Notice

# Only ever added to: statements name these.
PUBLISHED = {
    ("2026-04", Language.JA): "diLiUA_1FwZef3vChTYNCDyBPtTveKlsume_fS5KlHE",
    ("2026-04", Language.JA_EASY): "xMmG9AArwRf5lUd-KePIBf3zAqEO9OyWJuIX7MHGmmc",
    ("2026-04", Language.EN): "l4st0_H2qiDtd9_YIYXa4jV6i-OKQ-s32V8-ZgNMVpg",
    ("2026-04", Language.ZH): "CW850lmMaoNXaQ16PhYWR92fzuww-Xb7KPpt9XEOq0g",
    ("2026-04", Language.KO): "MtmFDEpKX5hh5IPhbC8z-iIyd7pA3FBUmTIWkYO7eJw",
}


def test_what_was_published_stays_as_it_was() -> None:
    """Every notice is there in every language with the very bytes that it was published with."""
    found = {(each.shown.version, each.shown.language): each.shown.hash for each in notices.all_published()}
    assert found == PUBLISHED
    assert all(digest(each.text) == each.shown.hash for each in notices.all_published())


def test_each_language_has_one_in_use_and_forgeries_are_none() -> None:
    """The notice of a language is published; with another's hash, version or language it is not."""
    for language in Language:
        shown = notices.published(language).shown
        assert (shown.language, notices.is_published(shown)) == (language, True)
    japanese = notices.published(Language.JA).shown
    assert not notices.is_published(Notice(version="2026-05", language=Language.JA, hash=japanese.hash))
    assert not notices.is_published(Notice(version=japanese.version, language=Language.EN, hash=japanese.hash))
