"""Tables framed in text, as vendors print them: cells by the columns of the frame, and numbers that are checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from da4ml_flow.errors import Location, ReportParseError

_BORDER = re.compile(r' *\+(?:-+\+)+')
_COUNT = re.compile(r'[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4}', re.ASCII)
_NUMBER = re.compile(r'-?(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.[0-9]{1,15})?', re.ASCII)


class ReportText:
    """The lines of a report, without their ends; a line's number counts from 1.

    Only blanks are blank here: any other white space in a report is damage, and no part of a number.
    """

    def __init__(self, text: str, source: str, tool: str) -> None:
        self.source = source
        self.tool = tool
        self.lines = [line.rstrip(' \r') for line in text.split('\n')]
        if not text.strip():
            raise self.error('it is empty', 1)

    def error(self, message: str, line: int) -> ReportParseError:
        place = Location(self.source, max(1, min(line, len(self.lines))))
        return ReportParseError(f'{self.tool} report: {message}', location=place)

    def count(self, text: str, line: int, what: str) -> int:
        """An integer >= 0, with or without commas between its thousands."""
        if _COUNT.fullmatch(text) is None:
            raise self.error(f'{what} is not a count: {text!r}', line)
        return int(text.replace(',', ''))

    def number(self, text: str, line: int, what: str, decimals: int | None = None) -> float:
        """A decimal number; ``decimals`` is how many digits the tool prints after the point."""
        digits = len(text.partition('.')[2])
        if _NUMBER.fullmatch(text) is None or (decimals is not None and digits != decimals):
            raise self.error(f'{what} is not a number: {text!r}', line)
        return float(text.replace(',', ''))


class Row(NamedTuple):
    """A line of a table; the cells are as printed, without the one blank that parts them from the frame."""

    line: int
    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first cell, without the star that points to a footnote."""
        return self.cells[0].strip(' ').removesuffix('*').rstrip(' ')

    @property
    def depth(self) -> int:
        """Blanks that the first cell is indented by."""
        return len(self.cells[0]) - len(self.cells[0].lstrip(' '))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; a column is found by its name, never by its place."""

    report: ReportText
    line: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, *names: str) -> int | None:
        """The place of the column that has one of the names, None if there is none."""
        places = [place for place, column in enumerate(self.columns) if column in names]
        if len(places) > 1:
            raise self.report.error(f'two columns are called {self.columns[places[0]]!r}', self.line)
        return places[0] if places else None

    def row(self, *names: str) -> Row | None:
        """The row that has one of the names, None if there is none; two of them are an error."""
        rows = [row for row in self.rows if row.name in names]
        if len(rows) > 1:
            raise self.report.error(f'there are two rows of {rows[1].name!r}', rows[1].line)
        return rows[0] if rows else None

    def text(self, row: Row, *columns: str) -> str:
        """The cell under the column that has one of the names, stripped."""
        place = self.column(*columns)
        if place is None:
            raise self.report.error(f'there is no column {columns[0]!r}', self.line)
        return row.cells[place].strip(' ')

    def count(self, row: Row, *columns: str) -> int:
        return self.report.count(self.text(row, *columns), row.line, f'{row.name or "the cell"}, {columns[0]}')

    def number(self, row: Row, *columns: str, decimals: int | None = None) -> float:
        what = f'{row.name or "the cell"}, {columns[0]}'
        return self.report.number(self.text(row, *columns), row.line, what, decimals)


class Box(NamedTuple):
    """A frame from its first border to its last; ``groups`` are the rows between one border and the next."""

    report: ReportText
    line: int
    groups: tuple[tuple[Row, ...], ...]
    end: int

    def table(self, header_lines: int = 1) -> Table:
        """The first group as the header; a header of several lines is read downwards."""
        header, *bodies = self.groups
        if len(header) != header_lines:
            raise self.report.error('the header of this table is not as it is known', self.line)
        columns = tuple(' '.join(' '.join(parts).split()) for parts in zip(*(row.cells for row in header), strict=True))
        return Table(self.report, self.line, columns, tuple(row for body in bodies for row in body))

    def pairs(self) -> Table:
        """A frame of names and values without a header."""
        if len(self.groups) != 1 or any(len(row.cells) != 2 for row in self.groups[0]):
            raise self.report.error('this table is not of names and values', self.line)
        return Table(self.report, self.line, ('name', 'value'), self.groups[0])


def edges_of(line: str) -> tuple[int, ...]:
    """The places of the corners of a border, none if the line is not one."""
    return tuple(at for at, char in enumerate(line) if char == '+') if _BORDER.fullmatch(line) else ()


def read_box(report: ReportText, start: int, wall: str = '|', joined: bool = False) -> Box:
    """The frame whose first border is line ``start``; every line of it must fit the border exactly.

    Cells are cut where the border has its corners: names may hold the character of the wall. In a header that may be
    ``joined`` a cell can span neighbouring columns, and each of them then has its text.
    """
    edges = edges_of(report.lines[start - 1])
    if not edges:
        raise report.error('this is not the border of a table', start)
    groups: list[list[Row]] = [[]]
    number = start
    for number in range(start + 1, len(report.lines) + 1):
        line = report.lines[number - 1]
        if line.lstrip(' ').startswith('+'):
            if edges_of(line) != edges:
                raise report.error('the borders of this table differ', number)
            if not groups[-1]:
                raise report.error('there is nothing between two borders of this table', number)
            groups.append([])
        elif line.lstrip(' ').startswith(wall):
            groups[-1].append(_row(report, line, number, edges, wall, joined and len(groups) == 1))
        else:
            break
    else:
        number += 1
    if groups[-1] or len(groups) == 1:
        raise report.error('this table ends without its border: is the report truncated?', number - 1)
    groups.pop()
    return Box(report, start, tuple(tuple(group) for group in groups), number - 1)


def read_boxes(report: ReportText, first: int, last: int, wall: str = '|') -> tuple[Box, ...]:
    """The frames in lines ``first`` to ``last``, with no part of a frame left over."""
    boxes: list[Box] = []
    number = first
    while number <= last:
        line = report.lines[number - 1]
        if line.startswith('+'):
            boxes.append(read_box(report, number, wall))
            number = boxes[-1].end
        elif line.startswith(wall):
            raise report.error('this row is outside of a table', number)
        number += 1
    return tuple(boxes)


def _row(report: ReportText, line: str, number: int, edges: Sequence[int], wall: str, joined: bool) -> Row:
    if len(line) != edges[-1] + 1 or line[: edges[0]].strip(' '):
        raise report.error('this row does not fit the border of its table', number)
    walls = [edge for edge in edges if line[edge] == wall]
    if len(walls) != len(edges) and not (joined and walls[0] == edges[0] and walls[-1] == edges[-1]):
        raise report.error('this row does not fit the border of its table', number)
    cells: list[str] = []
    for left, right in pairwise(walls):
        inside = line[left + 1 : right]
        cells += [inside[1:] if inside.startswith(' ') else inside] * sum(left < edge <= right for edge in edges)
    return Row(number, tuple(cells))
