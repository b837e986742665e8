"""Write the site to build/docs: `python -m deploy.pages`."""

import shutil
from pathlib import Path

from deploy.pages.places import INDEX
from deploy.pages.site import site

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "build" / "docs"


def main() -> None:
    """Write every file anew and say where to begin."""
    files = site(ROOT)
    shutil.rmtree(TARGET, ignore_errors=True)
    for path, content in files.items():
        (TARGET / path).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / path).write_bytes(content)
    pages = sum(path.endswith(".html") for path in files)
    print(f"▸ {pages} ページ / pages: {(TARGET / INDEX).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
