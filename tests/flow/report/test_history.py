"""A figure over time: series, blocks, tables, CSV and the page."""

from xml.etree import ElementTree

from click.testing import CliRunner

from da4ml_flow.cli.main import cli
from da4ml_flow.report.history import history_page, history_rows, history_table, series_of, sparkline
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.record import MetricPoint, RunRecord, StageRecord, StageRun
from da4ml_flow.results.store import Store


def point(day, value, **changes) -> MetricPoint:
    values = {'uid': f'u{day}', 'name': 'jet', 'config_hash': 'c' * 64, 'started': f'2026-01-{day:02}T10:00:00'}
    values |= {
        'git_commit': f'{day:040}',
        'git_dirty': day == 3,
        'stage': 'synthesize',
        'tool': 'yosys',
        'part': 'xcup',
    }
    return MetricPoint(**{**values, 'value': value, **changes})


POINTS = [point(3, 120.0), point(1, 100.0), point(2, 90.0), point(4, 120.0)]


def test_a_series_is_in_the_order_of_time_and_knows_what_was_worse():
    (series,) = series_of('luts', POINTS)
    assert series.title == 'jet: LUTs, yosys xcup'
    assert series.values == [100, 90, 120, 120]
    assert [series.worse(place) for place in range(4)] == [False, False, True, False]
    (fast,) = series_of('fmax_mhz', POINTS)
    assert [fast.worse(place) for place in range(4)] == [False, True, False, False]


def test_other_configurations_tools_and_names_are_other_series():
    others = [point(1, 5.0, name='digits'), point(2, 6.0, config_hash='d' * 64), point(2, 7.0, part='ecp5')]
    titles = [series.title for series in series_of('luts', [*POINTS, *others])]
    assert titles == [
        'jet (configuration cccccccc): LUTs, yosys xcup',
        'digits: LUTs, yosys xcup',
        'jet (configuration cccccccc): LUTs, yosys ecp5',
        'jet (configuration dddddddd): LUTs, yosys xcup',
    ]


def test_blocks():
    assert sparkline([1, 2, 3, 8]) == '▁▂▃█'
    assert sparkline([5, 5]) == '▄▄'
    assert sparkline([]) == ''
    assert len(sparkline(range(100))) == 60


def test_the_table_has_the_newest_first():
    (series,) = series_of('luts', POINTS)
    table = history_table(series, 3)
    assert table.title == 'jet: LUTs, yosys xcup  ▃▁██'
    assert [row[2:5] for row in table.rows] == [('120', '', ''), ('120', '+30', 'worse'), ('90', '-10', 'better')]
    assert table.rows[1][1] == '0000000000*'


def test_rows():
    rows = history_rows(series_of('luts', POINTS))
    found = [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
    assert [row['value'] for row in found] == [100, 90, 120, 120]
    assert [row['dirty'] for row in found] == [False, False, True, False]


def test_the_page_is_well_formed_and_marks_what_was_worse():
    text = history_page(series_of('luts', [point(1, 5.0, name='a<b'), point(2, 6.0, name='a<b')]))
    drawing = ElementTree.fromstring(text[text.index('<svg') : text.index('</svg>') + 6])
    circles = drawing.findall('circle')
    assert [circle.get('class') for circle in circles] == [None, 'worse']
    assert 'a&lt;b' in text


def test_the_command(tmp_path):
    path = tmp_path / 'r.sqlite'
    store = Store(path, create=True)
    for day, luts in ((1, 100), (2, 130)):
        metrics = (measure('luts', luts, stage='synthesize', tool='yosys', part='xcup'),)
        record = StageRecord('synthesize', 'k', {}, {}, {}, metrics, (), True, '', '', 1.0, '1')
        stages = (StageRun('synthesize', 'ok', record=record),)
        when = f'2026-01-0{day}T00:00:00'
        store.record(RunRecord(f'u{day}', 'jet', {}, 'c', 'ok', when, 1.0, 'h', 'u', 'd' * 40, False, '1', stages))
    where = ['report', '--database', f'sqlite:///{path}', '--history']
    result = CliRunner().invoke(
        cli, [*where, 'luts', '--csv', str(tmp_path / 'h.csv'), '--html', str(tmp_path / 'h.html')]
    )
    assert result.exit_code == 0, result.output
    assert 'jet: LUTs, yosys xcup  ▁█' in result.output
    assert '+30  worse' in result.output
    assert (tmp_path / 'h.csv').read_text().count('\n') == 3
    assert '<svg' in (tmp_path / 'h.html').read_text()
    nothing = CliRunner().invoke(cli, [*where, 'luts/implement'])
    assert 'no run has measured luts/implement' in nothing.output
    wrong = CliRunner().invoke(cli, [*where, 'lutz'])
    assert "did you mean 'luts'?" in str(wrong.exception)
