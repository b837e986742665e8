"""How the story is told at the terminal: numbered steps, Japanese first, what happened below each."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

NUMERALS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"


class Teller:
    """Writes the story; knows nothing of how its facts were found."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.steps = 0

    def title(self, japanese: str, english: str) -> None:
        """Begin the story."""
        self._console.print()
        self._console.rule(f"[bold]{japanese}[/] [dim]{english}")

    def step(self, japanese: str, english: str) -> None:
        """Begin the next step."""
        numeral = NUMERALS[self.steps]
        self.steps += 1
        self._console.print(f"\n[bold cyan]{numeral} {japanese}[/]\n   [dim]{english}")

    def fact(self, japanese: str, english: str) -> None:
        """Tell something that happened."""
        self._console.print(f"   [green]✓[/] {escape(japanese)} [dim]{escape(english)}")

    def refused(self, japanese: str, english: str) -> None:
        """Tell of something that was refused, as it should be."""
        self._console.print(f"   [red]✗[/] {escape(japanese)} [dim]{escape(english)}")

    def table(self, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Show rows."""
        table = Table(*columns, box=None, padding=(0, 1), header_style="dim")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def end(self, japanese: str, english: str) -> None:
        """End the story."""
        self._console.print(f"\n[bold green]{japanese}[/] [dim]{english}\n")
