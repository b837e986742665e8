"""The repository's Markdown as pages, with every link of it leading to a page."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from deploy.pages.elements import Page, block, both, code, joined, link, relative
from deploy.pages.places import guide_page

_FOLDERS = ("docs", "contracts", "deploy")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


def guide_files(root: Path) -> list[str]:
    """Every Markdown file that becomes a page, by its path in the repository; what is read first comes first."""
    files = [root / "README.md", root / "CHANGELOG.md"]
    files += (file for folder in _FOLDERS for file in sorted((root / folder).rglob("*.md")))
    return [str(file.relative_to(root)) for file in files]


def guide_pages(root: Path) -> Iterator[Page]:
    """One page per Markdown file, and one per other file that they link to."""
    guides = guide_files(root)
    others: dict[str, None] = {}
    for file in guides:
        text = (root / file).read_text(encoding="utf-8")
        tokens = _PARSER.parse(text)
        for token in _links(tokens):
            target = _target(root, file, str(token.attrs["href"]))
            if target is not None:
                token.attrs["href"] = relative(guide_page(file), guide_page(target))
                others |= {target.partition("#")[0]: None}
        yield Page(guide_page(file), _title(file, text), _rendered(tokens))
    for file in sorted(others.keys() - set(guides)):
        text = (root / file).read_text(encoding="utf-8")
        body = Markup("<h1>{}</h1>{}").format(code(file), block(file, text))
        yield Page(guide_page(file), file, body)


def guide_list(root: Path, path: str) -> Markup:
    """Every guide by its title."""
    titles = {file: _title(file, (root / file).read_text(encoding="utf-8")) for file in guide_files(root)}
    items = (
        Markup("<li>{} {}</li>").format(link(path, guide_page(file), title), code(file))
        for file, title in titles.items()
    )
    return Markup('<ul class="list">{}</ul>').format(joined(items))


def _title(file: str, text: str) -> str:
    found = _HEADING.search(text)
    return found.group(1) if found else file


def _links(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "link_open":
            yield token
        yield from _links(token.children or [])


def _target(root: Path, file: str, href: str) -> str | None:
    """The file of the repository that a link leads to, with its anchor; None for an address elsewhere."""
    path, mark, anchor = href.partition("#")
    if "://" in path or not path:
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if (root / target).is_dir():
        target = f"{target}/README.md"
    return target + mark + anchor


def _rendered(tokens: Sequence[Token]) -> Markup:
    seen: Counter[str] = Counter()
    for number, inline in enumerate(tokens):
        if inline.type != "inline":
            continue
        opening = tokens[number - 1]
        # A paragraph of a tight list has no element of its own, but the list's item before it.
        shown = tokens[number - 2] if opening.hidden else opening
        if opening.type == "th_open" and not inline.content:
            # An empty head names nothing.
            opening.tag = tokens[number + 1].tag = "td"
        if opening.attrs.pop("style", None) == "text-align:right":
            # The style sheet is the only place of styles.
            opening.attrs["class"] = "number"
        if inline.content and not _JAPANESE.search(inline.content):
            shown.attrs["lang"] = "en"
        if opening.type == "heading_open":
            anchor = _anchor(inline.content)
            opening.attrs["id"] = f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
            seen[anchor] += 1
    # Safe: the parser escapes HTML in the text.
    return Markup(_PARSER.renderer.render(tokens, _PARSER.options, {}))  # noqa: S704 - see above


def _anchor(heading: str) -> str:
    """What GitHub makes of a heading, so that links written for it work here too."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _fence(_: RendererHTML, tokens: Sequence[Token], number: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[number]
    if token.info.strip() != "mermaid":
        return str(block("コード / code", token.content))
    caption = both("図（Mermaid の原文）", "Diagram, as Mermaid source")
    figure = Markup("<figure><figcaption>{}</figcaption>{}</figure>")
    return str(figure.format(caption, block("図の原文 / diagram source", token.content)))


def _table(opening: bool) -> str:
    return (
        '<div class="wide" role="group" aria-label="表 / table" tabindex="0"><table>' if opening else "</table></div>"
    )


_PARSER.add_render_rule("fence", _fence)
_PARSER.add_render_rule("table_open", lambda *_: _table(True))
_PARSER.add_render_rule("table_close", lambda *_: _table(False))
