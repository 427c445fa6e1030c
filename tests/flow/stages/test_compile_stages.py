"""trace, emit and collect on a model of our own: artifacts, metrics, settings."""

import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from da4ml_core.ir.serialize import load_program, save_program
from da4ml_core.trace import Tracer
from da4ml_flow.config.model import BuildConfig, DatasetConfig, ModelConfig, RtlConfig
from da4ml_flow.config.rtl import PipelineConfig
from da4ml_flow.errors import DatasetError
from da4ml_flow.stages.base import StageContext
from da4ml_flow.stages.collect import Collect
from da4ml_flow.stages.emit import Emit
from da4ml_flow.stages.trace import Trace

DIGITS = Path(__file__).parents[3] / 'configs' / 'digits'


def values(outcome) -> dict[str, float]:
    return {metric.name: metric.value for metric in outcome.metrics}


def config(**changes) -> BuildConfig:
    return BuildConfig(**{'name': 'tiny', 'model': ModelConfig(source=DIGITS / 'digits.keras'), **changes})


def context(config, directory, **artifacts) -> StageContext:
    return StageContext(config, MappingProxyType(artifacts), directory, lambda text: None)


@pytest.fixture
def program(tmp_path) -> Path:
    """The difference of two numbers, which one output decides, and both sums as two classes."""
    tracer = Tracer('tiny')
    x = tracer.input((2,)).quantize(True, 3, 1)
    path = tmp_path / 'program.json.gz'
    save_program(tracer.finish(x @ np.array([[1, -1], [-1, 3]])), path)
    return path


def rtl(tmp_path: Path, clocked: bool = True) -> Path:
    (tmp_path / 'interface.json').write_text(json.dumps({'clocked': clocked, 'latency_cycles': 3 * clocked}))
    return tmp_path


def test_trace(tmp_path):
    outcome = Trace().run(context(config(), tmp_path))
    program = load_program(outcome.artifacts['program'])
    found = values(outcome)
    assert found['adders'] == program.num_adders > 0
    assert found['ops'] == program.num_ops
    assert found['lut_estimate'] > found['adders']
    assert found['depth'] > 0


def test_trace_of_a_saved_program_takes_it_as_it_is(tmp_path, program):
    (tmp_path / 'work').mkdir()
    outcome = Trace().run(context(config(model=ModelConfig(source=program)), tmp_path / 'work'))
    assert load_program(outcome.artifacts['program']) == load_program(program)


@pytest.mark.parametrize(('max_levels', 'cycles'), [(None, [0]), (1, range(2, 9))])
def test_emit(tmp_path, program, max_levels, cycles):
    registers = PipelineConfig(max_levels=max_levels)
    outcome = Emit().run(context(config(rtl=RtlConfig(pipeline=registers)), tmp_path, program=program))
    interface = json.loads((outcome.artifacts['rtl'] / 'interface.json').read_text())
    assert interface['top'] == 'tiny'
    assert interface['clocked'] is (max_levels is not None)
    assert values(outcome)['latency_cycles'] == interface['latency_cycles']
    assert interface['latency_cycles'] in cycles
    assert (outcome.artifacts['rtl'] / 'tiny.core').read_text().startswith('CAPI=2:\n')


def test_emit_by_other_limits(tmp_path, program):
    for place, limits in enumerate(({'stages': 3}, {'max_delay_ns': 1.0}, {'latency_ns': 20.0})):
        (tmp_path / str(place)).mkdir()
        asked = config(rtl=RtlConfig(pipeline=PipelineConfig(**limits)))
        found = values(Emit().run(context(asked, tmp_path / str(place), program=program)))
        assert 0 < found['stage_delay_ns'] <= limits.get('max_delay_ns', 5.0)
        assert found['latency_cycles'] == {'stages': 4, 'latency_ns': 4}.get(
            next(iter(limits)), found['latency_cycles']
        )
        assert found['register_bits'] > 0


def test_emit_in_vhdl_has_the_same_latency(tmp_path, program):
    found = {}
    for language in ('verilog', 'vhdl'):
        (tmp_path / language).mkdir()
        asked = config(rtl=RtlConfig(language=language, pipeline=PipelineConfig(max_levels=1)))
        outcome = Emit().run(context(asked, tmp_path / language, program=program))
        interface = json.loads((outcome.artifacts['rtl'] / 'interface.json').read_text())
        assert interface['language'] == language
        found[language] = values(outcome)
    assert found['verilog'] == found['vhdl']


def test_collect_accuracy_and_latency(tmp_path, program):
    x = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.5], [-1.0, 0.0]])  # classes 0, 1, 0, 1
    np.savez(tmp_path / 'data.npz', x=x, y=[0, 1, 1, 1])
    dataset = DatasetConfig(path=tmp_path / 'data.npz', labels='y')
    asked = config(model=ModelConfig(source=DIGITS / 'digits.keras', dataset=dataset), rtl=RtlConfig(clock_ns=2.5))
    outcome = Collect().run(context(asked, tmp_path, program=program, rtl=rtl(tmp_path)))
    assert values(outcome) == {'clock_ns': 2.5, 'latency_ns': 7.5, 'accuracy': 75.0}


def test_collect_of_a_design_without_a_clock_has_no_latency(tmp_path, program):
    outcome = Collect().run(context(config(), tmp_path, program=program, rtl=rtl(tmp_path, clocked=False)))
    assert outcome.metrics == ()


def test_collect_with_labels_of_another_model(tmp_path, program):
    np.savez(tmp_path / 'data.npz', x=np.zeros((2, 2)), y=[0, 2])
    dataset = DatasetConfig(path=tmp_path / 'data.npz', labels='y')
    asked = config(model=ModelConfig(source=DIGITS / 'digits.keras', dataset=dataset))
    with pytest.raises(DatasetError, match='not classes 0 to 1'):
        Collect().run(context(asked, tmp_path, program=program, rtl=rtl(tmp_path)))


def test_collect_of_several_outputs_has_no_accuracy(tmp_path):
    tracer = Tracer('two')
    x = tracer.input((2,)).quantize(True, 3, 1)
    save_program(tracer.finish([x, x[:1]]), tmp_path / 'program.json.gz')
    np.savez(tmp_path / 'data.npz', x=np.zeros((2, 2)), y=[0, 1])
    dataset = DatasetConfig(path=tmp_path / 'data.npz', labels='y')
    asked = config(model=ModelConfig(source=DIGITS / 'digits.keras', dataset=dataset))
    with pytest.raises(DatasetError, match='accuracy is of one output, and the model has 2'):
        Collect().run(context(asked, tmp_path, program=tmp_path / 'program.json.gz', rtl=rtl(tmp_path)))


def test_settings_are_what_decides_the_result():
    changed = config(rtl=RtlConfig(clock_ns=1.0, top='other'))
    assert Trace().settings(changed) == Trace().settings(config())
    assert Emit().settings(changed) != Emit().settings(config())
    slower = config(rtl=RtlConfig(clock_ns=9.0))
    assert Emit().settings(slower) == Emit().settings(config())
    assert Collect().settings(slower) != Collect().settings(config())
