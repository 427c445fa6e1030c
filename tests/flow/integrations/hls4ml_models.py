"""Models through hls4ml, latency against distributed_arithmetic: `hls4ml_models.py BACKEND KIND...` prints JSON."""

import json
import os
import sys
import tempfile
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'jax')

import hls4ml
import keras
import numpy as np

from da4ml_flow.integrations.hls4ml import serve_unknown_layers

SAMPLES = 200
FORMATS = {'weight': 'fixed<6,2>', 'bias': 'fixed<7,3>', 'accum': 'fixed<40,20>', 'result': 'fixed<16,6>'}
LAYERS = ('first', 'second')


def model(kind: str) -> Any:
    layers = keras.layers
    if kind == 'dense':
        x = keras.Input((6,))
        y = layers.Dense(3, name='second')(layers.Dense(5, activation='relu', name='first')(x))
    elif kind == 'conv1d':
        x = keras.Input((9, 3))
        y = layers.Conv1D(4, 3, padding='same', activation='relu', name='first')(x)
        y = layers.Dense(2, name='second')(layers.Flatten()(y))
    elif kind == 'conv2d':
        x = keras.Input((6, 6, 2))
        y = layers.Conv2D(3, 3, strides=2, name='first')(x)
    elif kind == 'einsum':
        x = keras.Input((4, 5))
        y = layers.EinsumDense('abc,cd->abd', output_shape=(4, 6), bias_axes='d', name='first')(x)
    elif kind == 'einsum shared':
        x = keras.Input((4, 5))
        y = layers.EinsumDense('abc,bcd->abd', output_shape=(4, 3), name='first')(x)
    elif kind == 'unknown':
        x = keras.Input((6,))
        y = layers.RepeatVector(3, name='repeat')(layers.Dense(5, name='first')(x))
    elif kind == 'unknown weights':
        x = keras.Input((3, 3, 3, 1))
        y = layers.Reshape((12,))(layers.Conv3D(3, 2, strides=(1, 2, 1), name='volume')(x))
    else:
        raise SystemExit(f'no model {kind}')
    return keras.Model(x, y)


def converted(found: Any, strategy: str, backend: str, io_type: str) -> Any:
    config = hls4ml.utils.config_from_keras_model(
        found, granularity='name', backend=backend, default_precision='fixed<16,6>'
    )
    for name in LAYERS:
        if name in config['LayerName']:
            config['LayerName'][name] |= {'Strategy': strategy, 'Precision': dict(FORMATS)}
    folder = tempfile.mkdtemp(prefix='hls4ml-')
    made = hls4ml.converters.convert_from_keras_model(
        found, hls_config=config, backend=backend, output_dir=folder, io_type=io_type
    )
    made.compile()
    return made


def check(kind: str, backend: str) -> dict[str, Any]:
    keras.utils.set_random_seed(len(kind))
    found = model(kind)
    rng = np.random.default_rng(1)
    for weight in found.weights:
        numbers = rng.normal(0, 0.7, weight.shape)
        weight.assign(np.round(numbers * 4) / 4 if kind == 'unknown weights' else numbers)
    io_type = 'io_stream' if backend.endswith('stream') else 'io_parallel'
    backend = backend.removesuffix('-stream')
    ours = converted(found, 'distributed_arithmetic', backend, io_type)
    x = (np.round(rng.normal(0, 1, (SAMPLES, *found.input_shape[1:])) * 64) / 64).astype(np.float32)
    y = ours.predict(np.ascontiguousarray(x))
    if kind == 'unknown':  # which no strategy of hls4ml's own can make
        sums = converted(keras.Model(found.inputs, found.get_layer('first').output), 'latency', backend, io_type)
        expected = np.repeat(sums.predict(np.ascontiguousarray(x))[:, None], 3, axis=1)
    elif kind == 'unknown weights':
        expected = np.asarray(found(x))
    else:
        expected = converted(found, 'latency', backend, io_type).predict(np.ascontiguousarray(x))
    costs = {layer.name: layer.attributes.attributes.get('da_kernel_cost') for layer in ours.get_layers()}
    return {
        'values': int(y.size),
        'mismatches': int((y.reshape(-1) != expected.reshape(-1)).sum()),
        'largest': float(np.abs(y).max()),
        'costs': {name: number for name, number in costs.items() if number is not None},
    }


if __name__ == '__main__':
    serve_unknown_layers()
    result = {kind: check(kind, sys.argv[1]) for kind in sys.argv[2:]}
    result['modules'] = sorted(name for name in ('da4ml', 'alkaid', 'da4ml_core') if name in sys.modules)
    print('RESULT', json.dumps(result))
