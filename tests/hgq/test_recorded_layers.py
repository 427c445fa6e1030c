"""Every supported layer against recorded outputs of HGQ2: what CI can check without Keras."""

import io
import json
import lzma
import zipfile
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest

from da4ml_core.frontends import load
from da4ml_core.frontends.keras_handlers import HANDLERS, MERGES, SEQUENCES
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions

RECORDED = Path(__file__).with_name('recorded.json.xz')

# layers that no random model needs: they are identities at inference, or tested by themselves
NOT_RECORDED = {
    'Identity',
    'AlphaDropout',
    'GaussianDropout',
    'GaussianNoise',
    'SpatialDropout1D',
    'SpatialDropout2D',
    'SpatialDropout3D',
    'ActivityRegularization',
    'DepthwiseConv1D',
    'DepthwiseConv2D',
}


@cache
def models() -> dict:
    return {model['name']: model for model in json.loads(lzma.decompress(RECORDED.read_bytes()))}


def write(model: dict, path: Path) -> Path:
    image = io.BytesIO()
    with h5py.File(image, 'w') as file:
        for name, array in model['arrays'].items():
            file[name] = np.asarray(array['values'], dtype=np.float32).reshape(array['shape'])
        for group, name in model['names'].items():
            file[group].attrs['name'] = name
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', json.dumps(model['config']))
        archive.writestr('model.weights.h5', image.getvalue())
    return path


@pytest.mark.weak_spot('9.3', 'no state/time')
@pytest.mark.weak_spot('more.8', 'No softmax layer')
@pytest.mark.parametrize('name', sorted(models()))
def test_every_output_is_the_recorded_one(name: str, tmp_path: Path) -> None:
    model = models()[name]
    program = load(write(model, tmp_path / 'm.keras'), SolverOptions(effort='fast'))
    samples = {key: np.asarray(values, dtype=np.float32) for key, values in model['samples'].items()}
    inputs = [samples[f'x{place}'] for place in range(len(program.input_shapes))]
    outputs = predict(program, inputs if len(inputs) > 1 else inputs[0])
    for place, output in enumerate(outputs if len(program.output_shapes) > 1 else [outputs]):
        assert np.array_equal(output, samples[f'y{place}'])


def test_every_layer_is_recorded() -> None:
    text = json.dumps([model['config'] for model in models().values()])
    missing = {name for _, name in (*HANDLERS, *MERGES, *SEQUENCES) if f'"class_name": "{name}"' not in text}
    assert missing == NOT_RECORDED
