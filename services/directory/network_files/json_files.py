"""JSON files as they are written by hand: read strictly, and blamed by entry."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


class UnreadableFileError(Exception):
    """A file is no JSON, or not of the outer form that is needed; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a file, and what to call it in a message: its id, or its place where it has none."""

    name: str
    content: Mapping[str, object]


def read_entries(path: Path, id_field: str) -> list[Entry]:
    """Read a file that is a list of objects."""
    content = _read(path)
    if not isinstance(content, list):
        raise UnreadableFileError("a list of objects is needed")
    entries: list[Entry] = []
    for place, each in enumerate(content, start=1):
        if not isinstance(each, dict):
            raise UnreadableFileError(f"entry {place} is no object")
        given = each.get(id_field)
        entries.append(Entry(given if isinstance(given, str) else f"entry {place}", each))
    return entries


def read_object(path: Path) -> Mapping[str, object]:
    """Read a file that is one object."""
    content = _read(path)
    if not isinstance(content, dict):
        raise UnreadableFileError("an object is needed")
    return content


def _read(path: Path) -> object:
    try:
        # Editors on some systems put a byte order mark in front; it means nothing.
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"it is not UTF-8 at byte {error.start}") from None
    try:
        content: object = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise UnreadableFileError(f"it is no JSON at line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise UnreadableFileError("it is nested too deeply") from None
    if "\\u" in text or "\0" in text:
        _require_storable(content)
    return content


def _once_each(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableFileError(f"an object has {twice!r} more than once")
    return members


def _no_number(name: str) -> NoReturn:
    raise UnreadableFileError(f"{name} is no JSON number")


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise UnreadableFileError(f"{written} is too large a number")
    return number


def _require_storable(content: object) -> None:
    """Refuse what PostgreSQL cannot keep in jsonb: U+0000 and half characters."""
    written = json.dumps(content, ensure_ascii=False)
    try:
        written.encode("utf-8")
    except UnicodeEncodeError:
        raise UnreadableFileError("a string holds half a character (a lone surrogate)") from None
    if "\\u0000" in written.replace("\\\\", ""):
        raise UnreadableFileError("a string holds the character U+0000")
