"""Slacks and frequencies from the report of Quartus' Timing Analyzer, of one model or of several."""

from __future__ import annotations

import re
from typing import NamedTuple

from da4ml_flow.eda.parsers.quartus_sections import QuartusHead, QuartusReport, read_quartus
from da4ml_flow.eda.parsers.text_table import Row, Table

_WANTED = re.compile(r'Clocks|(?:.* Model )?(?:Fmax|Setup|Hold) Summary|Multicorner Timing Analysis Summary')
_MHZ = re.compile(r'[0-9]{1,9}(?:\.[0-9]{1,9})? MHz', re.ASCII)


class TimingClock(NamedTuple):
    """A clock with its worst over all models; None where it has no path of that kind."""

    name: str
    period_ns: float
    fmax_mhz: float | None
    restricted_fmax_mhz: float | None
    setup_ns: float | None
    setup_total_ns: float | None
    hold_ns: float | None


class Timing(NamedTuple):
    """Slacks of a whole design, the worst of all models, None for what has no constrained path."""

    head: QuartusHead
    setup_ns: float | None
    setup_total_ns: float | None
    hold_ns: float | None
    clocks: tuple[TimingClock, ...]

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics; clock and frequency only where there is one clock."""
        figures = {'wns_ns': self.setup_ns, 'tns_ns': self.setup_total_ns, 'whs_ns': self.hold_ns}
        if len(self.clocks) == 1:
            figures |= {'clock_ns': self.clocks[0].period_ns, 'fmax_mhz': self.clocks[0].fmax_mhz}
        return {name: value for name, value in figures.items() if value is not None}


def parse_timing(text: str, source: str = 'sta.rpt') -> Timing:
    """The slacks in a report; raises ReportParseError for what is not whole, or contradicts itself.

    The worst of the models must be what the summary of all corners states.
    """
    whole = read_quartus(text, source, 'Timing Analyzer', _WANTED)
    report = whole.text
    missing = [title for title in ('Clocks', 'Multicorner Timing Analysis Summary') if title not in whole.titles]
    if missing:
        raise report.error(f'there is no {missing[0]!r}: is it truncated?', len(report.lines))
    setup, totals = _slacks(whole, 'Setup Summary')
    hold, _ = _slacks(whole, 'Hold Summary')
    fmax, restricted = _frequencies(whole)
    clocks: dict[str, TimingClock] = {}
    table = whole.table('Clocks')
    for row in () if table is None else table.rows:
        name = row.name
        if table is None or name in clocks:
            raise report.error(f'there are two clocks {name!r}', row.line)
        found = (source.get(name) for source in (fmax, restricted, setup, totals, hold))
        clocks[name] = TimingClock(name, _period(table, row), *found)
    for name in {*setup, *hold, *fmax} - {*clocks}:
        raise report.error(f'{name!r} is not among the clocks', whole.titles['Clocks'])
    total = _check_corners(whole, setup, hold, totals)
    worst, worst_hold = (min(slacks.values(), default=None) for slacks in (setup, hold))
    return Timing(whole.head, worst, total, worst_hold, tuple(clocks.values()))


def _slacks(whole: QuartusReport, title: str) -> tuple[dict[str, float], dict[str, float]]:
    """Worst slack and worst total of the violations by clock, over the models."""
    worst: dict[str, float] = {}
    totals: dict[str, float] = {}
    for table in whole.tables(title):
        for row in table.rows:
            if table.row(row.name) is None:
                continue
            slack = table.number(row, 'Slack', decimals=3)
            total = table.number(row, 'End Point TNS', decimals=3)
            failing = table.count(row, 'Failing End Points') if table.column('Failing End Points') is not None else None
            if total > 0 or (slack > 0 > total) or (total == 0 > slack) or total > max(slack, 0):
                raise table.report.error(f'{row.name}: slack {slack} and total {total} do not fit', row.line)
            if failing is not None and (failing > 0) != (slack < 0) and slack != 0:
                raise table.report.error(f'{row.name}: slack {slack} and {failing} failing do not fit', row.line)
            worst[row.name] = min(slack, worst.get(row.name, slack))
            totals[row.name] = min(total, totals.get(row.name, total))
    return worst, totals


def _frequencies(whole: QuartusReport) -> tuple[dict[str, float], dict[str, float]]:
    """Least Fmax and least restricted Fmax by clock, over the models."""
    fmax: dict[str, float] = {}
    restricted: dict[str, float] = {}
    for table in whole.tables('Fmax Summary'):
        seen: set[str] = set()
        for row in table.rows:
            name = table.text(row, 'Clock Name')
            free, limited = _megahertz(table, row, 'Fmax'), _megahertz(table, row, 'Restricted Fmax')
            if name in seen or limited > free:
                raise table.report.error(f'the frequencies of clock {name!r} do not fit', row.line)
            seen.add(name)
            fmax[name] = min(free, fmax.get(name, free))
            restricted[name] = min(limited, restricted.get(name, limited))
        if seen != {*fmax}:
            raise table.report.error('the models are not of the same clocks', table.line)
    return fmax, restricted


def _megahertz(table: Table, row: Row, column: str) -> float:
    text = table.text(row, column)
    if _MHZ.fullmatch(text) is None:
        raise table.report.error(f'{column} is not a frequency: {text!r}', row.line)
    return float(text.removesuffix(' MHz'))


def _period(table: Table, row: Row) -> float:
    """The period in ns, which must be that of the frequency beside it."""
    period, mhz = table.number(row, 'Period', decimals=3), _megahertz(table, row, 'Frequency')
    decimals = len(table.text(row, 'Frequency').removesuffix(' MHz').partition('.')[2])
    if period <= 0 or abs(mhz - 1000 / period) > 10**-decimals + 0.5 / period**2:
        raise table.report.error(f'clock {row.name!r}: {period} ns are not {mhz} MHz', row.line)
    return period


def _check_corners(
    whole: QuartusReport, setup: dict[str, float], hold: dict[str, float], totals: dict[str, float]
) -> float | None:
    """The total of the setup violations of the design, from the summary of all corners.

    Its rows are the worst slack and those of the clocks, then the total and those of the clocks.
    """
    table = whole.table('Multicorner Timing Analysis Summary')
    if table is None:
        if setup or hold:
            raise whole.text.error('there are slacks, and none of all corners', whole.titles['Clocks'])
        return None
    starts = [at for at, row in enumerate(table.rows) if row.name in ('Worst-case Slack', 'Design-wide TNS')]
    if len(starts) != 2 or starts[0] != 0 or table.rows[0].name != 'Worst-case Slack':
        raise table.report.error('the summary of all corners is not as it is known', table.line)
    slack_rows, total_rows = table.rows[: starts[1]], table.rows[starts[1] :]
    for column, slacks in (('Setup', setup), ('Hold', hold)):
        _check(table, slack_rows[0], column, min(slacks.values(), default=None))
        _check_clocks(table, slack_rows[1:], column, slacks)
    _check_clocks(table, total_rows[1:], 'Setup', totals)
    if not totals:
        return None
    total = table.number(total_rows[0], 'Setup')
    if not sum(totals.values()) - 0.0015 * len(totals) <= total <= min(totals.values()):
        raise table.report.error(f'{total} ns is not the total of the clocks', total_rows[0].line)
    if len(totals) == 1:
        _check(table, total_rows[0], 'Setup', *totals.values())
    return total


def _check_clocks(table: Table, rows: tuple[Row, ...], column: str, figures: dict[str, float]) -> None:
    names = [row.name for row in rows]
    if len({*names}) != len(names) or not {*figures} <= {*names}:
        raise table.report.error('the clocks of all corners are not those of the models', table.line)
    for row in rows:
        _check(table, row, column, figures.get(row.name))


def _check(table: Table, row: Row, column: str, figure: float | None) -> None:
    text = table.text(row, column)
    if (None if text == 'N/A' else table.number(row, column)) != figure:
        raise table.report.error(f'{column} of {row.name!r} is {text} here, {figure} in the models', row.line)
