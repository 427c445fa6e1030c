"""Integer ONNX models (QLinear, Trunc 2, shapes) against qonnx and ONNX Runtime: recorded ones, and a long run."""

from pathlib import Path

import numpy as np
import pytest
from onnx_writer import OnnxFile
from qonnx_oracle import FAST, NUM_RECORDED, check_generated, check_recorded

from da4ml_core.errors import FrontendError
from da4ml_core.frontends import load
from da4ml_core.frontends.qonnx_file import read_qonnx
from da4ml_core.interp import predict

GENERATOR = Path(__file__).with_name('random_qonnx_integers.py')
RECORDED = Path(__file__).with_name('recorded_qonnx_integers.npz')  # of seed 3, by qonnx_oracle.record
NUM_MODELS = 120
OPERATIONS = {
    *('Cast', 'Concat', 'DequantizeLinear', 'Flatten', 'MatMulInteger', 'Pad', 'QLinearConv', 'QLinearMatMul'),
    *('QuantizeLinear', 'ReduceProd', 'Reshape', 'Shape', 'Slice', 'Trunc'),
}


@pytest.mark.parametrize('index', range(NUM_RECORDED))
def test_recorded_models(index: int, tmp_path: Path) -> None:
    check_recorded(RECORDED, index, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('seed', [4, 5])
def test_every_output_of_every_model_is_equal(seed: int, qonnx_python: str, tmp_path: Path) -> None:
    used = check_generated(qonnx_python, GENERATOR, seed, NUM_MODELS, tmp_path)
    assert set(used) >= OPERATIONS


@pytest.fixture
def logits(tmp_path: Path) -> Path:
    """Three logits, and their softmax."""
    model = OnnxFile([1, 2])
    weights = np.array([[1.0, -2.0, 0.5], [0.25, 0.0, -1.0]], dtype=np.float32)
    model.add('Softmax', model.add('MatMul', model.quant('x', 0.25, 4), weights), axis=1)
    return model.write(tmp_path)


def test_a_softmax_is_dropped_or_kept(logits: Path) -> None:
    x = np.random.default_rng(0).normal(0, 2, (200, 2))
    with pytest.warns(UserWarning, match='is dropped'):
        scores = predict(load(logits, FAST), x)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    with pytest.warns(UserWarning, match='computed by tables'):
        kept = predict(load(logits, FAST, softmax='keep'), x)
    assert np.abs(kept - exponentials / exponentials.sum(axis=1, keepdims=True)).max() < 2**-9
    assert np.array_equal(kept.argmax(axis=1), scores.argmax(axis=1))


def test_softmax_choices_that_make_no_sense(logits: Path, digits: Path) -> None:
    with pytest.raises(FrontendError, match="softmax 'maybe' is not known"):
        load(logits, softmax='maybe')
    with pytest.raises(FrontendError, match=r'only the softmax of an \.onnx model'):
        load(digits / 'digits.keras', softmax='keep')


def dynamic_scale(model: OnnxFile) -> None:
    scale = model.add('Mul', 'x', np.float32(2))
    model.add('QLinearMatMul', 'x', scale, np.int64(0), np.ones((2, 2), np.int64), 0.5, np.int64(0), 0.5, np.int64(0))


def channelwise_shift(model: OnnxFile) -> None:
    parameters = [np.float32(v) for v in (1, 0, 8)]
    scales = np.array([2.0, 4.0], dtype=np.float32)
    model.add('Trunc', model.last, *parameters, scales, np.float32(4), domain='qonnx.custom_op.general', signed=1)


def slice_without_ends(model: OnnxFile) -> None:
    model.add('Slice', model.last, np.array([0]))


def reflecting_pad(model: OnnxFile) -> None:
    model.add('Pad', model.last, np.array([0, 1, 0, 1]), mode='reflect')


def shape_of_what_is_computed(model: OnnxFile) -> None:
    model.add('Where', model.last, model.last, model.last)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dynamic_scale, 'computes'),
        (channelwise_shift, 'times one power of two'),
        (slice_without_ends, 'no start and end'),
        (reflecting_pad, 'a Pad with a mode'),
        (shape_of_what_is_computed, 'a parameter that the model computes'),
    ],
)
def test_what_is_refused(change, message: str, tmp_path: Path) -> None:
    model = OnnxFile([1, 2])
    model.quant('x', 0.5, 4)
    change(model)
    with pytest.raises(FrontendError, match=message):
        read_qonnx(model.write(tmp_path), input_type='fixed<3,4>')
