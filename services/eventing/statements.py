"""SQL statements of a batch: one reads what deciding needs, one writes everything that was decided.

Costs go by the statement: a round trip and its handling cost as much as a dozen rows. So what a use case writes
is gathered and becomes one statement, its parts in a WITH. They see the database as it was before any of them, and
constraints are checked after all of them. A part may state how many rows it must touch; if that fails, a division
by zero undoes the whole.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa

_PARAMETER = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")

_CONFLICTS = ("22012", "40P01")

Parameters = Mapping[str, object]
"""The values of a statement by parameter name; sequences go to arrays, `json` takes text."""


class Row(Protocol):
    """A row as a driver returns it; which types stand in it is its statement's business."""

    def __getitem__(self, place: int, /) -> Any:
        """The value in that column."""

    def __iter__(self) -> Iterator[Any]:
        """The values in the order of the columns."""


class Conflict(Exception):
    """Somebody else has changed what this rests on: nothing was written; look again and decide anew."""


def is_conflict(error: BaseException) -> bool:
    """Whether a driver's error is one: a part did not touch as many rows as it had to, or two waited for each other."""
    return getattr(error, "sqlstate", None) in _CONFLICTS


class Statement:
    """One SQL statement with named parameters (`:name`), each of them cast so that its type is known.

    `name` lets later parts of the same batch read what this one returns; `numbered` is the text with positional
    parameters (`$1`), as the driver takes it.
    """

    def __init__(self, text: str, *, name: str | None = None) -> None:
        self.text = text.strip()
        self.name = name
        self.parameters = tuple(dict.fromkeys(_PARAMETER.findall(text)))
        self.clause = sa.text(text)
        places = {name: f"${number}" for number, name in enumerate(self.parameters, start=1)}
        self.numbered = _PARAMETER.sub(lambda found: places[found[1]], self.text)

    def named(self, number: int) -> str:
        """The text with its parameters named as those of the part with this number."""
        return _PARAMETER.sub(lambda found: f":p{number}_{found[1]}", self.text)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a batch's writing; `touches` is how many rows it must return, where that must be so."""

    statement: Statement
    parameters: Parameters
    touches: int | None = None


def together(parts: Sequence[Part], result: Statement) -> tuple[Statement, dict[str, object]]:
    """One statement for all parts, in which `result` is what is returned, and its parameters.

    A part with `touches` needs a RETURNING; `result` may read the parts that have names, and `held`, of which
    every row must be in its answer lest the conditions go unread.
    """
    shape = tuple((part.statement, part.touches is not None) for part in parts)
    values: dict[str, object] = {}
    for number, part in enumerate(parts):
        values |= {f"p{number}_{name}": part.parameters[name] for name in part.statement.parameters}
        if part.touches is not None:
            values[f"p{number}_touches"] = part.touches
    return _combined(shape, result), values


@lru_cache(maxsize=256)
def _combined(shape: tuple[tuple[Statement, bool], ...], result: Statement) -> Statement:
    names = [statement.name or f"part_{number}" for number, (statement, _) in enumerate(shape)]
    written = [
        f"{name} AS ({statement.named(number)})"
        for number, (name, (statement, _)) in enumerate(zip(names, shape, strict=True))
    ]
    conditions = [
        f"((SELECT count(*) FROM {name}) = CAST(:p{number}_touches AS bigint))"  # noqa: S608 - our own names
        for number, (name, (_, counted)) in enumerate(zip(names, shape, strict=True))
        if counted
    ]
    held = " AND ".join(conditions) or "true"
    written.append(f"held AS (SELECT 1 / CAST({held} AS int) AS yes)")
    return Statement(f"WITH {', '.join(written)} {result.text}")
