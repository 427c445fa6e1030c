"""Power from Vivado's report_power."""

from __future__ import annotations

from typing import NamedTuple

from da4ml_flow.eda.parsers.text_table import ReportText, Row, Table
from da4ml_flow.eda.parsers.vivado_sections import VivadoHead, VivadoReport, read_sections

# what is printed behind a figure of a device that is too hot
_EXCEEDED = '(Junction temp exceeded!)'


class Power(NamedTuple):
    """Watts; ``confidence`` is Vivado's own word for how much of the activity it was told."""

    head: VivadoHead
    total_w: float
    dynamic_w: float
    static_w: float
    confidence: str

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics."""
        return {'power_w': self.total_w}


def parse_power(text: str, source: str = 'power.rpt') -> Power:
    """The power in a report; raises ReportParseError for what is not whole, or whose parts are not the total."""
    report = ReportText(text, source, 'vivado')
    whole = read_sections(report, 'report_power')
    summary, parts = _table(whole, 'Summary', header=False), _table(whole, 'On-Chip Components', header=True)
    total_row = _row(summary, 'Total On-Chip Power (W)')
    total = _watts(summary, total_row, 'value')
    dynamic = _watts(summary, _row(summary, 'Dynamic (W)'), 'value')
    static = _watts(summary, _row(summary, 'Device Static (W)'), 'value')
    if round(abs(total - dynamic - static), 6) > 0.001:  # three figures, each rounded to a milliwatt
        raise report.error(f'{total} W are not the sum of {dynamic} W and {static} W', total_row.line)
    for name, here in (('Total', total), ('Static Power', static)):
        row = _row(parts, name)
        if _watts(parts, row, 'Power (W)') != here:
            raise report.error(f'{name} is not the {here} W of the summary', row.line)
    confidence = summary.row('Confidence Level')
    return Power(whole.head, total, dynamic, static, '' if confidence is None else summary.text(confidence, 'value'))


def _table(report: VivadoReport, title: str, header: bool) -> Table:
    section = report.sections.get(title)
    if section is None or len(section.boxes) != 1:
        raise report.text.error(f'there is no table {title!r}', 1 if section is None else section.line)
    return section.boxes[0].table() if header else section.boxes[0].pairs()


def _row(table: Table, name: str) -> Row:
    row = table.row(name)
    if row is None:
        raise table.report.error(f'there is no row {name!r} in this table', table.line)
    return row


def _watts(table: Table, row: Row, column: str) -> float:
    text = table.text(row, column).removesuffix(_EXCEEDED).rstrip(' ')
    return table.report.number(text, row.line, row.name, decimals=3)
