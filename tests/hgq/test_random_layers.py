"""Every supported layer with random options, shapes and quantizers, made and run by HGQ2, against our reading."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.frontends import load
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions

GENERATOR = Path(__file__).with_name('random_layers.py')
SEEDS = (21, 22)
ROUNDS = 4  # models of each layer and seed


@pytest.mark.slow
@pytest.mark.parametrize('seed', SEEDS)
def test_every_output_of_every_layer_is_equal(seed: int, hgq_python: str, tmp_path: Path) -> None:
    subprocess.run([hgq_python, str(GENERATOR), str(tmp_path), str(seed), str(ROUNDS)], check=True)
    paths = sorted(tmp_path.glob('*.keras'))
    skipped = json.loads((tmp_path / 'skipped.json').read_text())
    elements = 0
    for path in paths:
        recorded = np.load(path.with_suffix('.npz'))
        program = load(path, SolverOptions(effort='fast'))
        inputs = [recorded[f'x{place}'] for place in range(len(program.input_shapes))]
        outputs = predict(program, inputs if len(inputs) > 1 else inputs[0])
        for place, found in enumerate(outputs if len(program.output_shapes) > 1 else [outputs]):
            expected = recorded[f'y{place}']
            assert found.shape == expected.shape
            assert np.count_nonzero(found != expected) == 0, f'{path.name}, output {place}'
            elements += expected.size
    print(f'{len(paths)} models, {elements} elements, 0 mismatches; {len(skipped)} that HGQ2 cannot build')
    assert len(paths) >= 290
    assert len(skipped) < len(paths) / 50
