"""Convolutional QONNX and QDQ models against qonnx and ONNX Runtime: a recorded set, and a long run of new ones."""

from pathlib import Path

import numpy as np
import pytest
from onnx_writer import OnnxFile
from qonnx_oracle import NUM_RECORDED, check_generated, check_recorded

from da4ml_core.errors import FrontendError
from da4ml_core.frontends.qonnx_file import read_qonnx

GENERATOR = Path(__file__).with_name('random_qonnx_cnns.py')
RECORDED = Path(__file__).with_name('recorded_qonnx_cnns.npz')  # of seed 5, by qonnx_oracle.record
NUM_MODELS = 150
OPERATIONS = {
    *('AveragePool', 'BatchNormalization', 'Clip', 'Concat', 'Conv', 'DequantizeLinear', 'Flatten', 'Gather'),
    *('GlobalMaxPool', 'MatMul', 'MaxPool', 'Quant', 'QuantizeLinear', 'Relu', 'Reshape', 'Shape', 'Transpose'),
}


@pytest.mark.parametrize('index', range(NUM_RECORDED))
def test_recorded_models(index: int, tmp_path: Path) -> None:
    check_recorded(RECORDED, index, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('seed', [11, 12])
def test_every_output_of_every_model_is_equal(seed: int, qonnx_python: str, tmp_path: Path) -> None:
    used = check_generated(qonnx_python, GENERATOR, seed, NUM_MODELS, tmp_path)
    assert set(used) >= OPERATIONS


def mean_of_nine(model: OnnxFile) -> None:
    model.add('AveragePool', model.last, kernel_shape=[3, 3])


def pads_of_a_maximum(model: OnnxFile) -> None:
    model.add('MaxPool', model.last, kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0])


def kernel_of_another_size(model: OnnxFile) -> None:
    model.add('Conv', model.last, np.ones((3, 5, 2, 2), dtype=np.float32))


def pads_without_end(model: OnnxFile) -> None:
    model.add('Conv', model.last, np.ones((3, 2, 2, 2), dtype=np.float32), pads=[1 << 30, 0, 0, 0])


def no_mode(model: OnnxFile) -> None:
    model.add('Conv', model.last, np.ones((3, 2, 2, 2), dtype=np.float32), auto_pad='SAME_LOWER')


def half_a_clip(model: OnnxFile) -> None:
    model.add('Clip', model.last, np.float32(0))


def scaled_zero(model: OnnxFile) -> None:
    model.add('QuantizeLinear', model.last, np.float32(-0.5))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (mean_of_nine, 'the mean of 9 values'),
        (pads_of_a_maximum, 'a pooling with these pads'),
        (kernel_of_another_size, 'on 2 channels'),
        (pads_without_end, 'small sizes'),
        (no_mode, 'auto_pad SAME_LOWER'),
        (half_a_clip, 'a Clip with one bound'),
        (scaled_zero, 'its scale is not positive'),
    ],
)
def test_what_is_refused(change, message: str, tmp_path: Path):
    model = OnnxFile([1, 2, 4, 4])
    model.quant('x', 0.5, 4)
    change(model)
    with pytest.raises(FrontendError, match=message):
        read_qonnx(model.write(tmp_path))
