"""Resources and slacks out of real reports of Quartus Prime Pro, and out of the dialect of older families."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from reports import dialects
from reports.damage import check_truncations

from da4ml_flow.eda.parsers.quartus_fit import parse_fit
from da4ml_flow.eda.parsers.quartus_timing import parse_timing
from da4ml_flow.errors import ReportParseError
from da4ml_flow.results.metrics import METRICS


def titled(title: str, header: Sequence[str] | None, rows: dialects.Rows) -> str:
    """A table of Quartus: the title in a frame of its own, above that of the columns."""
    padded = [[cell.ljust(max(len(row[at]) for row in [*([header] if header else []), *rows])) for at, cell in
               enumerate(row)] for row in rows]  # fmt: skip
    lines = dialects.frame(header, padded, ';').splitlines()
    width = len(lines[0])
    if width < len(title) + 4:
        raise AssertionError(f'the columns of {title!r} are narrower than its title')
    return '\n'.join([f'+{"-" * (width - 2)}+', f'; {title.ljust(width - 4)} ;', *lines])


def nothing(title: str, text: str) -> str:
    rule = '-' * (len(title) + 4)
    return f'{rule}\n; {title} ;\n{rule}\n{text}'


def quartus(kind: str, tables: Sequence[tuple[str, str]]) -> str:
    contents = [f'{number:3d}. {title}' for number, (title, _) in enumerate(tables, 1)]
    head = [f'{kind} report for top', 'Wed Dec  4 12:53:04 2019',
            'Quartus Prime Version 18.1.0 Build 625 09/12/2018 SJ Lite Edition', '', '']  # fmt: skip
    rule = '-' * 21
    body = [line for _, table in tables for line in (table, '', '')]
    return '\n'.join([*head, rule, '; Table of Contents ;', rule, *contents, '', '', '', *body])


CYCLONE_FIT = quartus(
    'Fitter',
    [
        (
            'Fitter Summary',
            titled(
                'Fitter Summary',
                None,
                [
                    ('Fitter Status', 'Successful - Wed Dec  4 13:37:55 2019'),
                    ('Device', 'EP4CE22F17C6'),
                    ('Total logic elements', '1,632 / 22,320 ( 7 % )'),
                    ('    Total combinational functions', '1,584 / 22,320 ( 7 % )'),
                    ('    Dedicated logic registers', '649 / 22,320 ( 3 % )'),
                    ('Total registers', '649'),
                    ('Total memory bits', '2,048 / 608,256 ( < 1 % )'),
                ],
            ),
        ),
        (
            'Fitter Resource Usage Summary',
            titled(
                'Fitter Resource Usage Summary',
                ('Resource', 'Usage'),
                [
                    ('Total logic elements', '1,632 / 22,320 ( 7 % )'),
                    ('    -- Register only', '48'),
                    ('', ''),
                    ('Logic element usage by number of LUT inputs', ''),
                    ('    -- 4 input functions', '888'),
                    ('    -- 3 input functions', '380'),
                    ('    -- <=2 input functions', '316'),
                    ('    -- Register only', '48'),
                    ('', ''),
                    ('Total registers*', '649 / 23,018 ( 3 % )'),
                    ('    -- Dedicated logic registers', '649 / 22,320 ( 3 % )'),
                    ('', ''),
                    ('M9Ks', '1 / 66 ( 2 % )'),
                    ('Total block memory bits', '2,048 / 608,256 ( < 1 % )'),
                ],
            ),
        ),
    ],
)


def slacks(model: str, kind: str, rows: dialects.Rows) -> tuple[str, str]:
    title = f'{model} Model {kind} Summary'
    padded = [[row[0], row[1], row[2].ljust(60)] for row in rows]
    return title, titled(title, ('Clock', 'Slack', 'End Point TNS'), padded)


CYCLONE_STA = quartus(
    'Timing Analyzer',
    [
        (
            'Clocks',
            titled(
                'Clocks',
                ('Clock Name', 'Type', 'Period', 'Frequency'),
                [('clk', 'Base', '5.714', '175.0 MHz'), ('slow', 'Base', '40.000', '25.0 MHz')],
            ),
        ),
        (
            'Slow 900mV 100C Model Fmax Summary',
            titled(
                'Slow 900mV 100C Model Fmax Summary',
                ('Fmax', 'Restricted Fmax', 'Clock Name', 'Note'),
                [('131.58 MHz', '130.0 MHz', 'clk', ''), ('300.0 MHz', '300.0 MHz', 'slow', '')],
            ),
        ),
        slacks('Slow 900mV 100C', 'Setup', [('clk', '-1.886', '-4.292'), ('slow', '36.667', '0.000')]),
        slacks('Slow 900mV 100C', 'Hold', [('clk', '0.057', '0.000'), ('slow', '0.100', '0.000')]),
        (
            'Slow 900mV 100C Model Recovery Summary',
            nothing('Slow 900mV 100C Model Recovery Summary', 'No paths to report.'),
        ),
        slacks('Fast 900mV 0C', 'Setup', [('clk', '-0.314', '-0.314'), ('slow', '38.000', '0.000')]),
        slacks('Fast 900mV 0C', 'Hold', [('clk', '0.019', '0.000'), ('slow', '0.090', '0.000')]),
        (
            'Multicorner Timing Analysis Summary',
            titled(
                'Multicorner Timing Analysis Summary',
                ('Clock', 'Setup', 'Hold', 'Recovery'),
                [
                    ('Worst-case Slack', '-1.886', '0.019', 'N/A'),
                    (' clk', '-1.886', '0.019', 'N/A'),
                    (' slow', '36.667', '0.090', 'N/A'),
                    ('Design-wide TNS', '-4.292', '0.0', '0.0'),
                    (' clk', '-4.292', '0.000', 'N/A'),
                    (' slow', '0.000', '0.000', 'N/A'),
                ],
            ),
        ),
    ],
)
NO_CLOCK = quartus(
    'Timing Analyzer',
    [
        ('Clocks', nothing('Clocks', 'No clocks to report.')),
        ('Setup Summary', nothing('Setup Summary', 'No paths to report.')),
        (
            'Multicorner Timing Analysis Summary',
            nothing('Multicorner Timing Analysis Summary', 'Nothing to report.'),
        ),
    ],
)


def test_a_real_fit(shared: Path) -> None:
    found = parse_fit((shared / 'reports' / 'quartus' / 'vmodel.fit.rpt').read_text())
    assert found.figures() == {'alms': 2657, 'luts': 4381, 'ffs': 4260, 'dsps': 40, 'brams': 8}
    assert found.figures().keys() <= METRICS.keys()
    assert (found.alms, found.logic_elements, found.memory_bits) == (2657, None, 16384)
    assert (found.device, found.head.version, found.head.revision) == ('AGFB014R24A2E2V', '25.1.0', 'vmodel')


def test_a_real_timing_analysis(shared: Path) -> None:
    found = parse_timing((shared / 'reports' / 'quartus' / 'vmodel.sta.rpt').read_text())
    assert found.figures() == {'wns_ns': 0.586, 'tns_ns': 0.0, 'whs_ns': 0.001, 'clock_ns': 5.0, 'fmax_mhz': 226.55}
    assert found.figures().keys() <= METRICS.keys()
    assert [clock.name for clock in found.clocks] == ['sys_clk']


def test_a_family_of_logic_elements() -> None:
    found = parse_fit(CYCLONE_FIT)
    assert found.figures() == {'luts': 1584, 'ffs': 649, 'brams': 1}
    assert (found.alms, found.logic_elements, found.memory_bits) == (None, 1632, 2048)


def test_several_models_and_clocks() -> None:
    found = parse_timing(CYCLONE_STA)
    assert found.figures() == {'wns_ns': -1.886, 'tns_ns': -4.292, 'whs_ns': 0.019}
    fast, slow = found.clocks
    assert (fast.name, fast.period_ns, fast.fmax_mhz, fast.restricted_fmax_mhz) == ('clk', 5.714, 131.58, 130.0)
    assert (fast.setup_ns, fast.setup_total_ns, fast.hold_ns) == (-1.886, -4.292, 0.019)
    assert (slow.name, slow.setup_ns, slow.hold_ns, slow.fmax_mhz) == ('slow', 36.667, 0.09, 300.0)


def test_no_clock_is_no_figure() -> None:
    assert parse_timing(NO_CLOCK).figures() == {}


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ('Successful - Wed', 'Failed     - Wed', 'not of a successful fit'),
        ('Total logic elements              ; 1,632', 'Total logic elements              ; 1,633', 'not the 1633'),
        ('1,584 / 22,320 ( 7 %', '1,584 / 22,320 ( 9 %', 'percentage'),
        ('1,584 / 22,320', '15,84 / 22,320', 'not a count'),
        ('Fitter Status', 'Fitter Statue', 'not of a successful fit'),
        ('; Fitter Resource Usage Summary', '; Fitter Resource Used Summary', 'only in one'),
        ('Fitter report for', 'Analysis report for', 'does not begin as a fitter'),
    ],
)
def test_a_fit_that_contradicts_itself_is_refused(before: str, after: str, message: str) -> None:
    assert before in CYCLONE_FIT
    with pytest.raises(ReportParseError, match=message) as caught:
        parse_fit(CYCLONE_FIT.replace(before, after, 1), 'some/top.fit.rpt')
    assert caught.value.location is not None
    assert caught.value.location.path == 'some/top.fit.rpt'


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ('-1.886', '-1.885', 'in the models'),
        ('-4.292', '-4.291', 'in the models'),
        ('5.714', '5.724', 'are not 175.0 MHz'),
        ('  8. Multi', '  8. Molti', 'only in one of contents and report'),
        (' slow ', ' sloe ', "'slow' is not among the clocks"),
        ('130.0 MHz', '132.0 MHz', 'do not fit'),
        ('36.667', '-6.667', 'do not fit'),
    ],
)
def test_a_timing_that_contradicts_itself_is_refused(before: str, after: str, message: str) -> None:
    assert before in CYCLONE_STA
    with pytest.raises(ReportParseError, match=message):
        parse_timing(CYCLONE_STA.replace(before, after, 1))


@pytest.mark.parametrize('text', ['', 'hello', 'Fitter report for x\n\n\n', CYCLONE_FIT[:500]])
def test_what_is_not_such_a_report(text: str) -> None:
    for parse in (parse_fit, parse_timing):
        with pytest.raises(ReportParseError):
            parse(text)


def test_every_truncation_is_right_or_refused() -> None:
    for parse, text in ((parse_fit, CYCLONE_FIT), (parse_timing, CYCLONE_STA), (parse_timing, NO_CLOCK)):
        check_truncations(parse, text)
