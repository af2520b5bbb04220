"""One table, shown on the terminal or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True)
class Table:
    """A title, column heads, and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def show(self, console: Console) -> None:
        """Print it on the terminal."""
        table = RichTable(*self.columns, title=self.title, title_justify="left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)

    def markdown(self) -> str:
        """The same as a Markdown section."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        return "\n".join([f"### {self.title}", "", *("| " + " | ".join(line) + " |" for line in lines), ""])


def nanoseconds(value: float | None) -> str:
    """A time with the unit a reader would choose, to three digits."""
    if value is None:
        return "-"
    scale, unit = (1, "ns") if value < 1e3 else (1e3, "us") if value < 1e6 else (1e6, "ms")
    return f"{value / scale:.3g} {unit}"


def verdict(value: float, target: float, *, at_most: bool) -> str:
    """`value` beside its target and whether it is met."""
    met = value <= target if at_most else value >= target
    bound = "at most" if at_most else "at least"
    return f"{value:,.3g}x ({bound} {target:,g}: {'yes' if met else 'NO'})"
