"""The pages that `make docs` writes: whole, linked, escaped, and in need of nothing from elsewhere."""

import json
import posixpath
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.pages.places import INDEX, STYLE, guide_page, message_page, topic_page
from deploy.pages.site import site
from tsunagu_contracts.events import EVENTS
from tsunagu_contracts.manifests import MANIFESTS
from tsunagu_contracts.publish import ASYNCAPI
from tsunagu_contracts.schemas import INBOUND, OUTBOUND, published_schemas
from tsunagu_contracts.topics import TOPICS, Topic

ROOT = Path(__file__).resolve().parents[2]
VOID = {"meta", "link", "br", "img", "hr"}
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"


class Seen(HTMLParser):
    """What is on one page: its elements, ids, links, what it loads, and its words."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.languages: set[str] = set()
        self.text = ""
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and that it is open unless it has no content."""
        named = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.ids.update([named["id"]] if "id" in named else [])
        addresses = [value for name, value in named.items() if name in ("href", "src", "srcset", "data", "poster")]
        (self.links if tag == "a" else self.loads).extend(addresses)
        assert not [name for name in named if name.startswith("on") or name == "style"], named
        if tag == "html":
            self.languages.add(named["lang"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Elements close in order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words."""
        self.text += data


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The site of this repository."""
    return site(ROOT)


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> dict[str, Seen]:
    """Its pages, read as a browser does."""
    return {path: Seen(content) for path, content in files.items() if path.endswith(".html")}


def test_every_topic_every_message_and_every_guide_has_a_page(pages: dict[str, Seen]) -> None:
    """Whatever the catalogue, the schemas or docs/ have is found on the front page, and from there by one link."""
    wanted = {topic_page(name) for name in (*(topic.name for topic in TOPICS), OUTBOUND, INBOUND)}
    wanted |= {message_page(name) for name in (*EVENTS, *MANIFESTS, *published_schemas())}
    wanted |= {guide_page(str(file.relative_to(ROOT))) for file in (ROOT / "docs").rglob("*.md")}
    assert wanted <= pages.keys()
    assert wanted <= set(pages[INDEX].links)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_says_who_writes_who_reads_and_how_it_is_kept(pages: dict[str, Seen], topic: Topic) -> None:
    """Producer, consumers, partitions, days and messages are those of the catalogue."""
    said = " ".join(pages[topic_page(topic.name)].text.split())
    assert f"written by{topic.producer}" in said
    assert f"may be read by{', '.join(topic.readers)}ほか" in said
    assert f"partitions{topic.partitions}" in said
    assert ("消さない" if topic.retention_days is None else f"{topic.retention_days} days") in said
    links = pages[topic_page(topic.name)].links
    assert {f"../{message_page(data.TYPE)}" for data in topic.events} <= set(links)


@pytest.mark.parametrize("name", published_schemas())
def test_a_message_shows_each_field_and_its_golden_example(
    files: dict[str, bytes], pages: dict[str, Seen], name: str
) -> None:
    """Fields of the schema and of its definitions are named, and the example stands there with its values."""
    schema = json.loads(files[f"contracts/schemas/{name}.json"])
    text = pages[message_page(name)].text
    definitions = schema.get("$defs", {})
    fields = [field for part in (schema, *definitions.values()) for field in part.get("properties", {})]
    assert [field for field in [*fields, *definitions] if field not in text] == []
    example = files.get(f"contracts/examples/{name}.json")
    assert example is not None or name == OUTBOUND
    if example is not None:
        values = [value for value in json.loads(example).values() if isinstance(value, str) and len(value) < 100]
        assert [value for value in values if value not in text] == []


def test_every_link_leads_somewhere(files: dict[str, bytes], pages: dict[str, Seen]) -> None:
    """Each link inside the site leads to a file of it, and to a place on that page where it names one."""
    broken = []
    for path, page in pages.items():
        for address in page.links + page.loads:
            if address.startswith("https://"):
                continue
            target, _, anchor = address.partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            if place not in files or (anchor and not pages[place].ids[anchor]):
                broken.append((path, address))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(files: dict[str, bytes], pages: dict[str, Seen]) -> None:
    """A page loads the one style sheet beside it, which loads nothing; there are no scripts."""
    for path, page in pages.items():
        assert [posixpath.normpath(posixpath.join(posixpath.dirname(path), each)) for each in page.loads] == [STYLE]
        assert not page.tags.keys() & {"script", "iframe", "object", "embed", "img", "style"}
    style = files[STYLE].decode()
    assert "url(" not in style
    assert "@import" not in style


def test_every_page_can_be_found_through(pages: dict[str, Seen]) -> None:
    """One heading of the first rank, one main part, a language, ids that are unique, elements that close."""
    for path, page in pages.items():
        assert (page.tags["h1"], page.tags["main"], page.tags["title"]) == (1, 1, 1), path
        assert page.languages == {"ja"}
        assert [each for each, times in page.ids.items() if times > 1] == [], path
        assert page.open == [], path


def test_text_stays_text(tmp_path: Path) -> None:
    """HTML in a description, an example or a guide is shown and never taken for a part of the page."""
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=shutil.ignore_patterns("*.py", "*.md"))
    document = json.loads((tmp_path / "contracts" / ASYNCAPI).read_text())
    document["info"]["description"] = HOSTILE
    document["channels"]["referral.events"]["description"] = HOSTILE
    (tmp_path / "contracts" / ASYNCAPI).write_text(json.dumps(document))
    for folder, place in (("schemas", "description"), ("examples", "subject")):
        file = tmp_path / "contracts" / folder / "referral.accepted.v1.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {place: HOSTILE}))
    for file in (tmp_path / "README.md", tmp_path / "CHANGELOG.md"):
        file.write_text(
            f"# {HOSTILE}\n\n{HOSTILE}\n\n```\n{HOSTILE}\n```\n\n<div onclick=x>[a](javascript:alert)</div>\n"
        )
    made = site(tmp_path)
    for path, times in {
        INDEX: 3,
        topic_page("referral.events"): 1,
        message_page("referral.accepted.v1"): 2,
        guide_page("README.md"): 3,
    }.items():
        page = Seen(made[path])
        assert page.text.count(HOSTILE) >= times, path
        assert not page.tags.keys() & {"script", "img"}, path
        assert not [link for link in page.links if link.startswith("javascript")], path


def test_a_keyword_that_no_page_would_show_is_an_error(tmp_path: Path) -> None:
    """What the published schemas come to use is rendered or stops the build; nothing is left out in silence."""
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=shutil.ignore_patterns("*.py"))
    file = tmp_path / "contracts/schemas/referral.accepted.v1.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"uniqueItems": True}))
    with pytest.raises(ValidationError, match="uniqueItems"):
        site(tmp_path)
