"""Random QONNX models, run by qonnx and ONNX Runtime, against our reading of their files."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.frontends.qonnx_file import read_qonnx
from da4ml_core.interp import predict

NUM_MODELS = 100
SEEDS = (7, 8, 9)
GENERATOR = Path(__file__).with_name('random_qonnx_models.py')
OPERATIONS = (
    'Add',
    'BatchNormalization',
    'BipolarQuant',
    'Concat',
    'Div',
    'Gemm',
    'MatMul',
    'Mul',
    'Quant',
    'Relu',
    'Sub',
)


@pytest.mark.slow
@pytest.mark.parametrize('seed', SEEDS)
def test_every_output_of_every_model_is_equal(seed: int, qonnx_python: str, tmp_path: Path) -> None:
    subprocess.run([qonnx_python, str(GENERATOR), str(tmp_path), str(seed), str(NUM_MODELS)], check=True)
    used: Counter[str] = Counter()
    varied = 0
    for path in sorted(tmp_path.glob('*.onnx')):
        recorded = np.load(path.with_suffix('.npz'))
        model = read_qonnx(path, input_type='fixed<3,6>')
        y = model.finish(predict(model.program, recorded['x']))
        assert np.count_nonzero(y != recorded['y']) == 0, path.name
        varied += int(np.ptp(y) > 0)
        used.update(json.loads(path.with_suffix('.json').read_text()))
    assert set(OPERATIONS) <= set(used)
    assert varied > 0.8 * NUM_MODELS
