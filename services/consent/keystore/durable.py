"""Files that are there in full or not at all, and that survive a power cut once they are."""

import os
import secrets
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, with its parents."""
    if folder.is_dir():
        return
    missing = [folder, *(parent for parent in folder.parents if not parent.is_dir())]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for made in missing:
        flush_folder(made.parent)


def write_once(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, never over another one; its folder is still to be flushed."""
    draft = _draft(path, content)
    try:
        # Written beside the place and linked there: it appears complete.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def replace(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, over another one if there is one, and flush its folder."""
    draft = _draft(path, content)
    try:
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, those too that a crash left beside their places, and flush their folders whatever was there."""
    names: dict[Path, set[str]] = defaultdict(set)
    for path in paths:
        names[path.parent].add(path.name)
    for folder, gone in names.items():
        if folder.is_dir():
            for each in folder.iterdir():
                if each.name in gone or _written_as(each.name) in gone:
                    each.unlink(missing_ok=True)
            flush_folder(folder)


def flush_folders(folders: Iterable[Path]) -> None:
    """Let what was written into these folders survive a power cut."""
    for folder in folders:
        flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Let what was written into this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_as(name: str) -> str:
    """The name that a draft was to get."""
    return name[1:].rpartition(".")[0] if name.startswith(".") else ""


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
