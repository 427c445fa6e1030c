"""What reports of Quartus share: the head that says what made them, and titled tables in a frame of semicolons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from da4ml_flow.eda.parsers.text_table import ReportText, Table, edges_of, read_box

_VERSION = re.compile(
    r'Quartus (?:Prime|II)(?: 64-Bit)? Version (?P<version>[0-9]+\.[0-9]+(?:\.[0-9]+)?)\b.*', re.ASCII
)
_ENTRY = re.compile(r' *[0-9]+\. (?P<title>\S.*)', re.ASCII)
_CONTENTS = '; Table of Contents ;'


class QuartusHead(NamedTuple):
    """Who wrote a report, and of what."""

    version: str
    revision: str


@dataclass(frozen=True, slots=True)
class QuartusReport:
    """A report, with the lines of those of its titles that its reader wants."""

    text: ReportText
    head: QuartusHead
    titles: Mapping[str, int]

    def tables(self, suffix: str) -> Iterator[Table]:
        """The tables whose title ends so: one, or one a model of the timing."""
        for title in self.titles:
            if title == suffix or title.endswith(f' Model {suffix}'):
                table = self.table(title)
                if table is not None:
                    yield table

    def table(self, title: str, header: bool = True) -> Table | None:
        """The table below a title; None where there is no such title, or a line that says that there is none.

        A table without a ``header`` is of names and values, in two columns.
        """
        number = self.titles.get(title)
        if number is None:
            return None
        above, below, after = (self.text.lines[at] if at < len(self.text.lines) else '' for at in
                               (number - 2, number, number + 1))  # fmt: skip
        outer, inner = edges_of(above), edges_of(below)
        if not outer:
            if not after.startswith(('No ', 'Nothing ')):
                raise self.text.error(f'there is no table below {title!r}', number)
            return None
        if not inner or (inner[0], inner[-1]) != (outer[0], outer[-1]):
            raise self.text.error(f'the frame of {title!r} is broken', number + 1)
        box = read_box(self.text, number + 1, ';')
        table = box.table() if header else box.pairs()
        if not table.rows:
            raise self.text.error(f'{title!r} has no row: is it truncated?', number)
        return table


def read_quartus(text: str, source: str, kind: str, wanted: re.Pattern[str]) -> QuartusReport:
    """A report of that kind, such as 'Fitter'.

    A title that is ``wanted`` must be once in the contents and once in the report, or be in neither of them.
    """
    report = ReportText(text, source, 'quartus')
    opening = f'{kind} report for '
    version = _VERSION.fullmatch(report.lines[2]) if len(report.lines) > 2 else None
    if not report.lines[0].startswith(opening) or version is None:
        raise report.error(f'it does not begin as a {kind.lower()} report', 1)
    try:
        contents = report.lines.index(_CONTENTS) + 1
    except ValueError:
        raise report.error('it has no table of contents: is it truncated?', len(report.lines)) from None
    listed: dict[str, int] = {}
    number = contents + 2
    while number <= len(report.lines) and report.lines[number - 1]:
        entry = _ENTRY.fullmatch(report.lines[number - 1])
        if entry is not None and wanted.fullmatch(entry['title']):
            if entry['title'] in listed:
                raise report.error(f'the contents list {entry["title"]!r} twice', number)
            listed[entry['title']] = number
        number += 1
    titles: dict[str, int] = {}
    for at in range(number, len(report.lines)):
        line = report.lines[at - 1]
        if not line.startswith('; ') or not line.endswith(';'):
            continue
        title = line[2:-1].rstrip()
        if not wanted.fullmatch(title) or not _is_title(report, at):
            continue
        if title in titles:
            raise report.error(f'there are two tables {title!r}', at)
        titles[title] = at
    for name in {*listed} ^ {*titles}:
        here = listed.get(name) or titles.get(name) or contents
        raise report.error(f'{name!r} is only in one of contents and report: is it truncated?', here)
    head = QuartusHead(version['version'], report.lines[0].removeprefix(opening))
    return QuartusReport(report, head, titles)


def _is_title(report: ReportText, number: int) -> bool:
    """A title stands alone between the borders of its frame, or between two rules of dashes."""
    above, line, below = report.lines[number - 2 : number + 1]
    if set(above) == {'-'}:
        return above == below and len(line) == len(above)
    return len(edges_of(above)) == 2 and len(line) == len(above)
