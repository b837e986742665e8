"""What every page has around its content: head, way to the content, navigation."""

from __future__ import annotations

from markupsafe import Markup

from deploy.pages.elements import Page, both, joined, link, relative
from deploy.pages.places import INDEX, STYLE, guide_page

_FRAME = Markup("""\
<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · つなぐ Tsunagu</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<a class="skip" href="#content">{skip}</a>
<header><nav aria-label="サイト / site">{links}</nav></header>
<main id="content">
{body}
</main>
</body>
</html>
""")


def framed(page: Page) -> bytes:
    """The whole page."""
    around = (
        (INDEX, Markup("<strong>つなぐ</strong> Tsunagu")),
        (f"{INDEX}#topics", both("トピック", "topics")),
        (f"{INDEX}#messages", both("メッセージ", "messages")),
        (f"{INDEX}#guides", both("手引き", "guides")),
        (guide_page("README.md"), both("はじめに", "read me")),
    )
    return _FRAME.format(
        title=page.title,
        style=relative(page.path, STYLE),
        skip=both("本文へ", "to the content"),
        links=joined((link(page.path, target, label) for target, label in around)),
        body=page.body,
    ).encode()
