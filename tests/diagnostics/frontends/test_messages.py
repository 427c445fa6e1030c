"""The exact text of each error of the model readers: what happened, where, and what to do."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import pytest

from da4ml_core.errors import FrontendError
from da4ml_core.frontends import load


def layer(class_name: str, name: str, package: str = 'hgq', **config) -> dict:
    call = {'class_name': '__keras_tensor__', 'config': {'keras_history': ['x', 0, 0]}}
    return {
        'module': f'{package}.layers',
        'class_name': class_name,
        'config': {'name': name} | config,
        'inbound_nodes': [] if class_name == 'InputLayer' else [{'args': [call], 'kwargs': {}}],
    }


def write(path: Path, *layers: dict) -> Path:
    config = {
        'class_name': 'Functional',
        'config': {
            'name': 'm',
            'layers': list(layers),
            'input_layers': ['x', 0, 0],
            'output_layers': [layers[-1]['config']['name'], 0, 0],
        },
    }
    weights = io.BytesIO()
    with h5py.File(weights, 'w'):
        pass
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', json.dumps(config))
        archive.writestr('model.weights.h5', weights.getvalue())
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path()


def message(path: Path) -> str:
    with pytest.raises(FrontendError) as caught:
        load(path)
    return str(caught.value)


INPUT = layer('InputLayer', 'x', 'keras', batch_shape=[None, 2])


def test_da1600_no_file(folder: Path) -> None:
    assert message(folder / 'absent.keras') == (
        'error[DA1600]: there is no model file absent.keras\n  --> absent.keras'
    )


def test_da1600_unknown_suffix(folder: Path) -> None:
    assert message(folder / 'model.tflite') == (
        'error[DA1600]: no reader for .tflite\n  --> model.tflite\n  help: known suffixes: .keras, .h5, .onnx, .pt2'
    )


def test_da1600_pickle(folder: Path) -> None:
    assert message(folder / 'model.pt') == (
        'error[DA1600]: .pt files are pickles, which execute code when they are read: they are refused\n'
        '  --> model.pt\n'
        '  help: of torch: torch.export.save(torch.export.export(module, (x,)), "model.pt2"), or a function that makes '
        'the module: python:file.py:function'
    )


@pytest.mark.weak_spot('9.2', 'KeyError for unknown layers')
def test_da1601_layer(folder: Path) -> None:
    path = write(folder / 'm.keras', INPUT, layer('Bidirectional', 'g1'), layer('LSTM', 's'))
    assert message(path) == (
        "error[DA1601]: layer 'g1' is a Bidirectional, which is not supported\n"
        "  --> m.keras (layer 'g1' (Bidirectional))\n"
        "  note: neither is layer 's' (LSTM)\n"
        '  help: supported: QAffinedUnaryFunctionLUT, Identity, QUnaryFunctionLUT, ActivityRegularization, '
        'QLinformerAttention, QMultiHeadAttention, Activation, QLinformerAttentionT, QMultiHeadAttentionT, '
        'RepeatVector, Subtract, QBatchNormalization'
    )


def test_da1601_option(folder: Path) -> None:
    path = write(folder / 'm.keras', INPUT, layer('Flatten', 'f', 'keras', data_format='channels_first'))
    assert message(path) == (
        "error[DA1601]: data_format 'channels_first' is not supported\n"
        "  --> m.keras (layer 'f' (Flatten))\n"
        '  help: supported: channels_last'
    )


def test_da1601_quantizer(folder: Path) -> None:
    conf = {'class_name': 'QuantizerConfig', 'config': {'q_type': 'float'}}
    path = write(folder / 'm.keras', INPUT, layer('Quantizer', 'q', config=conf))
    assert message(path) == (
        "error[DA1601]: q_type 'float' is not supported\n"
        "  --> m.keras (layer 'q' (Quantizer))\n"
        '  help: supported: kif, kbi, dummy'
    )


def test_da1601_dynamic_shape(folder: Path) -> None:
    free = layer('InputLayer', 'x', 'keras', batch_shape=[None, None, 3])
    path = write(folder / 'm.keras', free, layer('Flatten', 'f', 'keras'))
    assert message(path) == (
        'error[DA1601]: a dynamic input shape (?, 3) is not supported\n'
        "  --> m.keras (layer 'x' (InputLayer))\n"
        '  help: supported: a fixed size for every axis but the batch'
    )


def test_da1602_not_a_zip(folder: Path) -> None:
    path = folder / 'm.keras'
    path.write_text('hello')
    assert message(path) == (
        'error[DA1602]: not a whole .keras file: File is not a zip file\n'
        '  --> m.keras\n'
        '  help: a .keras file is a zip archive; this one is cut off, or something else'
    )


def test_da1602_missing_weights(folder: Path) -> None:
    path = write(folder / 'm.keras', INPUT, layer('QDense', 'd', units=3))
    assert message(path) == (
        'error[DA1602]: the weights file has no variables for it (expected at layers/q_dense)\n'
        "  --> m.keras (layer 'd' (QDense))"
    )


def test_da1602_configuration(folder: Path) -> None:
    path = write(folder / 'm.keras', INPUT, layer('QDense', 'd', units='three'))
    assert message(path) == (
        "error[DA1602]: units must be an integer, not 'three'\n"
        '  --> m.keras (config.json.config.layers[1].config.units)'
    )
