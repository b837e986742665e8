"""Pieces of HTML. What is put into a piece is escaped, unless it is a piece itself."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markupsafe import Markup

NOTHING = Markup("")
COMMA = Markup(", ")
OR = Markup(" | ")
BREAK = Markup("<br>")

_PROSE = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class Page:
    """One page: its path below the site's folder, the title in plain words, and what stands on it."""

    path: str
    title: str
    body: Markup


def both(japanese: str, english: str) -> Markup:
    """A label in both languages, Japanese first."""
    return Markup('{} <span class="en" lang="en">{}</span>').format(japanese, english)


def code(text: object) -> Markup:
    """A name or a value as it is written."""
    return Markup("<code>{}</code>").format(text)


def prose(text: str) -> Markup:
    """English sentences from a docstring, with their backticks."""
    # Safe: the parser escapes HTML in the text.
    return Markup('<div lang="en">{}</div>').format(Markup(_PROSE.render(text)))  # noqa: S704 - see above


def relative(source: str, target: str) -> str:
    """The address of one page as seen from another, with the anchor that it may have."""
    path, mark, anchor = target.partition("#")
    return posixpath.relpath(path or source, posixpath.dirname(source) or ".") + mark + anchor


def link(source: str, target: str, label: object) -> Markup:
    """A link from one page to another."""
    return Markup('<a href="{}">{}</a>').format(relative(source, target), label)


def joined(pieces: Iterable[object], separator: Markup = NOTHING) -> Markup:
    """Pieces one after the other."""
    return separator.join(Markup("{}").format(piece) for piece in pieces)


def facts(pairs: Iterable[tuple[Markup, object]]) -> Markup:
    """A list of terms, each with what holds for it."""
    items = joined(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(*pair) for pair in pairs)
    return Markup('<dl class="facts">{}</dl>').format(items)


def section(anchor: str, title: object, *content: object) -> Markup:
    """A part of a page with a heading that can be linked to."""
    return Markup('<section aria-labelledby="{0}"><h2 id="{0}">{1}</h2>{2}</section>').format(
        anchor, title, joined(content)
    )


def table(label: str, heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table whose first column names its rows; on a narrow screen it scrolls by itself, with the keyboard too."""
    head = joined(Markup('<th scope="col">{}</th>').format(each) for each in heads)
    lines = joined(_row(row) for row in rows)
    return Markup(
        '<div class="wide" role="group" aria-label="{}" tabindex="0">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(label, head, lines)


def block(label: str, text: str) -> Markup:
    """Text as it stands, which scrolls by itself where it is long."""
    return Markup('<pre role="group" aria-label="{}" tabindex="0"><code>{}</code></pre>').format(label, text)


def _row(cells: Sequence[object]) -> Markup:
    first, *rest = cells
    others = joined(Markup("<td>{}</td>").format(cell) for cell in rest)
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(first, others)
