"""Slacks and clocks out of real timing summaries of Vivado, and out of ones with several clocks, or none."""

from pathlib import Path

import pytest
from reports.damage import check_truncations

from da4ml_flow.eda.parsers.vivado_timing import Slack, parse_timing_summary
from da4ml_flow.errors import ReportParseError
from da4ml_flow.results.metrics import METRICS

RULE = 96 * '-'


def columns(kinds: str) -> list[str]:
    """The names of the figures of setup (N), hold (H) and pulse width (P), as Vivado heads them."""
    names = {
        'N': ('WNS(ns)', 'TNS(ns)', 'TNS'),
        'H': ('WHS(ns)', 'THS(ns)', 'THS'),
        'P': ('WPWS(ns)', 'TPWS(ns)', 'TPWS'),
    }
    return [text for kind in kinds for worst, total, short in [names[kind]]
            for text in (worst, total, f'{short} Failing Endpoints', f'{short} Total Endpoints')]  # fmt: skip


def table(names: list[str], kinds: str, rows: list[str]) -> str:
    """An unframed table; a row is of names and figures parted by '|', its figures are aligned to the right."""
    heads = columns(kinds)
    cells = [row.split('|') for row in rows]
    widths = [max(len(text) for text in (name, *(row[at] for row in cells))) for at, name in enumerate(names)]

    def line(left: list[str], right: list[str]) -> str:
        named = ''.join(f'{text:<{width}}  ' for text, width in zip(left, widths, strict=True))
        figures = ''.join(f'{text:>{max(len(head), 11)}}  ' for text, head in zip(right, heads, strict=True))
        return f'{named}  {figures}'

    header = line(names, heads)
    rule = line(['-' * len(name) for name in names], ['-' * len(head) for head in heads])
    return '\n'.join([header, rule, *(line(row[: len(names)], row[len(names) :]) for row in cells)])


def section(title: str, body: str) -> str:
    return f'{RULE}\n| {title}\n| {"-" * len(title)}\n{RULE}\n\n{body}\n\n\n'


def report(summary: str, verdict: str, clocks: str, intra: list[str], inter: list[str], other: list[str]) -> str:
    """A timing summary; ``clocks`` is the body of its Clock Summary, which is left out where that is empty."""
    head = '\n'.join(
        [
            'Copyright 1986-2019 Xilinx, Inc. All Rights Reserved.',
            RULE,
            '| Tool Version : Vivado v.2019.2 (lin64) Build 2708876 Wed Nov  6 21:39:14 MST 2019',
            '| Command      : report_timing_summary -file top_timing.rpt',
            '| Design       : top',
            '| Device       : 7a35ti-csg324',
            RULE,
            '',
            'Timing Summary Report',
            '',
            '',
        ]
    )
    return head + ''.join(
        [
            section('Timer Settings', '  Enable Multi Corner Analysis               :  Yes'),
            section('Design Timing Summary', table([], 'NHP', [summary]) + f'\n\n\n{verdict}'),
            section('Clock Summary', clocks) if clocks else '',
            section('Intra Clock Table', table(['Clock'], 'NHP', intra)),
            section('Inter Clock Table', table(['From Clock', 'To Clock'], 'NH', inter)),
            section('Other Path Groups Table', table(['Path Group', 'From Clock', 'To Clock'], 'NH', other)),
        ]
    )


NONE = report('|'.join(['NA'] * 12), 'There are no user specified timing constraints.', '', [], [], [])
UNCONSTRAINED = report(
    '|'.join(['inf', '0.000', '0', '37'] * 2 + ['NA'] * 4),
    'There are no user specified timing constraints.',
    '',
    [],
    [],
    [],
)
CLOCKS = """\
Clock                Waveform(ns)         Period(ns)      Frequency(MHz)
-----                ------------         ----------      --------------
clk100               {0.000 5.000}        10.000          100.000
  pll_fb             {0.000 5.000}        10.000          100.000
  clkout0            {0.000 1.500}        3.000           333.333
eth_rx_clk           {0.000 20.000}       40.000          25.000        """
SEVERAL = report(
    '-0.458|-1.916|7|159|0.033|0.000|0|158|0.264|0.000|0|807',
    'Timing constraints are not met.',
    CLOCKS,
    [
        'clk100|||||||||3.000|0.000|0|1',
        '  pll_fb|||||||||8.751|0.000|0|2',
        '  clkout0|0.248|0.000|0|31|0.033|0.000|0|31|0.264|0.000|0|700',
        'eth_rx_clk|30.724|0.000|0|112|0.156|0.000|0|112|18.750|0.000|0|104',
    ],
    ['|clkout0|3.662|0.000|0|1||||', 'eth_rx_clk|clkout0|-0.458|-1.916|7|15|0.727|0.000|0|15'],
    ['**async_default**|clkout0|clkout0|1.250|0.000|0|3|0.500|0.000|0|3'],
)
COMBINATIONAL = report(
    '1.250|0.000|0|8|NA|NA|NA|NA|NA|NA|NA|NA',
    'All user specified timing constraints are met.',
    '',
    [],
    [],
    ['**default**|||1.250|0.000|0|8||||'],
)


def refused(text: str, message: str) -> ReportParseError:
    with pytest.raises(ReportParseError, match=message) as caught:
        parse_timing_summary(text, 'some/timing.rpt')
    assert caught.value.location is not None
    assert caught.value.location.path == 'some/timing.rpt'
    return caught.value


def test_the_known_answers_after_route(shared: Path) -> None:
    found = parse_timing_summary((shared / 'reports' / 'vivado' / 'vmodel_post_route_timing.rpt').read_text())
    assert found.setup == Slack(0.822, 0.0, 0, 7451)
    assert found.hold == Slack(-0.267, -512.44, 1920, 7451)
    assert found.pulse_width == Slack(1.968, 0.0, 0, 3760)
    assert found.met is False
    (clock,) = found.clocks
    assert (clock.name, clock.period_ns) == ('sys_clk', 5.0)
    figures = found.figures()
    assert figures.keys() <= METRICS.keys()
    assert figures.pop('fmax_mhz') == pytest.approx(1000 / (5 - 0.822))
    assert figures == {'wns_ns': 0.822, 'tns_ns': 0.0, 'whs_ns': -0.267, 'clock_ns': 5.0}


@pytest.mark.parametrize(('stage', 'wns', 'whs'), [('synth', 2.190, -0.442), ('place', 2.012, -0.366)])
def test_the_other_stages(shared: Path, stage: str, wns: float, whs: float) -> None:
    text = (shared / 'reports' / 'vivado' / f'vmodel_post_{stage}_timing.rpt').read_text()
    figures = parse_timing_summary(text).figures()
    assert (figures['wns_ns'], figures['whs_ns']) == (wns, whs)


@pytest.mark.parametrize('text', [NONE, UNCONSTRAINED])
def test_without_constraints_there_are_no_figures(text: str) -> None:
    found = parse_timing_summary(text)
    assert found.figures() == {}
    assert found.met is None
    assert found.clocks == ()


def test_several_clocks() -> None:
    found = parse_timing_summary(SEVERAL)
    assert found.figures() == {'wns_ns': -0.458, 'tns_ns': -1.916, 'whs_ns': 0.033}
    assert found.met is False
    assert [(clock.name, clock.period_ns) for clock in found.clocks] == [
        ('clk100', 10.0),
        ('pll_fb', 10.0),
        ('clkout0', 3.0),
        ('eth_rx_clk', 40.0),
    ]
    assert [clock.setup and clock.setup.worst_ns for clock in found.clocks] == [None, None, 0.248, 30.724]
    assert found.clocks[0].fmax_mhz is None
    assert found.clocks[2].fmax_mhz == pytest.approx(1000 / 2.752)
    assert found.clocks[3].hold == Slack(0.156, 0.0, 0, 112)


def test_constraints_without_a_clock() -> None:
    assert parse_timing_summary(COMBINATIONAL).figures() == {'wns_ns': 1.25, 'tns_ns': 0.0}


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ('     -0.458', '     -0.459', 'not the worst slack of the path groups'),
        ('   -0.458   ', '    0.458   ', 'do not fit'),
        ('Timing constraints are not met.', 'All user specified timing constraints are met.', 'a slack is negative'),
        ('Timing constraints are not met.', '', 'does not say whether timing is met'),
        ('3.000           333.333', '3.100           333.333', 'are not 333.333 MHz'),
        ('  clkout0            {', '  clkout1            {', 'not those of the Clock Summary'),
        ('  clkout0            {0.000 1.500}        3.000           333.333\n', '', 'not those of the Clock Summary'),
        ('| Other Path Groups Table', '| Other Path Group Table', "no 'Other Path Groups Table'"),
        ('| Design Timing Summary', '| Timing Summary', "no 'Design Timing Summary'"),
        ('report_timing_summary', 'report_timing', 'not of report_timing_summary'),
        ('WHS(ns)', 'WHT(ns)', 'do not agree|is not a'),
    ],
)
def test_a_contradiction_is_refused(before: str, after: str, message: str) -> None:
    assert before in SEVERAL
    refused(SEVERAL.replace(before, after, 1), message)


def test_the_error_names_the_line() -> None:
    error = refused(SEVERAL.replace('0.248 ', '0.2x8 '), 'WNS')
    assert error.location is not None
    assert error.location.line is not None
    assert '0.2x8' in SEVERAL.replace('0.248 ', '0.2x8 ').splitlines()[error.location.line - 1]


@pytest.mark.parametrize('text', ['', 'hello', NONE[:400]])
def test_what_is_not_such_a_report(text: str) -> None:
    with pytest.raises(ReportParseError):
        parse_timing_summary(text)


@pytest.mark.parametrize('text', [NONE, SEVERAL, COMBINATIONAL])
def test_every_truncation_is_right_or_refused(text: str) -> None:
    check_truncations(parse_timing_summary, text, step=3)
