"""The documents say what is there: their code runs, their links lead somewhere, their commands exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "contracts", "deploy")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.md"))])
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
# A file of ours in backticks: below one of the top folders, with an ending.
NAMED_FILE = re.compile(r"`((?:agency|contracts|deploy|docs|services|tests)/[\w./-]+\.\w+)`")


def _names(documents: list[Path]) -> list[str]:
    return [str(document.relative_to(ROOT)) for document in documents]


def test_the_readme_shows_the_example_that_the_tests_run() -> None:
    """The first referral in the README is the tested example to the letter, in under twenty lines."""
    (shown,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    example = (ROOT / "docs/examples/first_referral.py").read_text(encoding="utf-8")
    assert shown in example
    assert len([line for line in shown.splitlines() if line.strip()]) < 20


def test_every_make_command_in_the_readme_exists() -> None:
    """Whoever types what the README says gets a command."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test", "clean"} <= named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names(DOCUMENTS))
def test_links_and_named_files_are_there(document: Path) -> None:
    """Every link inside the repository, and every file of ours that is named, is there."""
    text = document.read_text(encoding="utf-8")
    linked = [(document.parent / target).resolve() for target in LINK.findall(text)]
    named = [ROOT / name for name in NAMED_FILE.findall(text)]
    assert [str(path) for path in [*linked, *named] if not path.exists()] == []
