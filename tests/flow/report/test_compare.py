"""Runs side by side: what is better and worse, what is never compared, and what differs."""

import io
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from run_records import run_record

from da4ml_flow.cli.main import cli
from da4ml_flow.report.compare import compare, comparison_rows, differences_table, figures_table
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.results.record import StageRun
from da4ml_flow.results.store import Store

YOSYS = {'stage': 'synthesize', 'tool': 'yosys', 'part': 'xcup'}


def run(uid, *metrics, **changes):
    record = run_record().stages[0].record
    stages = tuple(
        StageRun(
            stage, 'ok', record=replace(record, stage=stage, metrics=tuple(m for m in metrics if m.stage == stage))
        )
        for stage in dict.fromkeys(metric.stage for metric in metrics)
    )
    return run_record(uid, **{'name': uid, 'stages': stages, **changes})


def cells(*runs):
    table = figures_table(compare(runs))
    return {row[:2]: row[2:] for row in table.rows}


@pytest.mark.parametrize(
    ('metric', 'first', 'second', 'change'),
    [
        ('luts', 1000, 900, '-10.0 % better'),
        ('luts', 1000, 1999, '+99.9 % worse'),
        ('luts', 1000, 2340, 'x 2.34 worse'),
        ('luts', 1000, 200, 'x 0.2 better'),
        ('luts', 1000, 0, 'x 0 better'),
        ('luts', 0, 5, '+5 worse'),
        ('luts', 7, 7, '='),
        ('fmax_mhz', 300.0, 330.0, '+10.0 % better'),
        ('fmax_mhz', 330.0, 300.0, '-9.1 % worse'),
        ('accuracy', 96.0, 97.5, '+1.50 better'),
        ('wns_ns', -0.25, 0.5, '+0.750 better'),
        ('wns_ns', 0.5, 0.25, '-0.250 worse'),
        ('clock_ns', 5.0, 4.0, '-20.0 %'),
        ('latency_cycles', 1e15 + 1, 1e15, '='),
    ],
)
def test_changes_by_the_direction_of_the_metric(metric, first, second, change):
    runs = [run(uid, measure(metric, value, **YOSYS)) for uid, value in (('a', first), ('b', second))]
    ((_, (_, _, said)),) = cells(*runs).items()
    assert said == change


def test_figures_of_other_tools_and_devices_are_never_compared():
    ours = run(
        'a', measure('luts', 100, **YOSYS), measure('luts', 130, stage='implement', tool='yosys', part='ecp5-85k')
    )
    theirs = run('b', measure('luts', 90, **{**YOSYS, 'tool': 'vivado', 'part': 'xcvu13p'}))
    other = run('c', measure('luts', 100, **{**YOSYS, 'part': 'xc7'}))
    assert cells(ours, theirs, other) == {
        ('LUTs', 'yosys ecp5-85k'): ('130', '', '', '', ''),
        ('LUTs', 'vivado xcvu13p'): ('', '90', '', '', ''),
        ('LUTs', 'yosys xc7'): ('', '', '', '100', ''),
        ('LUTs', 'yosys xcup'): ('100', '', '', '', ''),
    }
    comparison = compare([ours, theirs, other])
    assert comparison.notes == [
        'never compared with each other: LUTs of vivado xcvu13p, yosys xc7, yosys xcup (synthesize)'
    ]
    assert not [line for line in comparison.lines for place in (1, 2) if line.verdict(place) or line.change(place)]


def test_equal_figures_of_two_devices_stay_two_lines_and_of_two_stages_one():
    metrics = (
        measure('luts', 100, **YOSYS),
        measure('luts', 100, stage='implement', tool='yosys', part='ecp5-85k'),
        measure('latency_cycles', 8, stage='emit'),
        measure('latency_cycles', 8, stage='simulate', tool='verilator'),
    )
    found = list(cells(run('a', *metrics), run('b', *metrics)))
    assert found == [
        ('LUTs', 'yosys xcup'),
        ('LUTs', 'yosys ecp5-85k'),
        ('latency', 'emit, verilator'),
    ]


def test_a_figure_that_only_one_has_is_shown_and_not_judged():
    assert cells(run('a', measure('luts', 1, **YOSYS)), run('b', measure('ffs', 2, **YOSYS))) == {
        ('LUTs', 'yosys xcup'): ('1', '', ''),
        ('FFs', 'yosys xcup'): ('', '2', ''),
    }


def test_what_differs():
    config = {'name': 'jet', 'rtl': {'clock_ns': 5.0, 'top': 't'}, 'lint': None}
    other = {'name': 'jet', 'rtl': {'clock_ns': 2.5, 'top': 't'}, 'lint': {'tool': 'verilator'}}
    first, second = run('a', measure('luts', 1, **YOSYS), config=config), run('b', config=other, git_dirty=False)
    record = first.stages[0].record
    tools = (ToolVersion('yosys', '0.60', '/somewhere'),)
    first = replace(first, stages=(replace(first.stages[0], record=replace(record, tools=tools)),))
    assert dict(compare([first, second]).differences) == {
        'git_dirty': ('True', 'False'),
        'version of yosys': ('0.60', None),
        'rtl.clock_ns': ('5.0', '2.5'),
        'lint': ('null', None),
        'lint.tool': (None, 'verilator'),
    }
    assert differences_table(compare([first, first])).rows == ()


def test_runs_of_one_name_are_told_apart():
    assert compare([run('u1', name='jet'), run('u2', name='jet')]).labels == ('jet u1', 'jet u2')
    assert compare([run('u1', name='jet'), run('u2', name='top')]).labels == ('jet', 'top')


def test_rows_are_of_every_figure_and_run():
    pair = [run(uid, measure('luts', luts, **YOSYS)) for uid, luts in (('a', 100), ('b', 80))]
    assert [tuple(row[4:]) for row in comparison_rows(compare(pair)).rows] == [
        ('', 'a', 'a', 100, 100, 1, ''),
        ('', 'b', 'b', 80, 100, 0.8, 'better'),
    ]


def test_better_and_worse_are_coloured_on_a_terminal():
    from rich.console import Console

    pair = [run(uid, measure('luts', luts, **YOSYS)) for uid, luts in (('a', 100), ('b', 80), ('c', 120))]
    console = Console(width=100, force_terminal=True, color_system='standard', file=io.StringIO())
    console.print(figures_table(compare(pair)).rich())
    text = console.file.getvalue()
    assert '\x1b[32m-20.0 % better' in text
    assert '\x1b[31m+20.0 % worse' in text


def test_the_command(tmp_path):
    store = Store(tmp_path / 'r.sqlite', create=True)
    for uid, name, luts, day in (('aa1', 'jet', 100, 1), ('aa2', 'jet', 90, 2), ('bb1', 'top', 120, 3)):
        store.record(run(uid, measure('luts', luts, **YOSYS), name=name, started=f'2026-01-0{day}'))

    def report(*arguments):
        where = ['report', '--database', f'sqlite:///{tmp_path / "r.sqlite"}']
        return CliRunner().invoke(cli, [*where, *map(str, arguments)])

    shown = report('aa1', 'jet', 'bb', '--compare')  # by uid, by name (its newest), by the beginning of a uid
    assert shown.exit_code == 0, shown.output
    data = json.loads(report('aa1', 'jet', 'bb', '--compare', '--json').output)
    assert [item['uid'] for item in data['runs']] == ['aa1', 'aa2', 'bb1']
    assert data['figures'][0]['values'] == [100, 90, 120]
    assert data['figures'][0]['verdicts'] == ['', 'better', 'worse']
    assert [run['uid'] for run in json.loads(report('bb1', 'aa1', '--compare', '--json').output)['runs']] == [
        'bb1',
        'aa1',
    ]
    text = report('aa1', 'top', '--compare', '--markdown', '-').output
    assert '| LUTs | yosys xcup | 100 | 120 | +20.0 % worse |' in text
    assert report('--compare', '--where', 'luts < 95').exit_code == 2
    assert report('aa1', 'aa1', '--compare').exit_code == 2
    assert report('aa1', 'none', '--compare').exception.message == "there is no run 'none'"
    assert 'more than one run begins' in report('aa', '--compare').exception.message
