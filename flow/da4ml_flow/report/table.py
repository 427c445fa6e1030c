"""A table of text: drawn with lines on a terminal, aligned plain text elsewhere, Markdown where it is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Cells = tuple[str, ...]
COLOURS = {'better': 'green', 'worse': 'red'}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below headers; ``right`` are the columns of numbers, ``marks`` cells by row and column."""

    title: str
    headers: Cells
    rows: tuple[Cells, ...]
    right: frozenset[int] = frozenset()
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)  # better or worse: in colour on a terminal

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

    def markdown(self) -> str:
        """The same as Markdown; no cell is markup."""
        lines = [f'### {markdown_cell(self.title)}', ''] if self.title else []
        rules = ('--:' if column in self.right else '---' for column in range(len(self.headers)))
        lines += [_markdown_row(map(markdown_cell, self.headers)), _markdown_row(rules)]
        lines += [_markdown_row(map(markdown_cell, row)) for row in self.rows]
        return '\n'.join(lines) + '\n'

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
        for place, row in enumerate(self.rows):
            styles = (COLOURS.get(self.marks.get((place, column), ''), '') for column in range(len(row)))
            table.add_row(*(Text(cell, style) for cell, style in zip(row, styles, strict=True)))
        return table


def markdown_cell(text: str) -> str:
    """Text that stays in its cell and is no markup."""
    for mark in '\\`*_|<>[]':
        text = text.replace(mark, f'\\{mark}')
    return ' '.join(text.split())


def _markdown_row(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'
