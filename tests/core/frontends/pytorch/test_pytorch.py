"""PyTorch: saved programs read without torch, live modules and Brevitas against what they compute themselves."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import da4ml_core as dc
from da4ml_core.errors import CorruptModel, FrontendError, UnsupportedLayer
from da4ml_core.frontends import load
from da4ml_core.frontends.post_training import Quantization, float_outputs, quantize_model, read_float_model
from da4ml_core.frontends.qonnx_tensor import fused_multiply_add
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions
from da4ml_flow.cli.main import run as run_command

HERE = Path(__file__).parent
CORE = Path(__file__).parents[4] / 'core'
RECORDED = HERE / 'recorded_programs.npz'  # record_programs.py, seed 3, 3 models
FAST = SolverOptions(effort='fast')


def run(python: str, script: str, *arguments: str) -> str:
    found = subprocess.run(
        [python, '-W', 'ignore', str(HERE / script), *arguments],
        env={**os.environ, 'PYTHONPATH': str(CORE)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:] + found.stdout[-2000:]
    return found.stdout


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return written(1, tmp_path)


def written(index: int, folder: Path) -> Path:
    with np.load(RECORDED) as recorded:
        path = folder / f'model_{index}.pt2'
        path.write_bytes(recorded[f'model_{index}'].tobytes())
    return path


@pytest.mark.parametrize('index', range(3))
def test_saved_programs(index: int, tmp_path: Path):
    path = written(index, tmp_path)
    with np.load(RECORDED) as recorded:
        x, y = recorded[f'x_{index}'], recorded[f'y_{index}']
    graph = read_float_model(path)
    got = float_outputs(graph, x).reshape(y.shape)
    if graph.dropped:  # a softmax, whose logits are left
        assert 'softmax' in graph.dropped[0]
        got = np.exp(got - got.max(axis=1, keepdims=True))
        got /= got.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(got, y, atol=1e-4)  # a mean multiplies by a reciprocal of ten bits
    model = quantize_model(path, x, Quantization(weight_bits=6, activation_bits=8), FAST)
    exact = model.quantized.evaluate(x.astype(np.float64))[0].reshape(y.shape)
    np.testing.assert_array_equal(np.asarray(predict(model.program, x)).reshape(y.shape), exact)
    assert 'torch' not in sys.modules


@pytest.mark.weak_spot('more.8', 'torch is not reachable')
def test_a_saved_program_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, data, out = written(0, tmp_path), tmp_path / 'x.npz', tmp_path / 'program.json.gz'
    with np.load(RECORDED) as recorded:
        x, y = recorded['x_0'], recorded['y_0']
    np.savez(data, x=x)
    command = ['quantize', str(path), str(data), '--bits', '12', '--effort', 'fast', '--output', str(out), '--json']
    assert run_command(command) == 0
    assert json.loads(capsys.readouterr().out)['rows'][0]['same_class'] == 100
    logits = dc.load(out).predict(x)
    assert np.array_equal(logits.argmax(axis=1), y.argmax(axis=1))


def rewritten(path: Path, name: str, change) -> Path:
    """The archive with one member changed; None leaves it out."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    found = next(member for member in members if member.endswith(name))
    data = change(members.pop(found))
    if data is not None:
        members[found] = data
    with zipfile.ZipFile(path, 'w') as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def edited(edit):
    def change(data: bytes) -> bytes:
        value = json.loads(data)
        edit(value)
        return json.dumps(value).encode()

    return change


def last_node(graph):
    return graph['graph_module']['graph']['nodes'][-1]


def first_weight(config):
    return next(iter(config['config'].values()))


GRAPH, WEIGHTS = 'models/model.json', 'model_weights_config.json'
BROKEN = {
    'no graph': (GRAPH, lambda data: None, CorruptModel, '0 graphs'),
    'half a graph': (GRAPH, lambda data: data[:100], CorruptModel, 'no JSON'),
    'a list': (GRAPH, lambda data: b'[]', CorruptModel, 'object'),
    'missing weights': ('weight_0', lambda data: None, CorruptModel, 'no archive/data/weights/weight_0'),
    'short weights': ('weight_0', lambda data: data[:8], CorruptModel, '2 numbers'),
    'no numbers': ('weight_0', lambda data: b'\xff' * len(data), CorruptModel, 'not finite'),
    'a pickle inside': (WEIGHTS, edited(lambda c: first_weight(c).update(use_pickle=True)), CorruptModel, 'pickle'),
    'a path out': (WEIGHTS, edited(lambda c: first_weight(c).update(path_name='../x')), CorruptModel, 'strange path'),
    'huge': (
        WEIGHTS,
        edited(lambda c: first_weight(c)['tensor_meta'].update(sizes=[{'as_int': 1 << 40}], strides=[{'as_int': 0}])),
        CorruptModel,
        'its shape',
    ),
    'an operation of others': (
        GRAPH,
        edited(lambda g: last_node(g).update(target='torch.ops.custom.run.default')),
        UnsupportedLayer,
        'torch.ops.custom.run',
    ),
    'an operation of torch': (
        GRAPH,
        edited(lambda g: last_node(g).update(target='torch.ops.aten.cumsum.default')),
        UnsupportedLayer,
        'cumsum is not supported',
    ),
    'a cycle': (
        GRAPH,
        edited(lambda g: last_node(g)['inputs'][0]['arg']['as_tensor'].update(name='nothing')),
        CorruptModel,
        'before its use',
    ),
}


@pytest.mark.parametrize('case', BROKEN)
def test_broken_programs_are_named(case: str, program: Path):
    member, change, kind, text = BROKEN[case]
    with pytest.raises(kind, match=text) as caught:
        read_float_model(rewritten(program, member, change))
    assert str(program) in str(caught.value)


def test_what_is_no_program(tmp_path: Path):
    with pytest.raises(FrontendError, match='there is no model file'):
        read_float_model(tmp_path / 'none.pt2')
    (tmp_path / 'text.pt2').write_text('no zip')
    with pytest.raises(CorruptModel, match=r'not a whole \.pt2 file'):
        load(tmp_path / 'text.pt2')
    for suffix in ('.pt', '.pth', '.pkl'):
        with pytest.raises(FrontendError, match='are pickles, which execute code'):
            load(tmp_path / f'model{suffix}')
        with pytest.raises(FrontendError, match='are pickles, which execute code'):
            read_float_model(tmp_path / f'model{suffix}')


def test_a_float_program_asks_for_quantization(program: Path):
    with pytest.raises(UnsupportedLayer, match='no quantizers'):
        load(program)


def test_a_fused_product_and_sum_is_rounded_once():
    rng = np.random.default_rng(1)
    x, a, b = (np.ldexp(rng.integers(-(1 << 23), 1 << 23, 20000), -12).astype(np.float32) for _ in range(3))
    b = np.ldexp(b.astype(np.float64), 10).astype(np.float32)
    longer = x.astype(np.longdouble) * a.astype(np.longdouble) + b.astype(np.longdouble)  # exact in 64 bits
    np.testing.assert_array_equal(fused_multiply_add(x, a, b), longer.astype(np.float32))
    # a tie but for the last bit of the product: float64 would round to the tie first
    one, tiny = np.float32([1 + 2.0**-23]), np.float32([2.0**-60])
    half = np.float32([1 + 2.0**-23]) * np.float32(2.0**-24)
    assert fused_multiply_add(tiny, one, one)[0] == one[0]
    assert fused_multiply_add(half, np.float32([1]), np.float32([1]))[0] == np.float32(1 + 2.0**-23)


@pytest.mark.slow
def test_live_modules(torch_python: str):
    assert len(run(torch_python, 'live_modules.py').splitlines()) >= 30


@pytest.mark.slow
@pytest.mark.parametrize('seed', [1, 2, 3])
def test_brevitas_modules(seed: int, torch_python: str):
    """Every output of 60 random modules."""
    result = json.loads(run(torch_python, 'random_brevitas.py', str(seed), '60'))
    assert result['wrong'] == []
    assert result['models'] - sum(result['refused'].values()) >= 45
    assert {'QuantConv2d', 'QuantLinear', 'QuantReLU', 'QuantHardTanh', 'QuantEltwiseAdd', 'BatchNorm2d'} <= set(
        result['used']
    )
