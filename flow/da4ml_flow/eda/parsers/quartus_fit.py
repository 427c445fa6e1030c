"""Resources from the report of Quartus' fitter, Prime and Standard."""

from __future__ import annotations

import re
from typing import NamedTuple

from da4ml_flow.eda.parsers.quartus_sections import QuartusHead, read_quartus
from da4ml_flow.eda.parsers.text_table import Row, Table

_WANTED = re.compile('Fitter Summary|Fitter Resource Usage Summary')
_SHARE = re.compile(
    r'(?P<used>[0-9,]+) / (?P<total>[0-9,]+)(?: \( (?:(?P<less>< )1|(?P<percent>[0-9]{1,3})) % \))?', re.ASCII
)
_RAM_BLOCKS = re.compile(r'M[0-9]+K blocks|M[0-9]+Ks?', re.ASCII)


_FIGURES = ('alms', 'luts', 'ffs', 'dsps', 'brams')


class Fit(NamedTuple):
    """Resources of a fitted design, None where the family has no such thing.

    ``luts`` are combinational ALUTs or functions, two of which may share an ALM; ``brams`` RAM blocks of the family.
    """

    head: QuartusHead
    device: str
    alms: int | None
    logic_elements: int | None
    luts: int | None
    ffs: int
    dsps: int | None
    brams: int | None
    memory_bits: int | None

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics."""
        return {name: value for name in _FIGURES if (value := getattr(self, name)) is not None}


def parse_fit(text: str, source: str = 'fit.rpt') -> Fit:
    """The resources in a fitter's report; raises ReportParseError for what is not whole, or contradicts itself."""
    whole = read_quartus(text, source, 'Fitter', _WANTED)
    report = whole.text
    summary, usage = whole.table('Fitter Summary', header=False), whole.table('Fitter Resource Usage Summary')
    if summary is None or usage is None:
        raise report.error('it has no summary, or no usage of resources: is it truncated?', len(report.lines))
    status, device = summary.row('Fitter Status'), summary.row('Device')
    if status is None or not summary.text(status, 'value').startswith('Successful - '):
        raise report.error('it is not of a successful fit', summary.line)
    if device is None:
        raise report.error("the summary has no 'Device'", summary.line)
    alms = _figure(summary, usage, ['Logic utilization (in ALMs)'], ['ALMs needed [=A-B+C]'])
    _figure(summary, usage, ['Logic utilization (in ALMs)'], ['Logic utilization (ALMs needed / total ALMs on device)'])
    elements = _figure(summary, usage, ['Total logic elements'], ['Total logic elements'])
    if (alms is None) == (elements is None):
        raise report.error('the summary has neither ALMs nor logic elements', summary.line)
    if alms is not None:
        luts = _functions(usage, 'Combinational ALUT usage for logic', None)
    else:
        functions = _figure(summary, usage, ['Total combinational functions'], [])
        luts = _functions(usage, 'Logic element usage by number of LUT inputs', functions)
    ffs = _figure(summary, usage, ['Total dedicated logic registers'], ['Dedicated logic registers'])
    if summary.row('Total dedicated logic registers') is None:  # in older families with the registers of pins
        ffs = _figure(summary, usage, ['Total registers'], ['Total registers'])
    if ffs is None:
        raise report.error('the summary has no registers', summary.line)
    dsps = _figure(summary, usage, ['Total DSP Blocks'], ['DSP Blocks Needed [=A+B+C-D]', 'Total DSP Blocks'])
    blocks = [row.name for row in usage.rows if _RAM_BLOCKS.fullmatch(row.name)]
    brams = _figure(summary, usage, ['Total RAM Blocks'], blocks if len(blocks) == 1 else [])
    bits = _figure(summary, usage, ['Total block memory bits', 'Total memory bits'], ['Total block memory bits'])
    return Fit(whole.head, summary.text(device, 'value'), alms, elements, luts, ffs, dsps, brams, bits)


def _figure(summary: Table, usage: Table, names: list[str], again: list[str]) -> int | None:
    """A figure of the summary, which must be the same in the table of usage where it is in both."""
    row, other = summary.row(*names), usage.row(*again)
    figure = None if row is None else _used(summary, row, 'value')
    if other is None:
        return figure
    copy = _used(usage, other, 'Usage')
    if figure not in (None, copy):
        raise usage.report.error(f'{other.name}: this is not the {figure} of the summary', other.line)
    return copy


def _functions(table: Table, name: str, total: int | None) -> int | None:
    """The count of functions, which is the sum of those of so many inputs below its name; beside it if not given."""
    at = next((place for place, row in enumerate(table.rows) if row.name == name), None)
    if at is None or table.row(name) is None:
        raise table.report.error(f'there is no {name!r}', table.line)
    if total is None:
        total = _used(table, table.rows[at], 'Usage')
    parts = []
    for row in table.rows[at + 1 :]:
        if not row.name.startswith('--') or not row.name.endswith(' input functions'):
            break
        parts.append(_used(table, row, 'Usage'))
    if not parts or sum(parts) != total:
        raise table.report.error(f'{name}: {total} is not the sum of {parts}', table.rows[at].line)
    return total


def _used(table: Table, row: Row, column: str) -> int:
    """A count, alone or as '2,657 / 487,200 ( < 1 % )'; the percentage must be that of the count."""
    text = table.text(row, column)
    match = _SHARE.fullmatch(text)
    if match is None:
        return table.report.count(text, row.line, row.name)
    used, total = (table.report.count(match[group], row.line, row.name) for group in ('used', 'total'))
    share = 100 * used / total if total else 0.0
    stated = match['percent']
    if (match['less'] and not 0 < share < 1) or (stated is not None and abs(int(stated) - share) > 1) or share > 100:
        raise table.report.error(f'{row.name}: the percentage of {text!r} is wrong', row.line)
    return used
