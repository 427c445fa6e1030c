"""`da4ml-flow sweep` on a tiny program: what is listed, shown, limited and written; how its progress reads."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_core.trace import Tracer
from da4ml_flow.cli.main import run
from da4ml_flow.cli.sweep_progress import LiveSweep, PlainSweep, duration
from da4ml_flow.sweep.campaign import Counts
from da4ml_flow.sweep.point import PointRecord


@pytest.fixture
def config(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('DA4ML_FLOW_DB', raising=False)
    tracer = Tracer('tiny')
    x = tracer.input((2,)).quantize(True, 3, 1)
    save_program(tracer.finish(x @ np.array([[1, 3], [-3, 1]])), Path('tiny.json'))
    axes = '{rtl.pipeline.max_levels: [1, 2, null], rtl.clock_ns: [5], rtl.pipeline.input_registers: [true, false]}'
    Path('sweep.yaml').write_text(f'name: tiny\nmodel: {{source: tiny.json}}\nsweep: {{axes: {axes}}}\n')
    return 'sweep.yaml'


def test_a_dry_run_lists_points_and_what_is_cached_and_builds_nothing(config, capsys):
    def listed():
        assert run(['sweep', config, '--dry-run', '--json']) == 0
        return json.loads(capsys.readouterr().out)['points']

    points = listed()
    assert not list(Path('build').rglob('trace-*'))
    assert [point['state'] for point in points] == ['to do'] * 4 + ['wrong', 'to do']
    assert 'design without a clock' in points[4]['error']
    assert not any(point['cached'] for point in points)

    assert run(['sweep', config, '--max-points', '1', '--workers', '1']) == 0
    err = capsys.readouterr().err
    assert '1 points built: 1 ok' in err
    assert re.search(r'\d points are left: the same command goes on', err)
    states = [point['state'] for point in listed()]
    assert states.count('ok') == 1
    assert {tuple(point['cached']) for point in listed() if point['state'] == 'to do'} == {('trace',)}
    assert run(['sweep', config, '--dry-run']) == 0
    assert 'cached stages' in capsys.readouterr().out


def test_json_csv_and_page_of_a_sweep(config, capsys):
    axes = ['--set', 'sweep.axes={"rtl.pipeline.max_levels": [1, 2]}']
    command = ['sweep', config, *axes, '--csv', 'points.csv', '--html', 'page.html', '--json']
    assert run(command) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert data['counts'] == {'total': 2, 'reused': 0, 'ok': 2, 'no': 0, 'failed': 0, 'pruned': 0}
    assert data['left'] == 0
    assert any(point['front'] for point in data['points'])
    assert [line for line in captured.err.splitlines() if re.match(r'2/2 +ok +\d+\.\d s  max_levels=', line)]
    rows = list(csv.DictReader(Path('points.csv').read_text().splitlines()))
    assert sorted(row['rtl.pipeline.max_levels'] for row in rows) == ['1', '2']
    assert 'tiny: 2 points' in Path('page.html').read_text()
    assert run(['sweep', config, *axes]) == 0
    assert 'nothing to do: 2 points have their results' in capsys.readouterr().err


def test_progress_says_how_many_are_done_running_and_failed_and_how_long_it_takes(monkeypatch, capsys):
    clock = [100.0]
    monkeypatch.setattr('da4ml_flow.cli.sweep_progress.time.monotonic', lambda: clock[0])
    plain = PlainSweep()
    clock[0] = 160.0
    plain.changed(Counts(total=20, reused=4, ok=5, failed=1, running=2))
    assert plain.line() == '10/20, 2 running, 1 failed, ETA 100 s'  # 10 s a point of this call, 10 are left
    values = {'rtl.clock_ns': 5, 'model.source': 'a.keras'}
    fields = ('0' * 64, values, 'failed', 'full', '', 'yosys failed', 3, (), 1.25, 'h', '')
    plain.ended(PointRecord(*fields))
    assert capsys.readouterr().err == (
        '10/20, 2 running, 1 failed, ETA 100 s  failed    1.2 s  clock_ns=5, source=a.keras: yosys failed\n'
    )
    assert [duration(seconds) for seconds in (5, 600, 9000)] == ['5 s', '10 min', '2.5 h']


def test_live_progress_is_one_line_with_failures_above_it(capsys):
    with LiveSweep() as live:
        live.changed(Counts(total=3, ok=1, running=2))
        assert live.__rich__().startswith('points 1/3, 2 running, ETA ')
        fields = ('0' * 64, {'rtl.clock_ns': 5}, 'ok', 'full', '', '', 0, (), 1.0, 'h', '')
        live.ended(PointRecord(*fields))
    assert 'clock_ns' not in capsys.readouterr().err
