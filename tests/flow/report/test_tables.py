"""Tables as text, and which figures of a run they show."""

import io

from da4ml_flow.report.summary import headline, run_table, runs_table, shown, stage_line, summary_table
from da4ml_flow.report.table import Table
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.record import RunRecord, StageRecord, StageRun, StoredRun

METRICS = (
    measure('luts', 2261, stage='synthesize', tool='yosys', part='xcup'),
    measure('dsps', 0, stage='synthesize', tool='yosys', part='xcup'),
    measure('luts', 3360, stage='implement', tool='yosys', part='ecp5-85k'),
    measure('fmax_mhz', 111.72, stage='implement', tool='nextpnr', part='ecp5-85k'),
    measure('fmax_mhz', 99.0, stage='implement', tool='nextpnr', part='ecp5-85k seed 1'),
    measure('latency_cycles', 8, stage='emit'),
    measure('latency_cycles', 8, stage='simulate', tool='verilator'),
    measure('accuracy', 96.9444, stage='collect'),
)


def stage_run(**changes) -> StageRun:
    record = StageRecord('implement', 'k', {}, {}, {}, METRICS, (), True, '', '2026', 20.25, '0.1.0')
    return StageRun(**{'stage': 'implement', 'status': 'ok', 'wall_s': 20.25, 'record': record, **changes})


def run_record(*stages: StageRun) -> RunRecord:
    return RunRecord('u', 'jet', {}, 'c', 'ok', '2026-01-01', 21.0, 'h', 'u', None, None, '0.1.0', stages)


def test_plain_text_is_aligned():
    table = Table('Title', ('name', 'LUTs'), (('a', '1'), ('longer', '1,000')), frozenset({1}))
    assert table.plain() == 'Title\nname     LUTs\na           1\nlonger  1,000'
    assert Table('', ('a', 'b'), ()).plain() == 'a  b'
    assert Table('', ('', ''), (('x', 'y'),)).plain() == 'x  y'


def test_rich_text_is_never_markup():
    from rich.console import Console

    console = Console(width=60, record=True, file=io.StringIO())
    console.print(Table('', ('[red]', 'b'), (('[/]', '[bold]x'),)).rich())
    text = console.export_text()
    assert '[red]' in text
    assert '[bold]x' in text


def test_digits_and_units():
    assert [shown(metric) for metric in METRICS[:4]] == ['2,261', '0', '3,360', '111.7 MHz']


def test_the_headline_is_one_figure_a_stage_and_no_zeros_of_no_interest():
    found = [(metric.name, metric.stage, metric.value) for metric in headline(METRICS)]
    assert found == [
        ('accuracy', 'collect', 96.9444),
        ('luts', 'synthesize', 2261),
        ('luts', 'implement', 3360),
        ('fmax_mhz', 'implement', 111.72),
        ('latency_cycles', 'emit', 8),
        ('latency_cycles', 'simulate', 8),
    ]


def test_summary():
    assert summary_table(run_record(stage_run())).plain().splitlines() == [
        'jet: ok',
        'accuracy     96.94 %  collect',
        'LUTs           2,261  yosys xcup',
        'LUTs           3,360  yosys ecp5-85k',
        'Fmax       111.7 MHz  nextpnr ecp5-85k',
        'latency     8 cycles  emit, verilator',
        'wall time     20.2 s  implement 20.2',
    ]


def test_stage_lines():
    assert stage_line(stage_run()) == '20.2 s  accuracy 96.94 %, LUTs 2,261, LUTs 3,360, Fmax 111.7 MHz'
    assert stage_line(stage_run(cached=True)).startswith('cached  accuracy')
    assert stage_line(StageRun('lint', 'skipped', message='needs rtl')) == 'skipped: needs rtl'
    assert stage_line(stage_run(status='no', message='3 warnings')) == '20.2 s  NO: 3 warnings'
    assert stage_line(StageRun('lint', 'failed', False, 0.5, '', 'boom')) == '0.5 s  FAILED: boom'


def test_tables_of_stored_runs():
    run = StoredRun('u1', 'jet', 'ok', '2026-01-01T10:00:00+00:00', 21.0, 'd' * 40, True, '0.1.0', 'c', METRICS)
    assert runs_table([run]).rows[0][:7] == ('u1', 'jet', 'ok', '2026-01-01 10:00:00', '96.94 %', '2,261', '')
    full = run_table(run)
    assert full.title == f'jet u1: ok, 2026-01-01T10:00:00 UTC, 21.0 s, commit {"d" * 12} (changed)'
    assert len(full.rows) == len(METRICS)
