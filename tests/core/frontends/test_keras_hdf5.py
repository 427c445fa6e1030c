"""Whole-model HDF5 files: the real one, the places of variables, and damage."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from da4ml_core.errors import CorruptModel, FrontendError
from da4ml_core.frontends import load
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_hdf5 import saved_groups


def layer(class_name: str, name: str, **config: object) -> dict:
    return {'class_name': class_name, 'config': {'name': name, **config}}


def test_variables_find_the_places_of_a_keras_file() -> None:
    inner = layer('Functional', 'inner', layers=[layer('hgq>QDense', 'dense_7')])
    config = {'class_name': 'Functional', 'config': {'layers': [layer('hgq>QAdd', 'add'), inner]}}
    one = np.ones(1)
    arrays = {
        f'model_weights/{path}': one * number
        for number, path in enumerate(
            [
                'add/add/multiple_quantizers_3/quantizer_12/fixed_point_quantizer_kif_9/k',
                'add/add/multiple_quantizers_3/quantizer_12/fixed_point_quantizer_kif_9/i',
                'add/add/multiple_quantizers_3/quantizer_12/fixed_point_quantizer_kif_9/f',
                'add/add/multiple_quantizers_3/quantizer_9/fixed_point_quantizer_kif_8/k',
                'inner/dense_7/kernel',
                'inner/dense_7/dense_7_kq/fixed_point_quantizer_kbi/b',
                'add/add/ebops',
                'add/add/beta',
            ]
        )
    }
    found = saved_groups(JsonView(config, 'model_config', 'm.h5'), arrays)
    assert {path: float(array[0]) for path, array in found.items()} == {
        'layers/q_add/iq/quantizers/quantizer_1/quantizer/vars/0': 1,  # i, f, k without a decay: it saturates
        'layers/q_add/iq/quantizers/quantizer_1/quantizer/vars/1': 2,
        'layers/q_add/iq/quantizers/quantizer_1/quantizer/vars/2': 0,
        'layers/q_add/iq/quantizers/quantizer/quantizer/vars/0': 3,
        'layers/functional/layers/q_dense/vars/0': 4,
        'layers/functional/layers/q_dense/kq/quantizer/vars/0': 5,
        'layers/q_add/vars/0': 7,
        'layers/q_add/vars/1': 6,
    }


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match='there is no model file'):
        load(tmp_path / 'm.h5')


@pytest.mark.parametrize('content', [b'', b'\x89HDF\r\n\x1a\n', b'PK\x03\x04' * 100])
def test_not_hdf5(content: bytes, tmp_path: Path) -> None:
    (tmp_path / 'm.h5').write_bytes(content)
    with pytest.raises(CorruptModel):
        load(tmp_path / 'm.h5')


def test_weights_without_their_model(tmp_path: Path) -> None:
    with h5py.File(tmp_path / 'm.h5', 'w') as file:
        file['dense/kernel'] = np.ones(3)
    with pytest.raises(CorruptModel, match='weights without their model'):
        load(tmp_path / 'm.h5')


@pytest.mark.parametrize(
    'text', ['{', '[]', '{"class_name": "Sequential"}', json.dumps({'class_name': 3, 'config': {}})]
)
def test_a_configuration_that_makes_no_sense(text: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / 'm.h5', 'w') as file:
        file.attrs['model_config'] = text
    with pytest.raises(CorruptModel):
        load(tmp_path / 'm.h5')


@pytest.mark.parametrize('percent', [10, 50, 90])
def test_truncated(percent: int, shared: Path, tmp_path: Path) -> None:
    data = (shared / 'models' / 'hgq2' / 'jsc_openml_da4ml_acc76.86.h5').read_bytes()
    (tmp_path / 'm.h5').write_bytes(data[: len(data) * percent // 100])
    with pytest.raises(CorruptModel):
        load(tmp_path / 'm.h5')
