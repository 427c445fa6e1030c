"""Random HGQ2 models, made and run by HGQ2 itself, against our reading of their files."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.frontends import load
from da4ml_core.interp import predict

NUM_MODELS = 120
SEEDS = (11, 12, 13)
GENERATOR = Path(__file__).with_name('random_hgq_models.py')

LAYERS = ('QDense', 'QEinsumDense', 'QEinsumDenseBatchnorm', 'QBatchNormDense', 'Quantizer', 'Flatten', 'Reshape')
MODES = ('TRN', 'RND', 'RND_CONV', 'TRN_ZERO', 'RND_ZERO', 'RND_MIN_INF', 'RND_INF', 'S_RND', 'S_RND_CONV')


@pytest.mark.slow
@pytest.mark.parametrize('seed', SEEDS)
def test_every_output_of_every_model_is_equal(seed: int, hgq_python: str, tmp_path: Path) -> None:
    subprocess.run([hgq_python, str(GENERATOR), str(tmp_path), str(seed), str(NUM_MODELS)], check=True)
    used: Counter[str] = Counter()
    elements = nonzero = 0
    for path in sorted(tmp_path.glob('*.keras')):
        recorded = np.load(path.with_suffix('.npz'))
        program = load(path)
        outputs = predict(program, recorded['x'])
        outputs = outputs if len(program.output_shapes) > 1 else [outputs]
        for position, found in enumerate(outputs):
            expected = recorded[f'y{position}']
            assert found.shape == expected.shape
            assert np.count_nonzero(found != expected) == 0, f'{path.name}, output {position}'
            elements += expected.size
            nonzero += np.count_nonzero(expected)
        used.update(json.loads(path.with_suffix('.json').read_text()))
    print(f'{NUM_MODELS} models, {elements} elements, {nonzero} not zero, 0 mismatches')
    assert nonzero > elements / 2
    wanted = [*LAYERS, *(f'{place}:{mode}' for place in ('datalane', 'weight', 'bias') for mode in MODES)]
    assert [name for name in wanted if not used[name]] == []
