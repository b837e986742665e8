"""Files of an agency's own: readable by their owner alone, and on the disk before anyone relies on them."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tsunagu_agency.errors import ConfigurationError
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.strict_json import parse_object


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, whole or not at all, and return once it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush_folder(path.parent)


def create_private(path: Path, fill: Callable[[Path], None]) -> None:
    """Create a file with mode 0600 unless there is one; `fill` gives it its content before it has its name.

    Of several callers at once one file remains, and whoever sees it sees it whole.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        fill(draft)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    flush_folder(path.parent)


def remove(path: Path) -> bool:
    """Remove a file for good; returns whether it was there, so that of two callers only one has removed it."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    flush_folder(path.parent)
    return True


def flush_folder(folder: Path) -> None:
    """Return once what was added to or removed from a folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object; raises `ConfigurationError` where there is none."""
    try:
        return parse_object(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(path, error.strerror or type(error).__name__) from None
    except Refusal as refusal:
        raise ConfigurationError(path, str(refusal)) from None
