"""Runs as CSV, JSON, Parquet and Markdown: they read back as they were, and files are whole."""

import csv
import io
import json
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from run_records import run_record

from da4ml_flow.cli.main import cli
from da4ml_flow.errors import ResultsError, WorkspaceError
from da4ml_flow.report.export import Rows, export, write_csv, write_json
from da4ml_flow.report.figures import Figure, figures_of, runs_rows
from da4ml_flow.report.table import Table
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.store import Store

HOSTILE = 'a "b", |c|\n<d>;`e`*f*é漢'
COLUMNS = {'name': str, 'count': int, 'share': float, 'dirty': bool}
ROWS = ((HOSTILE, 3, 0.1 + 0.2, True), ('', -1, 1e300, False), ('x', None, None, None))


def test_csv_is_read_back_as_it_was():
    file = io.BytesIO()
    write_csv(Rows(COLUMNS, iter(ROWS)), file)
    head, *rows = csv.reader(io.StringIO(file.getvalue().decode(), newline=''))
    assert head == list(COLUMNS)
    assert rows[0][0] == HOSTILE
    assert [float(row[2]) for row in rows[:2]] == [0.1 + 0.2, 1e300]
    assert [row[3] for row in rows] == ['true', 'false', '']


def test_counts_have_no_point():
    file = io.BytesIO()
    write_csv(Rows({'luts': float}, [(2261.0,), (0.5,), (-0.0,)]), file)
    assert file.getvalue().decode().split() == ['luts', '2261', '0.5', '0']


@pytest.mark.parametrize('count', [0, 1, 3])
def test_json_has_an_object_a_line(count):
    file = io.BytesIO()
    write_json(Rows(COLUMNS, iter(ROWS[:count])), file)
    assert json.loads(file.getvalue()) == [dict(zip(COLUMNS, row, strict=True)) for row in ROWS[:count]]
    assert file.getvalue().count(b'\n') == (count + 2 if count else 1)


@pytest.mark.parametrize('count', [0, 3, 20_002])
def test_parquet_keeps_types_and_nothing(tmp_path, count):
    parquet = pytest.importorskip('pyarrow.parquet')
    rows = (ROWS * (count // 3 + 1))[:count]
    export(Rows(COLUMNS, iter(rows)), tmp_path / 'new' / 'runs.parquet', 'parquet')
    found = parquet.read_table(tmp_path / 'new' / 'runs.parquet')
    assert [str(kind) for kind in found.schema.types] == ['string', 'int64', 'double', 'bool']
    assert [tuple(row.values()) for row in found.to_pylist()] == list(rows)


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(ResultsError) as caught:
        export(Rows(COLUMNS, ROWS), tmp_path / 'runs.parquet', 'parquet')
    assert caught.value.hint == "pip install 'da4ml-flow[parquet]'"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('form', ['csv', 'json', 'parquet'])
def test_what_fails_half_way_leaves_the_file_that_was(tmp_path, form):
    def rows():
        yield from ROWS * 10_000
        raise KeyboardInterrupt

    path = tmp_path / 'runs'
    path.write_text('as it was')
    with pytest.raises(KeyboardInterrupt):
        export(Rows(COLUMNS, rows()), path, form)
    assert path.read_text() == 'as it was'
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(WorkspaceError, match='a file where a folder is needed'):
        export(Rows(COLUMNS, ROWS), tmp_path / 'file' / 'runs.csv', 'csv')


def test_markdown_cells_are_no_markup():
    text = Table('a|b', ('x', 'n'), ((HOSTILE, '1'),), frozenset({1})).markdown()
    assert text == '\n'.join(
        [r'### a\|b', '', '| x | n |', '| --- | --: |', r'| a "b", \|c\| \<d\>;\`e\`\*f\*é漢 | 1 |', '']
    )


def test_figures_of_two_tools_or_devices_are_two():
    metrics = (
        measure('luts', 10, stage='implement', tool='yosys', part='ecp5-85k'),
        measure('fmax_mhz', 300, stage='implement', tool='nextpnr', part='ecp5-85k'),
        measure('fmax_mhz', 290, stage='implement', tool='nextpnr', part='ecp5-85k seed 1'),
        measure('latency_ns', 30, stage='collect', part='at a clock of 5 ns'),
    )
    assert figures_of(metrics) == {
        Figure('luts', 'implement', 'yosys', 'ecp5-85k'): 10,
        Figure('fmax_mhz', 'implement', 'nextpnr', 'ecp5-85k'): 300,
        Figure('latency_ns', 'collect', '', ''): 30,
    }


def with_tool(run, tool):
    record = run.stages[0].record
    metrics = tuple(replace(metric, tool=tool, part='xcvu13p') for metric in record.metrics)
    return replace(run, stages=(replace(run.stages[0], record=replace(record, metrics=metrics)),))


def test_a_row_a_run_with_the_keys_that_differ():
    first = run_record('u1', 12, config={'name': 'jet', 'rtl': {'clock_ns': 5.0, 'top': 't'}, 'reports': {'a': 'b'}})
    second = run_record('u2', 14, config={'name': 'jet', 'rtl': {'clock_ns': 2.5, 'top': 't'}, 'reports': {}})
    rows = runs_rows(lambda: iter([first, with_tool(second, 'vivado')]))
    found = [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
    assert list(rows.columns)[-5:] == [
        'rtl.clock_ns',
        'luts/synthesize/vivado/xcvu13p',
        'luts/synthesize/yosys/xcup',
        'ffs/synthesize/vivado/xcvu13p',
        'ffs/synthesize/yosys/xcup',
    ]
    assert [row['luts/synthesize/yosys/xcup'] for row in found] == [12, None]
    assert [row['luts/synthesize/vivado/xcvu13p'] for row in found] == [None, 14]
    assert [row['rtl.clock_ns'] for row in found] == ['5.0', '2.5']


def test_the_command(tmp_path):
    store = Store(tmp_path / 'r.sqlite', create=True)
    for number in range(30):
        name = HOSTILE if number == 29 else 'jet'
        store.record(run_record(f'u{number:02}', number, name=name, started=f'2026-01-{number + 1:02}'))

    def report(*arguments):
        where = ['report', '--database', f'sqlite:///{tmp_path / "r.sqlite"}']
        return CliRunner().invoke(cli, [*where, *map(str, arguments)], catch_exceptions=False)

    shown = report('--csv', tmp_path / 'a' / 'r.csv', '--markdown', tmp_path / 'r.md', '--parquet', tmp_path / 'r.pq')
    assert shown.exit_code == 0
    assert shown.output.count('\n') == 21 + HOSTILE.count('\n')  # the table is of the newest 20, the files of all
    with (tmp_path / 'a' / 'r.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['luts/synthesize/yosys/xcup'] for row in rows] == [str(number) for number in reversed(range(30))]
    assert rows[0]['name'] == HOSTILE
    assert (tmp_path / 'r.md').read_text().count('\n') == 32
    assert (tmp_path / 'r.pq').read_bytes()[:4] == b'PAR1'

    piped = report('--csv', '-', '--where', 'luts < 5', '--sort-by', 'luts').output
    assert [row['uid'] for row in csv.DictReader(io.StringIO(piped))] == ['u00', 'u01', 'u02', 'u03', 'u04']
    assert report('u07', '--markdown', '-').output.splitlines()[2] == '| stage | metric | value | tool | part |'
    assert json.loads(report('--json', '--csv', tmp_path / 'r.csv').stdout)[0]['uid'] == 'u29'
    for wrong in (['--csv', '-', '--json'], ['--csv', '-', '--markdown', '-'], ['--parquet', '-']):
        assert report(*wrong).exit_code == 2
    assert report('u01', '--history', 'luts').exit_code == 2
