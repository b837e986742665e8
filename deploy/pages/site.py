"""Every file of the site by its path: pages, style, and the published documents themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from deploy.pages.catalogue import front, message_pages, topic_pages
from deploy.pages.contracts import Contracts
from deploy.pages.elements import Page, both, joined, prose, section
from deploy.pages.frame import framed
from deploy.pages.guides import guide_list, guide_pages
from deploy.pages.places import INDEX, RAW, STYLE


def site(root: Path) -> dict[str, bytes]:
    """The site of the repository at `root`, whose contracts are in `contracts/`."""
    contracts = Contracts(root / "contracts")
    files = {page.path: framed(page) for page in _pages(root, contracts)}
    files |= {RAW + path: content for path, content in contracts.files.items()}
    files[STYLE] = Path(__file__).with_name(STYLE).read_bytes()
    return files


def _pages(root: Path, contracts: Contracts) -> Iterator[Page]:
    yield _front_page(root, contracts)
    yield from topic_pages(contracts)
    yield from message_pages(contracts)
    yield from guide_pages(root)


def _front_page(root: Path, contracts: Contracts) -> Page:
    info = contracts.document.info
    return Page(
        INDEX,
        "契約と手引き / contracts and guides",
        joined(
            [
                Markup('<p class="kind">{}</p><h1>{}</h1>').format(
                    both("契約と手引き", "Contracts and guides"), info.title
                ),
                prose(info.description),
                front(contracts, INDEX),
                section("guides", both("手引き", "Guides"), guide_list(root, INDEX)),
            ]
        ),
    )
