from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _build(project: str, target: Path) -> set[str]:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT / project,
        check=True,
        capture_output=True,
    )
    [wheel] = target.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_an_agency_installs_one_wheel(tmp_path: Path) -> None:
    """The agency's wheel holds its own code and the contracts, and nothing of the services."""
    files = _build("agency", tmp_path)
    assert {
        "tsunagu_agency/__init__.py",
        "tsunagu_agency/templates/receipt.html",
        "tsunagu_contracts/envelope.py",
    } <= files
    assert {name.split("/")[0] for name in files if ".dist-info" not in name} == {"tsunagu_agency", "tsunagu_contracts"}
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(unpacked)
    # Isolated, so that the repository's own editable install cannot stand in for what is missing.
    program = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); import tsunagu_agency; print(tsunagu_agency.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert str(unpacked) in done.stdout


def test_the_contracts_are_a_wheel_of_their_own(tmp_path: Path) -> None:
    """Other programs can use the contracts alone."""
    files = _build("contracts", tmp_path)
    assert {name.split("/")[0] for name in files if ".dist-info" not in name} == {"tsunagu_contracts"}


@pytest.mark.parametrize(
    ("project", "packages"),
    [
        ("contracts", ["contracts/tsunagu_contracts"]),
        ("agency", ["agency/tsunagu_agency", "contracts/tsunagu_contracts"]),
    ],
)
def test_a_wheel_names_everything_that_it_imports(project: str, packages: list[str]) -> None:
    """Whoever installs a wheel gets all that its code needs: every import is a declared dependency."""
    settings = tomllib.loads((ROOT / project / "pyproject.toml").read_text())
    declared = {re.split(r"[<>=\[ ]", requirement)[0].lower() for requirement in settings["project"]["dependencies"]}
    providers = packages_distributions()
    ours = {"tsunagu_contracts", "tsunagu_agency"}
    for name in {name for package in packages for name in _imported(ROOT / package)} - sys.stdlib_module_names - ours:
        assert declared & {distribution.lower().replace("_", "-") for distribution in providers[name]}, name


def _imported(package: Path) -> set[str]:
    """The top-level names of all imports in a package."""
    names = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.split(".")[0])
    return names
