"""Frequency and utilization of a recorded report, and reports that are damaged."""

from pathlib import Path

import pytest

from da4ml_flow.eda.parsers.nextpnr_report import parse_nextpnr
from da4ml_flow.errors import ReportParseError

RECORDED = (Path(__file__).parent / 'reports' / 'nextpnr.json').read_text()


def test_a_recorded_report() -> None:
    report = parse_nextpnr(RECORDED)
    assert report.fmax_mhz == {'$glbnet$clk$TRELLIS_IO_IN': pytest.approx(102.9336)}
    assert report.used['TRELLIS_COMB'] == 2928
    assert report.used['TRELLIS_FF'] == 1673
    assert report.used['MULT18X18D'] == 0


def test_no_clock_is_no_frequency() -> None:
    assert parse_nextpnr('{"fmax": {}, "utilization": {}}').fmax_mhz == {}


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'not JSON'),
        ('{"fmax": {}}', "no 'utilization'"),
        ('{"utilization": {}}', "no 'fmax'"),
        ('{"fmax": {"clk": {}}, "utilization": {}}', "no 'achieved'"),
        ('{"fmax": {"clk": {"achieved": 0}}, "utilization": {}}', 'not a positive number'),
        ('{"fmax": {"clk": {"achieved": NaN}}, "utilization": {}}', 'not a positive number'),
        ('{"fmax": {"clk": {"achieved": "1"}}, "utilization": {}}', 'not a positive number'),
        ('{"fmax": {"clk": 3}, "utilization": {}}', 'clk is not an object'),
        ('{"fmax": {}, "utilization": {"FF": {"used": -1}}}', 'not a count'),
    ],
)
def test_what_is_not_such_a_report(text: str, message: str) -> None:
    with pytest.raises(ReportParseError, match=message):
        parse_nextpnr(text)


def test_every_truncation_is_refused() -> None:
    text = RECORDED.rstrip()
    for end in range(0, len(text), 7):
        with pytest.raises(ReportParseError):
            parse_nextpnr(text[:end])
