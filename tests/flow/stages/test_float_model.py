"""A configuration with the section `quantization`: program, report, accuracy before and after, the command's table."""

import json
import shutil
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from da4ml_core.interp import predict
from da4ml_core.ir.serialize import load_program
from da4ml_flow.cli.main import run
from da4ml_flow.config.load import load_config
from da4ml_flow.config.text import describe, plain_data
from da4ml_flow.runner.keys import resolved
from da4ml_flow.stages.base import StageContext
from da4ml_flow.stages.float_model import core_settings
from da4ml_flow.stages.trace import Trace

FLOAT_DIGITS = Path(__file__).parents[3] / 'configs' / 'float_digits'
OPTIONS = ['optimizer.effort=fast']


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ('digits_float.keras', 'digits_float.npz', 'float_digits.yaml'):
        shutil.copy(FLOAT_DIGITS / name, tmp_path)
    return tmp_path


def settings(*overrides: str):
    return resolved(Trace().settings(load_config(Path('float_digits.yaml'), [*OPTIONS, *overrides]).config))


def test_trace_quantizes_and_reports(folder):
    config = load_config(folder / 'float_digits.yaml', OPTIONS).config
    (folder / 'work').mkdir()
    lines: list[str] = []
    context = StageContext(config, MappingProxyType({}), folder / 'work', lines.append)
    outcome = Trace().run(context)
    metrics = {metric.name: metric.value for metric in outcome.metrics}
    with np.load(folder / 'digits_float.npz') as data:
        assert metrics['float_accuracy'] == pytest.approx(100 * np.mean(data['keras_y'].argmax(axis=1) == data['y']))
        outputs = np.asarray(predict(load_program(outcome.artifacts['program']), data['x']))
        assert np.mean(outputs.argmax(axis=1) == data['y']) > 0.96
    report = outcome.artifacts['quantization_report'].read_text()
    assert [line.split()[0] for line in report.splitlines()[:5]] == ['tensor', 'pixels', 'relu1', 'relu2', 'digit']
    assert 'the softmax of digit (Dense) is dropped' in report
    assert any('calibrating with 256 samples' in line for line in lines)


def test_what_decides_the_program_is_in_the_key(folder):
    keys = [
        json.dumps(settings(*overrides))
        for overrides in (
            (),
            ('quantization.weight_bits=5',),
            ('quantization.layers={hidden1: {weight_bits: 3}}',),
            ('quantization.calibration.inputs=x',),
            ('quantization=null',),
        )
    ]
    assert len(set(keys)) == len(keys)
    np.savez('digits_float.npz', **{**np.load('digits_float.npz'), 'calibration': np.zeros((9, 64))})
    assert json.dumps(settings()) != keys[0]


def test_the_section_is_shown_with_its_defaults(folder):
    config = load_config(folder / 'float_digits.yaml').config
    text = describe(config, folder)
    assert 'weight_bits: 4  # bits of weights' in text
    assert plain_data(config, folder)['quantization']['calibration']['path'] == 'digits_float.npz'
    (folder / 'again.yaml').write_text(text)
    assert load_config(folder / 'again.yaml').config == config
    assert core_settings(config.quantization).activation_bits == 5


def test_the_command_prints_a_table(folder, capsys):
    command = ['quantize', 'digits_float.keras', 'digits_float.npz', '--effort', 'fast', '--labels', 'y']
    command += ['--calibration', 'calibration', '--set', 'overflow=SAT_SYM']
    assert run([*command, '--bits', '3-4', '--json']) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row['bits'] for row in found['rows']] == [3, 4]
    assert found['rows'][0]['adders'] < found['rows'][1]['adders']
    assert found['rows'][0]['accuracy'] <= found['rows'][1]['accuracy'] <= found['float_accuracy'] + 1
    assert run([*command, '--bits', '3', '--output', 'kernel.json.gz']) == 0
    out = capsys.readouterr().out
    assert out.split()[:3] == ['bits', 'accuracy', '%']
    assert 'accuracy of the float model: 98.61 %' in out
    assert load_program(folder / 'kernel.json.gz').num_adders == found['rows'][0]['adders']
    for wrong in (['--bits', '1'], ['--bits', '8-3'], ['--set', 'weights=3'], ['--output', 'x.json.gz']):
        assert run([*command, *wrong]) == 2


def test_an_architecture_without_the_section_is_no_program(folder, shared, capsys):
    path = shared / 'models' / 'float' / 'KERAS_3layer.json'
    assert run(['convert', str(path), 'out']) == 2
    assert 'this is the architecture of a Keras model, without quantizers' in capsys.readouterr().err
