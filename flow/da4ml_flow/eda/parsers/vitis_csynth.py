"""Estimates from the summary of Vitis HLS' synthesis: csynth.rpt and csynth.xml."""

from __future__ import annotations

import re
from typing import NamedTuple

from da4ml_flow.eda.parsers.text_table import ReportText, Row, Table, read_box
from da4ml_flow.eda.parsers.xml_report import Element, read_xml

_TITLE = re.compile(r"== Synthesis Summary Report of '(?P<top>[^']+)'")
_KEY = re.compile(r' +\* (?P<key>[A-Z][A-Za-z ]*): +(?P<value>\S.*)')
_ESTIMATES = '+ Performance & Resource Estimates:'
# what is printed where there is none, or where it depends on the data
_UNKNOWN = ('-', '?', 'undef', 'n/a')
_RESOURCE = re.compile(r'(?P<count>[0-9]{1,15})(?: *\(~?[0-9]+%\))?', re.ASCII)
_ROUNDED = re.compile(r'[1-9]\.[0-9]{3}e\+[0-9]{2}', re.ASCII)
_LATENCY = ('PerformanceEstimates', 'SummaryOfOverallLatency')
_AREA = ('AreaEstimates', 'Resources')
_UNITS = {'ns': 1.0, 'us': 1e3, 'ms': 1e6, 'sec': 1e9}


class Csynth(NamedTuple):
    """Estimates of the top function, None where none is given: worst latency, ``brams`` in tiles of two RAMB18.

    ``latency_ns`` is None, too, where text rounds it to four digits, which it does from a microsecond on.

    ``clock_ns`` is the target, in XML only; ``slack_ns`` of the estimate against it, in text only.
    """

    top: str
    version: str
    part: str
    clock_ns: float | None
    slack_ns: float | None
    latency_cycles: int | None
    latency_ns: float | None
    ii: int | None
    luts: int | None
    ffs: int | None
    dsps: int | None
    brams: float | None
    urams: int | None

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics."""
        names = ('luts', 'ffs', 'dsps', 'brams', 'urams', 'latency_cycles', 'latency_ns', 'ii', 'clock_ns')
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def parse_csynth(text: str, source: str = 'csynth.rpt') -> Csynth:
    """The estimates in a text or XML report; raises ReportParseError for what is not whole."""
    return _from_xml(text, source) if text.lstrip().startswith('<') else _from_text(text, source)


def _from_text(text: str, source: str) -> Csynth:
    report = ReportText(text, source, 'vitis')
    titles = [(at, match) for at, line in enumerate(report.lines, 1) if (match := _TITLE.fullmatch(line))]
    starts = [at for at, line in enumerate(report.lines, 1) if line == _ESTIMATES]
    if len(titles) != 1 or len(starts) != 1 or starts[0] < titles[0][0]:
        raise report.error('it is not one summary of a synthesis: is it truncated?', 1)
    keys: dict[str, str] = {}
    for number in range(titles[0][0], starts[0]):
        match = _KEY.fullmatch(report.lines[number - 1])
        if match is not None:
            keys[match['key']] = match['value']
    for key in ('Version', 'Target device'):
        if key not in keys:
            raise report.error(f'it does not say {key!r}', titles[0][0])
    number = starts[0] + 1
    while number <= len(report.lines) and not report.lines[number - 1].lstrip().startswith('+-'):
        if report.lines[number - 1].lstrip().startswith(('|', '==')):
            break
        number += 1
    if number > len(report.lines):
        raise report.error('it has no table of estimates: is it truncated?', starts[0])
    table = read_box(report, number, joined=True).table(header_lines=2)
    top = titles[0][1]['top']
    if not table.rows or table.rows[0].cells[0].rstrip().rstrip('*') != f'+ {top}':
        raise report.error(f'the first module of the estimates is not {top!r}', table.line)
    row = table.rows[0]
    cycles, latency_ns, rounded = _count(table, row, 'Latency (cycles)'), None, _is_rounded(table, row, 'Latency (ns)')
    if not rounded:
        latency_ns = _number(table, row, 'Latency (ns)')
    if (cycles is None) != (latency_ns is None and not rounded) or (cycles == 0) != (latency_ns == 0):
        raise report.error('the latencies in cycles and in ns do not fit', row.line)
    brams = _resource(table, row, 'BRAM')
    return Csynth(
        top,
        keys['Version'].split()[0],
        keys['Target device'],
        None,
        _number(table, row, 'Slack'),
        cycles,
        latency_ns,
        _count(table, row, 'Interval'),
        _resource(table, row, 'LUT'),
        _resource(table, row, 'FF'),
        _resource(table, row, 'DSP'),
        None if brams is None else brams / 2,
        _resource(table, row, 'URAM'),
    )


def _resource(table: Table, row: Row, column: str) -> int | None:
    """A count with a rounded percentage behind it, such as '494 (~0%)'."""
    text = table.text(row, column)
    match = _RESOURCE.fullmatch(text)
    if match is None and text not in _UNKNOWN:
        raise table.report.error(f'{column} is not a count: {text!r}', row.line)
    return None if match is None else int(match['count'])


def _count(table: Table, row: Row, column: str) -> int | None:
    return None if table.text(row, column) in _UNKNOWN else table.count(row, column)


def _is_rounded(table: Table, row: Row, column: str) -> bool:
    return _ROUNDED.fullmatch(table.text(row, column)) is not None


def _number(table: Table, row: Row, column: str) -> float | None:
    return None if table.text(row, column) in _UNKNOWN else table.number(row, column)


def _from_xml(text: str, source: str) -> Csynth:
    report = ReportText(text, source, 'vitis')
    root = read_xml(text, source, 'vitis')

    def element(*path: str) -> Element | None:
        """The one element at the end of a path."""
        found: Element | None = root
        for tag in path:
            children = [child for child in found.children if child.tag == tag] if found is not None else []
            if len(children) > 1:
                raise report.error(f'there are two <{tag}>', children[1].line)
            found = children[0] if children else None
        return found

    def required(*path: str) -> Element:
        found = element(*path)
        if found is None or not found.text:
            raise report.error(f'there is no <{path[-1]}> in <{path[-2]}>', root.line if found is None else found.line)
        return found

    def count(*path: str) -> int | None:
        found = element(*path)
        if found is None or found.text in _UNKNOWN:
            return None
        return report.count(found.text, found.line, found.tag)

    if root.tag != 'profile':
        raise report.error(f'it is not of a synthesis: <{root.tag}>', root.line)
    top, version = required('UserAssignments', 'TopModelName'), required('ReportVersion', 'Version')
    part, clock = required('UserAssignments', 'Part'), required('UserAssignments', 'TargetClockPeriod')
    if element('AreaEstimates', 'Resources') is None or element(*_LATENCY) is None:
        raise report.error('it has no estimates of area, or none of latency', root.line)
    cycles, time = count(*_LATENCY, 'Worst-caseLatency'), element(*_LATENCY, 'Worst-caseRealTimeLatency')
    brams = count(*_AREA, 'BRAM_18K')
    dsps = [found for name in ('DSP', 'DSP48E') if (found := count(*_AREA, name)) is not None]
    if len(dsps) > 1:
        raise report.error('it has two counts of DSPs', root.line)
    return Csynth(
        top.text,
        version.text,
        part.text,
        report.number(clock.text, clock.line, clock.tag, decimals=2),
        None,
        cycles,
        None if time is None or time.text in _UNKNOWN else _nanoseconds(report, time),
        count(*_LATENCY, 'Interval-max'),
        count(*_AREA, 'LUT'),
        count(*_AREA, 'FF'),
        dsps[0] if dsps else None,
        None if brams is None else brams / 2,
        count(*_AREA, 'URAM'),
    )


def _nanoseconds(report: ReportText, element: Element) -> float:
    number, _, unit = element.text.partition(' ')
    if unit not in _UNITS:
        raise report.error(f'{element.tag} is not a time: {element.text!r}', element.line)
    return round(report.number(number, element.line, element.tag, decimals=3) * _UNITS[unit], 6)
