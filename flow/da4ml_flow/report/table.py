"""A table of text, drawn with lines on a terminal and as aligned plain text elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below headers; ``right`` are the columns of numbers."""

    title: str
    headers: Cells
    rows: tuple[Cells, ...]
    right: frozenset[int] = frozenset()

    def plain(self) -> str:
        """Columns aligned by spaces, no line longer than its cells need."""
        grid = [self.headers, *self.rows] if any(self.headers) else list(self.rows)
        widths = [max((len(row[column]) for row in grid), default=0) for column in range(len(self.headers))]
        lines = [self.title] if self.title else []
        for row in grid:
            cells = (
                cell.rjust(width) if column in self.right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append('  '.join(cells).rstrip())
        return '\n'.join(lines)

    def rich(self) -> RichTable:
        """The same for a rich console."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(
            title=self.title or None,
            title_justify='left',
            title_style='bold',
            box=box.SIMPLE_HEAD,
            show_header=any(self.headers),
            pad_edge=False,
        )
        for column, header in enumerate(self.headers):
            table.add_column(Text(header), justify='right' if column in self.right else 'left', overflow='fold')
        for row in self.rows:
            table.add_row(*(Text(cell) for cell in row))
        return table
