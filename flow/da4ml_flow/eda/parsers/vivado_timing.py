"""Slacks and clocks from Vivado's report_timing_summary, with one clock, several or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from da4ml_flow.eda.parsers.text_table import ReportText
from da4ml_flow.eda.parsers.vivado_sections import VivadoHead, read_head

_CLOCK = re.compile(
    r' *(?P<name>[^ ]+) +\{(?P<waveform>[^{}]*)\} +(?P<period>[0-9]{1,15}\.[0-9]{3}) +(?P<mhz>[0-9]{1,15}\.[0-9]{3})',
    re.ASCII,
)
_DETAIL = re.compile(
    r'(?P<kind>Setup|Hold|PW) *: +(?P<failing>NA|[0-9]{1,15})  Failing Endpoints,'
    r'  Worst Slack +(?P<worst>NA|-?[0-9]{1,15}\.[0-9]+)(?:ns)? *,'
    r'  Total Violation +(?P<total>NA|-?[0-9]{1,15}\.[0-9]+)(?:ns)?',
    re.ASCII,
)
_MET = 'All user specified timing constraints are met.'
_MISSED = 'Timing constraints are not met.'
_NONE = 'There are no user specified timing constraints.'
_KINDS = {'Setup': ('WNS(ns)', 'TNS(ns)'), 'Hold': ('WHS(ns)', 'THS(ns)'), 'PW': ('WPWS(ns)', 'TPWS(ns)')}
_GROUPS = ('Intra Clock Table', 'Inter Clock Table', 'Other Path Groups Table')
_NAMES: dict[str, tuple[str, ...]] = {
    'Design Timing Summary': (),
    'Intra Clock Table': ('Clock',),
    'Inter Clock Table': ('From Clock', 'To Clock'),
    'Other Path Groups Table': ('Path Group', 'From Clock', 'To Clock'),
}


class Slack(NamedTuple):
    """The worst slack of a kind of check, the sum of the violations, and the endpoints that fail, of those checked."""

    worst_ns: float
    total_ns: float
    failing: int
    endpoints: int


class Clock(NamedTuple):
    """A clock and the paths from it to itself; None where there are none."""

    name: str
    period_ns: float
    setup: Slack | None
    hold: Slack | None
    pulse_width: Slack | None

    @property
    def fmax_mhz(self) -> float | None:
        """The frequency at which the worst path of this clock would have no slack."""
        if self.setup is None or self.period_ns <= self.setup.worst_ns:
            return None
        return 1000 / (self.period_ns - self.setup.worst_ns)


class TimingSummary(NamedTuple):
    """Slacks of a whole design, None for what has no constraint; ``met`` is None where there is none at all."""

    head: VivadoHead
    setup: Slack | None
    hold: Slack | None
    pulse_width: Slack | None
    clocks: tuple[Clock, ...]
    met: bool | None

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics; clock and frequency only where there is one clock."""
        found: dict[str, float] = {}
        if self.setup is not None:
            found |= {'wns_ns': self.setup.worst_ns, 'tns_ns': self.setup.total_ns}
        if self.hold is not None:
            found['whs_ns'] = self.hold.worst_ns
        if len(self.clocks) == 1:
            found['clock_ns'] = self.clocks[0].period_ns
            if (fmax := self.clocks[0].fmax_mhz) is not None:
                found['fmax_mhz'] = fmax
        return found


class _Line(NamedTuple):
    """A row of an unframed table: its names and its figures by column, '' where there is nothing."""

    line: int
    cells: Mapping[str, str]


def parse_timing_summary(text: str, source: str = 'timing_summary.rpt') -> TimingSummary:
    """The slacks in a report; raises ReportParseError for what is not whole, or contradicts itself.

    The worst slack must be the worst of all path groups, and what is said of a clock the same in table and details.
    """
    report = ReportText(text, source, 'vivado')
    head, _ = read_head(report, 'report_timing_summary')
    titles = _titles(report)
    summary = _table(report, titles, 'Design Timing Summary')
    if len(summary) != 1:
        raise report.error('the summary is not one line: is the report truncated?', titles['Design Timing Summary'])
    setup, hold, width = (_slack(report, summary[0], kind) for kind in _KINDS)
    groups = {title: _table(report, titles, title) for title in _GROUPS if title in titles}
    constrained = any(slack is not None for slack in (setup, hold, width))
    missing = next((title for title in _GROUPS if title not in groups), None)
    if constrained and missing is not None:
        raise report.error(f'there is no {missing!r}: is the report truncated?', len(report.lines))
    for kind, slack in zip(_KINDS, (setup, hold, width), strict=True):
        rows = [row for title in groups for row in groups[title] if _KINDS[kind][0] in row.cells]
        _check_groups(report, summary[0].line, kind, slack, [_slack(report, row, kind) for row in rows])
    met = _verdict(report, summary[0].line, (setup, hold, width))
    clocks = _clocks(report, titles, groups.get('Intra Clock Table', ()))
    return TimingSummary(head, setup, hold, width, clocks, met)


def _titles(report: ReportText) -> dict[str, int]:
    """The lines of the titles, which stand between rules."""
    found: dict[str, int] = {}
    for number in range(2, len(report.lines) - 1):
        line, rule = report.lines[number - 1], report.lines[number]
        if line.startswith('| ') and set(rule[2:]) == {'-'} and rule.startswith('| ') and len(rule) == len(line):
            if line[2:] in found:
                raise report.error(f'there are two sections {line[2:]!r}', number)
            found[line[2:]] = number
    if 'Design Timing Summary' not in found:
        raise report.error("there is no 'Design Timing Summary': is the report truncated?", len(report.lines))
    return found


def _table(report: ReportText, titles: Mapping[str, int], title: str) -> tuple[_Line, ...]:
    """The rows of an unframed table: a figure ends where its column's rule ends, a name begins where it begins."""
    start = titles[title] + 3
    while start <= len(report.lines) and not report.lines[start - 1]:
        start += 1
    if start + 1 > len(report.lines):
        raise report.error(f'{title} is empty: is the report truncated?', titles[title])
    header, rule = report.lines[start - 1], report.lines[start]
    spans = [match.span() for match in re.finditer('-+', rule)]
    columns = {header[left:right]: (left, right) for left, right in spans}
    if set(rule) != {'-', ' '} or ' '.join(columns).split() != header.split() or len(columns) != len(spans):
        raise report.error(f'this is not the header of the {title}', start)
    figures = {right: name for name, (_, right) in columns.items() if name.endswith(('(ns)', 'Endpoints'))}
    names = {left: name for name, (left, right) in columns.items() if right not in figures}
    if tuple(names.values()) != _NAMES[title]:
        raise report.error(f'this is not the header of the {title}', start)
    rows: list[_Line] = []
    number = start + 2
    while number <= len(report.lines) and report.lines[number - 1]:
        cells = dict.fromkeys(columns, '')
        for token in re.finditer('[^ ]+', report.lines[number - 1]):
            before = [left for left in names if left <= token.start()]
            name = figures.get(token.end()) if len(before) == len(names) else None
            if name is None and before:
                name = names[before[-1]]
            if name is None or cells[name]:
                raise report.error(f'this row does not fit the columns of the {title}', number)
            cells[name] = token.group()
        rows.append(_Line(number, cells))
        number += 1
    if number > len(report.lines):
        raise report.error(f'the {title} does not end: is the report truncated?', number - 1)
    return tuple(rows)


def _slack(report: ReportText, row: _Line, kind: str) -> Slack | None:
    """None where there is no path, or none that is constrained."""
    worst, total = _KINDS[kind]
    prefix = total.removesuffix('(ns)')
    texts = [row.cells.get(name, '') for name in (worst, total)]
    counts = [row.cells.get(f'{prefix} {which} Endpoints', '') for which in ('Failing', 'Total')]
    if texts[0] in ('NA', 'inf', '') and texts[1] in ('NA', texts[0], '0.000') and counts[0] in ('NA', texts[0], '0'):
        return None
    slack, violation = (report.number(text, row.line, worst, decimals=3) for text in texts)
    failing, endpoints = (report.count(text, row.line, f'{prefix} Endpoints') for text in counts)
    found = Slack(slack, violation, failing, endpoints)
    if (
        failing > endpoints
        or violation > 0
        or (failing == 0 and (violation < 0 or slack < 0))
        or (failing and slack > 0)
    ):
        raise report.error(
            f'{kind.lower()}: slack {slack}, total {violation} and {failing} endpoints do not fit', row.line
        )
    if violation < 0 and violation > slack:
        raise report.error(f'{kind.lower()}: a total of {violation} ns is less than the worst {slack} ns', row.line)
    return found


def _check_groups(report: ReportText, line: int, kind: str, whole: Slack | None, parts: list[Slack | None]) -> None:
    """The worst of the design is that of its path groups; an endpoint of several groups counts once in the totals."""
    found = [part for part in parts if part is not None]
    if (whole is None) != (not found):
        raise report.error(f'{kind.lower()}: summary and path groups do not agree on whether there are paths', line)
    if whole is None:
        return
    if whole.worst_ns != min(part.worst_ns for part in found):
        raise report.error(f'{kind.lower()}: {whole.worst_ns} ns is not the worst slack of the path groups', line)
    total, largest = sum(part.total_ns for part in found), min(part.total_ns for part in found)
    rounding = 0.0005 * (len(found) + 1)
    if not total - rounding <= whole.total_ns <= largest + rounding or (len(found) == 1 and whole != found[0]):
        raise report.error(f'{kind.lower()}: the summary is not that of the path groups', line)


def _verdict(report: ReportText, line: int, slacks: tuple[Slack | None, ...]) -> bool | None:
    said = [text for text in (_MET, _MISSED, _NONE) if text in report.lines]
    if len(said) != 1:
        raise report.error('it does not say whether timing is met: is it truncated?', line)
    failing = any(slack is not None and slack.failing for slack in slacks)
    if said[0] == _NONE:
        if any(slack is not None for slack in slacks):
            raise report.error('it has slacks, and says that there are no constraints', line)
        return None
    if failing and said[0] == _MET:
        raise report.error('a slack is negative, and the report says that timing is met', line)
    return said[0] == _MET


def _clocks(report: ReportText, titles: Mapping[str, int], intra: tuple[_Line, ...]) -> tuple[Clock, ...]:
    rows = {row.cells['Clock']: row for row in intra}
    details = dict(_details(report))
    found: dict[str, Clock] = {}
    for number, match in _clock_lines(report, titles):
        name, period = match['name'], float(match['period'])
        if name in found:
            raise report.error(f'there are two clocks {name!r}', number)
        if period <= 0 or abs(float(match['mhz']) - 1000 / period) > 0.001 + 0.5 / period**2:
            raise report.error(f'clock {name!r}: {match["period"]} ns are not {match["mhz"]} MHz', number)
        row = rows.pop(name, None)
        slacks = [None if row is None else _slack(report, row, kind) for kind in _KINDS]
        for kind, slack in zip(_KINDS, slacks, strict=True):
            at, said = details.get((name, kind), (number, slack and slack[:3]))
            if said != (slack and slack[:3]):
                raise report.error(f'{kind.lower()} of clock {name!r} is not as in the Intra Clock Table', at)
        found[name] = Clock(name, period, *slacks)
    if rows or len(intra) > len(found):
        raise report.error('the clocks of the Intra Clock Table are not those of the Clock Summary', intra[0].line)
    return tuple(found.values())


def _clock_lines(report: ReportText, titles: Mapping[str, int]) -> Iterator[tuple[int, re.Match[str]]]:
    start = titles.get('Clock Summary', len(report.lines)) + 3
    while start <= len(report.lines) and not report.lines[start - 1].startswith(('Clock ', '---')):
        start += 1
    for number in range(start + 2, len(report.lines) + 1):
        line = report.lines[number - 1]
        if not line:
            return
        match = _CLOCK.fullmatch(line)
        if match is None:
            raise report.error('this is not a line of the Clock Summary', number)
        yield number, match


def _details(report: ReportText) -> Iterator[tuple[tuple[str, str], tuple[int, tuple[float, ...] | None]]]:
    """What the details say of the paths from a clock to itself, by clock and kind of check."""
    for number, line in enumerate(report.lines, 1):
        if not line.startswith('From Clock:') or number >= len(report.lines):
            continue
        source, target = line.partition(':')[2].strip(), report.lines[number].partition(':')[2].strip()
        if source != target:
            continue
        for at in range(number + 2, min(number + 6, len(report.lines) + 1)):
            match = _DETAIL.fullmatch(report.lines[at - 1])
            if match is not None:
                texts = (match['worst'], match['total'], match['failing'])
                yield (
                    (source, match['kind']),
                    (at, None if 'NA' in texts else (float(texts[0]), float(texts[1]), int(texts[2]))),
                )
