"""Metrics and records: exact round trips, and no damaged text that passes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_flow.errors import ResultsError
from da4ml_flow.results.metrics import METRICS, Metric, ToolVersion, measure
from da4ml_flow.results.record import (
    Artifact,
    RunRecord,
    StageRecord,
    StageRun,
    canonical_json,
    digest,
    record_to_json,
    run_record_from_json,
    stage_record_from_json,
)


def stage_record(**changes) -> StageRecord:
    values = {
        'stage': 'synthesize',
        'key': 'k' * 64,
        'settings': {'family': 'xcup', 'clock_ns': 0.1},
        'inputs': {'rtl': 'a' * 64},
        'artifacts': {'netlist': Artifact('netlist.json', 'b' * 64, 10)},
        'metrics': (measure('luts', 12, stage='synthesize', tool='yosys', part='xcup'),),
        'tools': (ToolVersion('yosys', '0.70', '/usr/bin/yosys'),),
        'ok': True,
        'message': 'größer',
        'started': '2026-01-01T00:00:00+00:00',
        'wall_s': 1.5,
        'package_version': '0.1.0',
    }
    return StageRecord(**{**values, **changes})


def run_record(uid: str = 'u1', **changes) -> RunRecord:
    stages = (
        StageRun('synthesize', 'ok', False, 1.5, '/build/synthesize-1', '', stage_record()),
        StageRun('implement', 'failed', message='nextpnr failed'),
    )
    values = {
        'uid': uid,
        'name': 'jet',
        'config': {'name': 'jet'},
        'config_hash': 'c' * 64,
        'status': 'failed',
        'started': '2026-01-01T00:00:00+00:00',
        'wall_s': 2.0,
        'host': 'h',
        'user': 'u',
        'git_commit': None,
        'git_dirty': None,
        'package_version': '0.1.0',
        'stages': stages,
    }
    return RunRecord(**{**values, **changes})


def test_round_trips():
    assert stage_record_from_json(record_to_json(stage_record()), 'x') == stage_record()
    assert run_record_from_json(record_to_json(run_record()), 'x') == run_record()
    assert run_record().metrics == stage_record().metrics


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_changed_text_is_taken_for_a_record(data):
    text = record_to_json(stage_record())
    position = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(['', '0', 'x', '"', '}', text[position:] + 'x']))
    changed = text[:position] + change + text[position + 1 :]
    try:
        record = stage_record_from_json(changed, 'x')
    except ResultsError:
        return
    assert record == stage_record()  # only white space was changed


@pytest.mark.parametrize('text', ['', 'null', '[]', '{}', '{"format": 1}', '{"format": 1, "sha256": "", "record": {}}'])
def test_other_text_is_refused(text):
    with pytest.raises(ResultsError):
        stage_record_from_json(text, 'record.json')


def test_a_newer_format_is_refused():
    data = json.loads(record_to_json(stage_record()))
    with pytest.raises(ResultsError, match='format 2, this version knows 1'):
        stage_record_from_json(json.dumps({**data, 'format': 2}), 'record.json')


def test_canonical_json_does_not_depend_on_order():
    assert canonical_json({'b': 1, 'a': [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    assert digest({'b': 1, 'a': 2}) == digest({'a': 2, 'b': 1})
    with pytest.raises(ValueError, match='JSON'):
        canonical_json(float('nan'))


@pytest.mark.parametrize(
    ('name', 'value', 'unit'), [('lutz', 1, ''), ('luts', 1, 'ns'), ('luts', float('nan'), ''), ('luts', True, '')]
)
def test_a_metric_is_of_the_table_and_finite(name, value, unit):
    with pytest.raises(ResultsError):
        Metric(name, value, unit, 'synthesize')


def test_the_table_of_metrics_has_the_names_of_the_contract():
    names = (
        'luts luts_logic luts_memory ffs carry dsps brams urams fmax_mhz wns_ns tns_ns whs_ns clock_ns latency_cycles '
        'latency_ns ii power_w accuracy sim_samples sim_mismatches adders lut_estimate depth trace_s solve_s synth_s '
        'peak_mb'
    )
    assert set(names.split()) <= set(METRICS)
    assert all(name == spec.name for name, spec in METRICS.items())
