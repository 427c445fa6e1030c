"""Model files made by hand, so that each test can break one thing in them."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

FLOAT32 = {'module': 'keras', 'class_name': 'DTypePolicy', 'config': {'name': 'float32'}, 'registered_name': None}


class ModelFile:
    """A Functional model: an input of 4 features, and QDense layers added one behind the other."""

    def __init__(self) -> None:
        self.layers: list[dict[str, Any]] = []
        self.arrays: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self.outputs: list[Any] = []
        self.class_name = 'Functional'
        self.name = 'hand_made'
        self._counts: dict[str, int] = {}
        self.last = self.add('keras', 'InputLayer', 'features', None, batch_shape=[None, 4])

    def add(self, package: str, class_name: str, name: str, source: str | None, **config: Any) -> str:
        """A layer that reads the first call of ``source``; returns its name."""
        call = {'args': [tensor(source)], 'kwargs': {}}
        self.layers.append(
            {
                'module': f'{package}.layers',
                'class_name': class_name,
                'config': {'name': name, 'dtype': FLOAT32, **config},
                'registered_name': f'hgq>{class_name}' if package == 'hgq' else None,
                'name': name,
                'inbound_nodes': [] if source is None else [call],
            }
        )
        self.last = name
        self.outputs = [name, 0, 0]
        return name

    def dense(self, name: str = 'dense', inputs: int = 4, units: int = 3, **config: Any) -> str:
        """A QDense layer: 4-bit inputs, weights and biases; the kernel holds small multiples of 1/4."""
        count = self._counts['q_dense'] = self._counts.get('q_dense', -1) + 1
        group = f'layers/q_dense_{count}' if count else 'layers/q_dense'
        options = {
            'units': units,
            'activation': None,
            'use_bias': True,
            'enable_ebops': True,
            'enable_oq': False,
            'enable_iq': True,
            'oq_conf': None,
            'iq_conf': quantizer_config('kif', 'SAT'),
            'kq_conf': quantizer_config('kbi', 'SAT_SYM', is_weight=True),
            'bq_conf': quantizer_config('kbi', 'WRAP'),
        }
        self.add('hgq', 'QDense', name, self.last, **(options | config))
        kernel = (np.arange(inputs * units).reshape(inputs, units) % 7 - 3) / 4
        self.variables(group, kernel, np.arange(units) / 4, 1e-5, 0, name=name)
        self.variables(f'{group}/iq/quantizer', np.full((1, inputs), 1.0), np.full((1, inputs), 2.0), ones(1, inputs))
        self.variables(f'{group}/kq/quantizer', ones(inputs, units) * 3, ones(inputs, units), ones(inputs, units))
        self.variables(f'{group}/bq/quantizer', ones(units) * 3, ones(units), ones(units), 0.01)
        return group

    def variables(self, group: str, *arrays: Any, name: str = '') -> None:
        for index, array in enumerate(arrays):
            self.arrays[f'{group}/vars/{index}'] = np.asarray(array, dtype=np.float32)
        self.names[group] = name

    @property
    def config(self) -> dict[str, Any]:
        inner: dict[str, Any] = {'name': self.name, 'layers': self.layers}
        if self.class_name == 'Functional':
            inner |= {'input_layers': [['features', 0, 0]], 'output_layers': self.outputs}
        return {'module': 'keras', 'class_name': self.class_name, 'config': inner, 'registered_name': None}

    def hdf5(self) -> bytes:
        image = io.BytesIO()
        with h5py.File(image, 'w') as file:
            for path, array in self.arrays.items():
                file[path] = array
            for group, name in self.names.items():
                file[f'{group}/vars'].attrs['name'] = name
        return image.getvalue()

    def write(self, path: Path) -> Path:
        return write_archive(path, {'config.json': json.dumps(self.config).encode(), 'model.weights.h5': self.hdf5()})


def tensor(layer: str | None, call: int = 0) -> dict[str, Any]:
    return {'class_name': '__keras_tensor__', 'config': {'shape': [None], 'keras_history': [layer, call, 0]}}


def quantizer_config(q_type: str, overflow: str, rounding: str = 'RND', **options: Any) -> dict[str, Any]:
    config = {
        'q_type': q_type,
        'place': 'datalane',
        'scaler': None,
        'affine': None,
        'qnoise_factor': None,
        'round_mode': rounding,
        'overflow_mode': overflow,
        'bw_mapper': None,
        'trainable': True,
        'is_weight': False,
    }
    return {'module': 'hgq', 'class_name': 'QuantizerConfig', 'config': config | options, 'registered_name': None}


def ones(*shape: int) -> np.ndarray[Any, Any]:
    return np.ones(shape)


def write_archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def new_model_file() -> Callable[[], ModelFile]:
    """Makes models of one QDense layer."""

    def make() -> ModelFile:
        model = ModelFile()
        model.dense()
        return model

    return make


@pytest.fixture
def model_file(new_model_file: Callable[[], ModelFile]) -> ModelFile:
    """A model of one QDense layer; change what you like, then write it."""
    return new_model_file()


@pytest.fixture
def archive() -> Callable[[Path, dict[str, bytes]], Path]:
    return write_archive


@pytest.fixture
def keras_tensor() -> Callable[..., dict[str, Any]]:
    return tensor


@pytest.fixture
def digits() -> Path:
    """The folder of the project's own trained model."""
    return Path(__file__).parents[3] / 'configs' / 'digits'
