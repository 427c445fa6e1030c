"""The command line with the real tools, on a design of a few adders."""

import json
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_core.trace import Tracer
from da4ml_flow.cli.main import run

pytestmark = pytest.mark.eda

CONFIG = """\
name: tiny
model: {source: tiny.json.gz, dataset: {path: data.npz, labels: y}}
rtl: {clock_ns: 4.0, pipeline: {max_levels: 1}}
lint: {}
simulate: {samples: 20}
synthesize: {}
results: {database: "sqlite:///tiny.sqlite"}
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """Two classes, by the signs of x0 - 3 x1 and x0 + x1."""
    monkeypatch.chdir(tmp_path)
    matrix = np.array([[1, 1], [-3, 1]])
    tracer = Tracer('tiny')
    save_program(tracer.finish(tracer.input((2,)).quantize(True, 3, 1) @ matrix), Path('tiny.json.gz'))
    x = np.random.default_rng(0).integers(-8, 8, size=(50, 2)) / 2
    np.savez('data.npz', x=x, y=(x @ matrix).argmax(axis=1), out=x @ matrix)
    Path('tiny.yaml').write_text(CONFIG)
    return tmp_path


def test_build_with_tools(tiny, capsys):
    assert run(['build', 'tiny.yaml', '--json']) == 0
    data = json.loads(capsys.readouterr().out)
    assert [stage['stage'] for stage in data['stages']] == [
        'trace',
        'emit',
        'lint',
        'simulate',
        'synthesize',
        'collect',
    ]
    figures = {name: values[0]['value'] for name, values in data['metrics'].items()}
    assert figures['accuracy'] == 100
    assert figures['sim_samples'] >= 20
    assert figures['sim_mismatches'] == 0
    assert figures['luts'] > 0
    assert figures['ffs'] > 0
    assert figures['latency_ns'] == 4.0 * figures['latency_cycles']
    assert run(['build', 'tiny.yaml', '--json']) == 0
    again = json.loads(capsys.readouterr().out)
    assert again['reused']
    assert again['run_id'] == data['run_id']
    assert again['metrics'] == data['metrics']


def test_predict_in_simulated_hardware(tiny, capsys):
    assert run(['predict', 'tiny.json.gz', 'data.npz', '--compare', 'out', '--rtl', '--max-levels', '1']) == 0
    assert capsys.readouterr().out == '0 of 100 elements differ from out\n'
