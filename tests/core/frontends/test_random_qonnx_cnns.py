"""Convolutional QONNX and QDQ models against qonnx and ONNX Runtime: a recorded set, and a long run of new ones."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from onnx_writer import OnnxFile

from da4ml_core.errors import FrontendError
from da4ml_core.frontends.qonnx_file import read_qonnx
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions

GENERATOR = Path(__file__).with_name('random_qonnx_cnns.py')
RECORDED = Path(__file__).with_name('recorded_qonnx_cnns.npz')  # of seed 5: see record() below
NUM_RECORDED, NUM_MODELS = 12, 150
FAST = SolverOptions(effort='fast')
OPERATIONS = {
    *('AveragePool', 'BatchNormalization', 'Clip', 'Concat', 'Conv', 'DequantizeLinear', 'Flatten', 'Gather'),
    *('GlobalMaxPool', 'MatMul', 'MaxPool', 'Quant', 'QuantizeLinear', 'Relu', 'Reshape', 'Shape', 'Transpose'),
}


def check(path: Path, x, expected) -> None:
    model = read_qonnx(path, FAST)
    y = model.finish(predict(model.program, x)).reshape(expected.shape)
    assert np.count_nonzero(y != expected) == 0, path.name


@pytest.mark.parametrize('index', range(NUM_RECORDED))
def test_recorded_models(index: int, tmp_path: Path):
    with np.load(RECORDED) as recorded:
        path = tmp_path / f'cnn_{index}.onnx'
        path.write_bytes(recorded[f'model_{index}'].tobytes())
        check(path, recorded[f'x_{index}'], recorded[f'y_{index}'])


@pytest.mark.slow
@pytest.mark.parametrize('seed', [11, 12])
def test_every_output_of_every_model_is_equal(seed: int, qonnx_python: str, tmp_path: Path) -> None:
    subprocess.run(
        [qonnx_python, '-W', 'ignore', str(GENERATOR), str(tmp_path), str(seed), str(NUM_MODELS)], check=True
    )
    used: Counter[str] = Counter()
    for path in sorted(tmp_path.glob('*.onnx')):
        recorded = np.load(path.with_suffix('.npz'))
        check(path, recorded['x'], recorded['y'])
        used.update(json.loads(path.with_suffix('.json').read_text()))
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


def record(folder: Path) -> None:
    """Write the recorded set from the first models of a folder that the generator filled."""
    arrays = {}
    for index in range(NUM_RECORDED):
        path = folder / f'cnn_{index:03d}.onnx'
        arrays[f'model_{index}'] = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        with np.load(path.with_suffix('.npz')) as data:
            arrays |= {f'{name}_{index}': data[name] for name in ('x', 'y')}
    np.savez_compressed(RECORDED, **arrays)
