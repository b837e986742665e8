"""What is wrong with a network's description: which entry of which collection, and what."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.directory.domain.network import Collection


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `entry` is the entry's id, or its place where it has none."""

    collection: Collection
    entry: str
    what: str
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.file or self.collection.value + '.json'}: {self.entry}: {self.what}"


class NetworkFilesError(Exception):
    """The network's description was refused as a whole; nothing of it was loaded."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        shown = "\n".join(f"  {problem}" for problem in self.problems[:20])
        hidden = len(self.problems) - 20
        more = f"\n  and {hidden} more" if hidden > 0 else ""
        return f"the network's files were refused and nothing was loaded:\n{shown}{more}"
