"""Frequency and utilization from the JSON that nextpnr's `--report` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from da4ml_flow.eda.parsers.json_report import JsonReport


class NextpnrReport(NamedTuple):
    """``fmax_mhz`` by clock, empty where no path runs from a register to a register; ``used`` by kind of cell."""

    fmax_mhz: Mapping[str, float]
    used: Mapping[str, int]


def parse_nextpnr(text: str, source: str = 'report.json') -> NextpnrReport:
    """The figures of one run; raises ReportParseError for what is not such a report."""
    report = JsonReport(text, source, 'nextpnr')
    clocks = report.member(report.data, 'fmax')
    fmax = {clock: report.positive(report.member(clocks, clock), 'achieved') for clock in clocks}
    cells = report.member(report.data, 'utilization')
    used = {cell: report.count(report.member(cells, cell), 'used') for cell in cells}
    for cell, count in used.items():
        counts = report.member(cells, cell)
        if 'available' in counts and count > report.count(counts, 'available'):
            raise report.error(f'more {cell} are used than there are', cell)
    return NextpnrReport(fmax, used)
