"""Real trained models: the recorded outputs in every element, with no framework that could be imported."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.frontends.keras_file import load_keras
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions

CORE = Path(__file__).parents[3] / 'core'
FAST = SolverOptions(effort='fast')
KERAS = (
    'jsc_openml_acc73.3.keras',
    'jsc_openml_acc77.1.keras',
    'jsc_openml_da4ml_acc76.86.h5',
    'linformer_8part.keras',
)
# their outputs are in test_qonnx_file.py: one ends in a softmax
QONNX = {'jettagging_qkeras_w6a6.onnx': 'fixed<3,23>', 'mnist_tfc_w2a2.onnx': 'ufixed<0,8>'}

BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

FRAMEWORKS = 'keras tensorflow torch jax onnx onnxruntime qonnx hgq qkeras brevitas google'.split()

class Blocked(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition('.')[0] in FRAMEWORKS:
            raise AssertionError(f'{name} was imported')

sys.meta_path.insert(0, Blocked())
import warnings
warnings.simplefilter('ignore')
from da4ml_core import load_model
from da4ml_core.trace import SolverOptions
program = load_model(sys.argv[1], SolverOptions(effort='fast'), input_type=sys.argv[2] or None)
print(program.num_adders, [name for name in sys.modules if name.partition('.')[0] in FRAMEWORKS])
"""


def recorded(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path.with_suffix('.io.npz')) as data:
        return data['x'], data['y']


def test_every_shared_model_is_in_a_table(shared: Path) -> None:
    files = [path.name for kind in ('hgq2', 'qonnx') for path in (shared / 'models' / kind).iterdir()]
    assert {name for name in files if not name.endswith('.npz')} == {*KERAS, *QONNX}


@pytest.mark.parametrize('name', KERAS)
def test_hgq2_models_have_the_recorded_outputs(name: str, shared: Path) -> None:
    path = shared / 'models' / 'hgq2' / name
    x, y = recorded(path)
    found = predict(load_keras(path, FAST), x)
    assert found.shape == y.shape
    assert np.count_nonzero(found != y) == 0


@pytest.mark.parametrize(
    ('kind', 'name', 'input_type'), [('hgq2', KERAS[1], ''), ('qonnx', *next(iter(QONNX.items())))]
)
def test_no_framework_is_imported_even_if_it_is_there(kind: str, name: str, input_type: str, shared: Path) -> None:
    command = [sys.executable, '-c', BLOCKED, str(shared / 'models' / kind / name), input_type]
    environment = os.environ | {'PYTHONPATH': str(CORE)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    adders, _, loaded = result.stdout.strip().partition(' ')
    assert int(adders) > 100
    assert loaded == '[]'
