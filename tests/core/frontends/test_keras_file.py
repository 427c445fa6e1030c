import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.errors import CorruptModel, FrontendError, UnsupportedLayer
from da4ml_core.frontends import load, load_keras
from da4ml_core.interp import predict
from da4ml_core.ir.verify import verify

CORE = Path(__file__).parents[3] / 'core'


def test_one_dense_layer(model_file, tmp_path: Path) -> None:
    """Against the sum written out: 4-bit inputs in steps of 1/4, kernel and bias in quarters."""
    program = load_keras(model_file.write(tmp_path / 'm.keras'))
    assert (program.name, program.input_shapes, program.output_shapes) == ('hand_made', ((4,),), ((3,),))
    x = np.random.default_rng(0).normal(0, 1, (50, 4))
    rounded = np.clip(np.floor(x * 4 + 0.5), -8, 7) / 4
    kernel, bias = (model_file.arrays[f'layers/q_dense/vars/{index}'] for index in (0, 1))
    assert np.array_equal(predict(program, x), rounded @ kernel + bias)


def test_operations_say_which_layer_made_them(model_file, tmp_path: Path) -> None:
    program = load_keras(model_file.write(tmp_path / 'm.keras'))
    assert {op.origin for op in program.ops} <= {'dense (QDense)', ''}


def test_our_own_model_equals_the_framework(digits: Path) -> None:
    program = verify(load(digits / 'digits.keras'))
    recorded = np.load(digits / 'digits_test.npz')
    y = predict(program, recorded['x'])
    assert np.count_nonzero(y != recorded['keras_y']) == 0
    assert np.mean(y.argmax(axis=1) == recorded['y']) >= 0.95


def test_no_framework_is_imported(digits: Path) -> None:
    """Nor does importing the reader import h5py: that waits for the first file."""
    code = f"""
import sys
from da4ml_core.frontends import load
print('h5py' in sys.modules)
load({str(digits / 'digits.keras')!r})
print(sorted({{'keras', 'torch', 'jax', 'tensorflow', 'hgq', 'quantizers'}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {'PYTHONPATH': str(CORE)},
    )
    assert done.stdout.split() == ['False', '[]']


def test_a_chain_of_layers_without_arithmetic(model_file, tmp_path: Path) -> None:
    model_file.add('keras', 'Dropout', 'drop', 'dense', rate=0.5)
    model_file.add('keras', 'Activation', 'act', 'drop', activation='relu')
    model_file.add('keras', 'Reshape', 'shape', 'act', target_shape=[1, -1])
    model_file.add('keras', 'ReLU', 'relu', 'shape', max_value=None, negative_slope=0.0, threshold=0.0)
    program = load_keras(model_file.write(tmp_path / 'm.keras'))
    assert program.output_shapes == ((1, 3),)
    assert min(interval.lo for interval in program.output_intervals) == 0
    model_file.add('keras', 'Flatten', 'flat', 'relu', data_format='channels_last')
    assert load_keras(model_file.write(tmp_path / 'm.keras')).output_shapes == ((3,),)


def test_a_layer_called_twice_and_two_outputs(model_file, keras_tensor, tmp_path: Path) -> None:
    model_file.dense('square', 3, 3)
    model_file.layers[-1]['inbound_nodes'].append({'args': [keras_tensor('square')], 'kwargs': {'training': None}})
    model_file.outputs = [['square', 0, 0], ['square', 1, 0]]
    program = load_keras(model_file.write(tmp_path / 'm.keras'))
    assert program.output_shapes == ((3,), (3,))


def test_layers_in_any_order(model_file, tmp_path: Path) -> None:
    expected = load_keras(model_file.write(tmp_path / 'm.keras'))
    model_file.layers.reverse()
    assert load_keras(model_file.write(tmp_path / 'm.keras')) == expected


def test_a_sequential_model(model_file, tmp_path: Path) -> None:
    expected = load_keras(model_file.write(tmp_path / 'm.keras'))
    model_file.class_name = 'Sequential'
    assert load_keras(model_file.write(tmp_path / 'm.keras')) == expected
    del model_file.layers[0]
    with pytest.raises(CorruptModel, match='before it knew its input shape'):
        load_keras(model_file.write(tmp_path / 'm.keras'))


def test_loading_twice_gives_the_same_program(digits: Path) -> None:
    assert load(digits / 'digits.keras') == load(digits / 'digits.keras')


def broken(name: str):
    """A case of ``test_broken_models``: the function below, under the name of what it breaks."""

    def register(change):
        BROKEN[name] = change
        return change

    return register


BROKEN: dict = {}


@broken('weights: the weights file has no variables for it')
def _(model) -> None:
    model.arrays = {path: array for path, array in model.arrays.items() if not path.startswith('layers/q_dense/vars/')}
    del model.names['layers/q_dense']


@broken('the quantizer has 0 saved variables, not 3')
def _(model) -> None:
    model.arrays = {path: array for path, array in model.arrays.items() if '/iq/' not in path}
    del model.names['layers/q_dense/iq/quantizer']


@broken(r'its kernel holds nan at \[1, 2\]')
def _(model) -> None:
    model.arrays['layers/q_dense/vars/0'][1, 2] = np.nan


@broken(r'its bias holds -inf at \[0\]')
def _(model) -> None:
    model.arrays['layers/q_dense/vars/1'][0] = -np.inf


@broken(r'its kernel has the shape \(4, 4\), not \(4, 3\)')
def _(model) -> None:
    model.arrays['layers/q_dense/vars/0'] = np.zeros((4, 4), np.float32)


@broken(r'its kernel has the shape \(4, 3\), not \(5, 3\)')
def _(model) -> None:
    model.layers[0]['config']['batch_shape'] = [None, 5]


@broken('it has 4 saved variables, not the 3 it needs')
def _(model) -> None:
    model.layers[1]['config']['use_bias'] = False


@broken("has no 'units'")
def _(model) -> None:
    del model.layers[1]['config']['units']


@broken('units must be an integer, not 2.5')
def _(model) -> None:
    model.layers[1]['config']['units'] = 2.5


@broken('it has no input quantizer')
def _(model) -> None:
    model.layers[1]['config']['iq_conf'] = None


@broken('two layers of the model have the same name')
def _(model) -> None:
    model.layers.append(model.layers[1])


@broken("its input is call 3 of 'features', which the model does not have")
def _(model) -> None:
    model.layers[1]['inbound_nodes'][0]['args'][0]['config']['keras_history'][1] = 3


@broken("the layers 'dense' wait for each other")
def _(model) -> None:
    model.layers[1]['inbound_nodes'][0]['args'][0]['config']['keras_history'][0] = 'dense'


@broken("the model has no layer 'nowhere'")
def _(model) -> None:
    model.outputs = ['nowhere', 0, 0]


@broken('must name a layer, one of its calls, and one of its outputs')
def _(model) -> None:
    model.outputs = ['dense', 0, -1]


@broken('it has no output 1')
def _(model) -> None:
    model.outputs = ['dense', 0, 1]


@broken(r'its shape \[0\] is not one of')
def _(model) -> None:
    model.layers[0]['config']['batch_shape'] = [None, 0]


@broken(r'its shape \[99999999, 99999999\] is not one of')
def _(model) -> None:
    model.layers[0]['config']['batch_shape'] = [None, 99999999, 99999999]


@broken('its kernel overflows float32')
def _(model) -> None:
    model.layers[1]['config']['kq_conf']['config'].update(affine=[2.0, 3e38])
    model.arrays['layers/q_dense/kq/quantizer/vars/1'] = np.full((4, 3), 126, np.float32)
    model.arrays['layers/q_dense/kq/quantizer/vars/0'] = np.full((4, 3), 127, np.float32)
    model.arrays['layers/q_dense/vars/0'] = np.full((4, 3), 3e38, np.float32)


@broken('a scale or offset that is no float32 number')
def _(model) -> None:
    model.layers[1]['config']['iq_conf']['config'].update(scaler=1e300)


@broken('must be a number that fits a float')
def _(model) -> None:
    model.layers[1]['config']['iq_conf']['config'].update(scaler=10**400)


@broken('its target_shape .* does not hold the 3 elements')
def _(model) -> None:
    model.add('keras', 'Reshape', 'shape', 'dense', target_shape=[2, -1])


@broken('layers must be a list')
def _(model) -> None:
    model.layers = {'a': 1}


@pytest.mark.parametrize('message', BROKEN)
def test_broken_models(message: str, model_file, tmp_path: Path) -> None:
    BROKEN[message](model_file)
    with pytest.raises(CorruptModel, match=message.removeprefix('weights: ')) as caught:
        load_keras(model_file.write(tmp_path / 'm.keras'))
    assert str(caught.value.location) == str(tmp_path / 'm.keras')


UNSUPPORTED: dict = {
    "activation 'tanh'": lambda model: model.layers[1]['config'].update(activation='tanh'),
    "dtype 'float16'": lambda model: model.layers[1]['config'].update(dtype='float16'),
    'arithmetic on a model input that no quantizer has touched': lambda model: model.layers[1]['config'].update(
        enable_iq=False
    ),
    'arithmetic on a model input that no': lambda model: model.layers[1]['config']['iq_conf']['config'].update(
        q_type='dummy'
    ),
    r'a dynamic input shape \(\?, 3\)': lambda model: model.layers[0]['config'].update(batch_shape=[None, None, 3]),
    'a ragged input': lambda model: model.layers[0]['config'].update(ragged=True),
    "a model of the class 'MyModel'": lambda model: setattr(model, 'class_name', 'MyModel'),
    'a model file of Keras 2': lambda model: model.layers[1].update(inbound_nodes=[[['features', 0, 0, {}]]]),
    'a call with 2 tensors': lambda model: model.layers[1]['inbound_nodes'][0]['args'].append(
        [model.layers[1]['inbound_nodes'][0]['args'][0]]
    ),
    'a call with 2 tensor': lambda model: model.layers[1]['inbound_nodes'][0]['kwargs'].update(
        mask=model.layers[1]['inbound_nodes'][0]['args'][0]
    ),
    "data_format 'channels_first'": lambda model: model.add(
        'keras', 'Flatten', 'flat', 'dense', data_format='channels_first'
    ),
    r'a slope or threshold 0\.1': lambda model: model.add('keras', 'ReLU', 'leaky', 'dense', negative_slope=0.1),
    'an activation of a model input': lambda model: model.add(
        'keras', 'Activation', 'act', 'features', activation='relu'
    ),
    'a model output that no quantizer has touched': lambda model: model.add('keras', 'Flatten', 'flat', 'features'),
    "layer 'rnn' is a QLIF": lambda model: model.add('hgq', 'QLIF', 'rnn', 'dense'),
    r"layer 'mine' is a mine\.QDense": lambda model: model.add('mine', 'QDense', 'mine', 'dense'),
    r"layer 'op' is a keras\.ops\.Erf": lambda model: (
        model.add('keras', 'Erf', 'op', 'dense'),
        model.layers[-1].update(module='keras.src.ops.numpy', registered_name='Erf'),
    ),
    "layer 'code' is a Lambda": lambda model: model.add('keras', 'Lambda', 'code', 'dense', function='4wEAAAA='),
}


@pytest.mark.parametrize('message', UNSUPPORTED)
def test_unsupported_models(message: str, model_file, tmp_path: Path) -> None:
    UNSUPPORTED[message](model_file)
    with pytest.raises(UnsupportedLayer, match=message) as caught:
        load_keras(model_file.write(tmp_path / 'm.keras'))
    assert str(caught.value.location) == str(tmp_path / 'm.keras')


@pytest.mark.parametrize('path', ['model.onxx', 'model', 'model.tar.gz'])
def test_an_unknown_suffix(path: str) -> None:
    with pytest.raises(FrontendError, match='no reader for') as caught:
        load(path)
    assert caught.value.hint == 'known suffixes: .keras, .h5, .onnx, .pt2'


@pytest.mark.parametrize('seed', range(40))
def test_any_change_of_the_configuration_is_a_model_or_our_error(seed: int, model_file, tmp_path: Path) -> None:
    """Replace a random value anywhere in config.json: nothing but a FrontendError comes out."""
    rng = np.random.default_rng(seed)
    strange = [None, -1, 0, 1e300, 'x', [], {}, True, [[[]]], {'class_name': '__keras_tensor__'}]
    places: list = []

    def walk(value) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in items:
            places.append((value, key))
            walk(child)

    walk(model_file.layers)
    for _ in range(2):
        holder, key = places[int(rng.integers(len(places)))]
        holder[key] = strange[int(rng.integers(len(strange)))]
    try:
        program = load_keras(model_file.write(tmp_path / 'm.keras'))
    except FrontendError:
        return
    verify(program)
