"""Files that hold secrets: written once, readable by their owner only, never half there."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tsunagu_contracts.strict_json import parse_object


def write_once(path: Path, content: Mapping[str, object], *, mode: int = 0o600) -> bool:
    """Write `content` as JSON unless `path` exists; returns whether it was written.

    The file appears complete or not at all, also when two programs start at the same time:
    it is written beside its place, flushed to the disk and then linked, which fails where a file stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write(draft, content, mode)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _flush_folder(path.parent)
    return True


def replace(path: Path, content: Mapping[str, object], *, mode: int = 0o644) -> None:
    """Write `content` as JSON in the place of whatever stands there, all at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write(draft, content, mode)
    draft.replace(path)
    _flush_folder(path.parent)


def read(path: Path) -> dict[str, object]:
    """Read what `write_once` wrote; raises OSError or, for anything but a JSON object, `Refusal`."""
    return parse_object(path.read_bytes())


def _write(path: Path, content: Mapping[str, object], mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
