"""A live keras.Model compiles as its file does: asked of an interpreter that has HGQ2."""

import os
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / 'core'
CODE = """
import keras, numpy as np
from hgq.layers import QDense
from da4ml_core import load_model
inputs = keras.Input((4,))
model = keras.Model(inputs, QDense(3)(inputs))
x = np.random.default_rng(0).integers(-64, 64, (50, 4)).astype('float32') / 16
program = load_model(model)
found, expected = program.predict(x), keras.ops.convert_to_numpy(model(x, training=False))
print(int((found != expected).sum()), program.input_shapes, program.output_shapes)
try:
    load_model(object())
except Exception as error:
    print(type(error).__name__, error.message)
"""


@pytest.mark.slow
def test_a_live_model(hgq_python: str) -> None:
    environment = os.environ | {'PYTHONPATH': str(CORE), 'KERAS_BACKEND': 'torch'}
    result = subprocess.run([hgq_python, '-c', CODE], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.splitlines() == ['0 ((4,),) ((3,),)', 'FrontendError a object is no model']
