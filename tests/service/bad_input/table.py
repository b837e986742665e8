"""The matrix as a page: `docs/bad-input.md`, from the same declarations as the tests."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from tests.service.bad_input.agency_kinds import AGENCY_KINDS
from tests.service.bad_input.event_kinds import EVENT_KINDS
from tests.service.bad_input.fates import Kind
from tests.service.bad_input.shared_kinds import SHARED
from tests.service.bad_input.stations import reads_agencies
from tsunagu_contracts.topics import SERVICES, consumed_by

PAGE = Path(__file__).resolve().parents[3] / "docs/bad-input.md"
AGAIN = "python -m tests.service.bad_input"

_ABOVE = f"""\
# Bad input: what each consumer does with it

Made from the declarations in `tests/service/bad_input/` by `{AGAIN}`; do not edit. Every cell is
a test: on the real handlers and a real PostgreSQL, with sound messages before and behind it in its lane and in another,
all of which take effect (or wait, where the cell says so); and once more on a real Kafka, where all of it stands in one
log that every consumer reads to its end.

- *takes effect*: readers ignore what they do not know; what only looks odd does no harm.
- *passed over*: it has taken effect already.
- *parked alone*: kept for an operator with its code, and nothing waits behind it.
- *parked, its lane behind it*: kept with its code; later messages of the same topic and key are parked behind it
  (`behind_parked`), everything else goes on.
- *refused to its sender*: `message.refused` with its code and place, on the record and on the agency's inbound topic.
- *kept*: `audit` has the exact bytes, with a finding where it says so, and never holds anything up.

How parked messages go on: [eventing.md](eventing.md).
"""

_Scene = TypeVar("_Scene")


def page() -> str:
    """The whole page."""
    consumers = [service for service in SERVICES if consumed_by(service)]
    of_agencies = [service for service in SERVICES if reads_agencies(service)]
    shared = {kind.name for kind in SHARED}
    from_agencies = {kind.name: kind for kind in AGENCY_KINDS}
    bytes_of_both = _table(
        [*consumers, *(f"{service}, of agencies" for service in of_agencies)],
        (
            [kind.name, *_at(kind, consumers), *(str(from_agencies[kind.name].at(each)) for each in of_agencies)]
            for kind in EVENT_KINDS
            if kind.name in shared
        ),
    )
    events = _table(consumers, ([kind.name, *_at(kind, consumers)] for kind in EVENT_KINDS if kind.name not in shared))
    messages = _table(
        of_agencies,
        (
            [kind.name, *(str(kind.at(each)) for each in of_agencies)]
            for kind in AGENCY_KINDS
            if kind.name not in shared
        ),
    )
    return "\n".join(
        [
            _ABOVE,
            "## Bytes, keys and headers\n",
            *bytes_of_both,
            "\n## Events of services\n",
            *events,
            "\n## Messages of agencies\n",
            *messages,
            "",
        ]
    )


def _at(kind: Kind[_Scene], consumers: Iterable[str]) -> Iterator[str]:
    for service in consumers:
        meets = not kind.topics or any(topic.name in kind.topics for topic in consumed_by(service))
        yield str(kind.at(service)) if meets else "–"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = ["", *(f"`{column}`" if "," not in column else column for column in columns)]
    yield _line(head)
    yield _line(["---"] * len(head))
    for row in rows:
        yield _line(row)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
