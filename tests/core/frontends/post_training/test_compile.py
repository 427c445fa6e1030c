"""Float models become programs that equal float64 arithmetic with the same formats, and stay near the float model."""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx_writer import OnnxFile

from da4ml_core.errors import FormatError, FrontendError, UnsupportedLayer
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.frontends import load
from da4ml_core.frontends.post_training import Quantization, quantize_model, read_float_model
from da4ml_core.frontends.post_training.float_graph import simplified
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions

CONFIGS = Path(__file__).parents[4] / 'configs' / 'float_digits'
FAST = SolverOptions(extra_depth=2, effort='fast')


@pytest.fixture(scope='module')
def digits():
    with np.load(CONFIGS / 'digits_float.npz') as data:
        return dict(data)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def check_exact(model, *inputs):
    """The program against float64 arithmetic with the same rounded weights and formats."""
    got = np.asarray(predict(model.program, inputs[0])).reshape(len(inputs[0]), -1)
    expected = model.quantized.evaluate(*inputs)[0].reshape(len(got), -1)
    assert np.array_equal(got, expected)
    return got


def test_the_float_model_is_that_of_keras(digits):
    graph = read_float_model(CONFIGS / 'digits_float.keras')
    (logits,) = graph.evaluate(digits['x'].astype(np.float64))
    np.testing.assert_allclose(softmax(logits), digits['keras_y'], atol=2e-6)
    (folded,) = simplified(graph).evaluate(digits['x'].astype(np.float64))
    np.testing.assert_allclose(folded, logits, atol=1e-10)
    assert len(simplified(graph).nodes) == 5  # three products, two rectifiers: every normalization is folded
    assert graph.dropped == ('the softmax of digit (Dense) is dropped: the outputs are its logits',)


def test_more_bits_are_more_accurate_and_dearer(digits):
    accuracy, adders, error = [], [], []
    for bits in (3, 5, 8):
        settings = Quantization(weight_bits=bits, activation_bits=bits)
        model = quantize_model(CONFIGS / 'digits_float.keras', digits['calibration'], settings, FAST)
        y = check_exact(model, digits['x'])
        accuracy.append(float(np.mean(y.argmax(axis=1) == digits['y'])))
        error.append(float(np.square(y - model.float_predict(digits['x'])).mean()))
        adders.append(model.program.num_adders)
    assert accuracy[0] > 0.92
    assert min(accuracy[1:]) > 0.97
    assert error == sorted(error, reverse=True)
    assert adders == sorted(adders)


@pytest.mark.parametrize(
    'changes',
    [
        {'weight_scale': 'tensor', 'activation_scale': 'channel', 'range': 'max'},
        {'overflow': Overflow.WRAP, 'rounding': Rounding.TRN},
        {'overflow': Overflow.SAT_SYM, 'rounding': Rounding.RND_CONV, 'bias_bits': 6, 'output_bits': 7},
        {'fold_batchnorm': False, 'correct_bias': False, 'input_bits': 3},
        {'layers': {'hidden1': {'weight_bits': 3}, 'relu1': {'activation_bits': 4}, 'digit': {'bias_bits': 4}}},
    ],
)
def test_settings(digits, changes):
    settings = replace(Quantization(weight_bits=5, activation_bits=6), **changes)
    model = quantize_model(CONFIGS / 'digits_float.keras', digits['calibration'], settings, FAST)
    y = check_exact(model, digits['x'][:100])
    agree = y.argmax(axis=1) == model.float_predict(digits['x'][:100]).argmax(axis=1)
    assert agree.mean() > 0.9
    if 'layers' in changes:
        assert {item.name: item.weight_bits for item in model.report}['relu1'] is not None
        assert str(model.quantized.formats['relu1:1'].bits) == '4'
        kernel = model.quantized.graph.nodes[0].operation.kernel
        steps = np.ldexp(kernel, -np.frexp(np.abs(kernel).max(axis=0))[1] + 2)
        assert np.array_equal(steps, np.rint(steps))


def test_the_same_network_of_keras_and_onnx_becomes_the_same_program(shared):
    x = np.random.default_rng(1).normal(size=(300, 16))
    settings = Quantization(weight_bits=4, activation_bits=5)
    models = [
        quantize_model(shared / 'models' / 'float' / name, x, settings, FAST)
        for name in ('KERAS_3layer.json', 'jettagging_float.onnx')
    ]
    outputs = [check_exact(model, x) for model in models]
    assert np.array_equal(*outputs)
    assert models[0].program.num_adders == models[1].program.num_adders


def onnx_cnn(folder: Path, rng) -> Path:
    """Convolution, normalization, ReLU, both poolings, a residual sum, concatenation, dense with sigmoid."""
    model = OnnxFile([0, 2, 8, 8])
    weights = rng.normal(0, 0.4, (4, 2, 3, 3)).astype(np.float32)
    x = model.add('Conv', 'x', weights, rng.normal(size=4).astype(np.float32), pads=[1, 1, 1, 1])
    moments = [rng.uniform(0.5, 1.5, 4).astype(np.float32) for _ in range(4)]
    x = model.add('Relu', model.add('BatchNormalization', x, *moments))
    pooled = model.add('MaxPool', x, kernel_shape=[2, 2], strides=[2, 2])
    inner = rng.normal(0, 0.3, (4, 4, 3, 3)).astype(np.float32)
    y = model.add('Conv', pooled, inner, pads=[0, 1, 2, 1], strides=[1, 1])
    y = model.add('Relu', model.add('Add', y, pooled))
    means = model.add('AveragePool', y, kernel_shape=[3, 3], strides=[1, 1])
    joined = model.add('Concat', model.add('Flatten', means), model.add('Reshape', pooled, np.array([0, -1])), axis=1)
    size = 4 * 2 * 2 + 4 * 4 * 4
    dense = rng.normal(0, 0.2, (size, 5)).astype(np.float32)
    hidden = model.add('Sigmoid', model.add('Add', model.add('MatMul', joined, dense), np.float32([1, 0, -1, 2, 0])))
    model.add('Gemm', hidden, rng.normal(size=(3, 5)).astype(np.float32), transB=1)
    return model.write(folder)


def test_a_convolutional_network_of_onnx(tmp_path):
    rng = np.random.default_rng(5)
    path = onnx_cnn(tmp_path, rng)
    x = rng.normal(size=(60, 2, 8, 8))
    model = quantize_model(path, x, Quantization(weight_bits=7, activation_bits=8), FAST)
    y = check_exact(model, x)
    truth = model.float_predict(x)
    assert np.square(y - truth).mean() < 1e-3 * np.square(truth).mean()


def test_errors_say_what_is_wrong(tmp_path, shared, digits):
    source = CONFIGS / 'digits_float.keras'
    with pytest.raises(FrontendError, match='no quantizers') as caught:
        load(source)
    assert 'section `quantization`' in str(caught.value)
    with pytest.raises(UnsupportedLayer, match='no quantizers'):
        load(shared / 'models' / 'float' / 'jettagging_float.onnx')
    with pytest.raises(FrontendError, match=r'samples of shape \(3,\)'):
        quantize_model(source, np.zeros((4, 3)))
    with pytest.raises(FrontendError, match='not finite'):
        quantize_model(source, np.full((4, 64), np.nan))
    with pytest.raises(FrontendError, match='2 arrays'):
        quantize_model(source, [np.zeros((4, 64))] * 2)
    with pytest.raises(FrontendError, match='no layer') as caught:
        quantize_model(source, digits['x'], Quantization(layers={'hiden1': {'weight_bits': 3}}))
    assert "did you mean 'hidden1'" in str(caught.value)
    for bad in ({'weight_bits': 1}, {'range': 'all'}, {'layers': {'digit': {'overflow': 3}}}, {'output_bits': 99}):
        with pytest.raises(FormatError):
            quantize_model(source, digits['x'], Quantization(**bad))
    with pytest.raises(UnsupportedLayer, match='is not supported in a float model') as caught:
        read_float_model(shared / 'models' / 'qonnx' / 'jettagging_qkeras_w6a6.onnx')
    assert 'quantizers of its own' in str(caught.value)
    with pytest.raises(FrontendError, match='no reader of float models'):
        read_float_model(tmp_path / 'model.tflite')
    shutil.copy(shared / 'models' / 'float' / 'KERAS_3layer.json', tmp_path / 'alone.json')
    with pytest.raises(FrontendError, match='without its weights'):
        read_float_model(tmp_path / 'alone.json')


def test_a_lambda_layer_is_refused(tmp_path):
    """Code in a model file is never executed."""
    target = tmp_path / 'm.keras'
    with zipfile.ZipFile(CONFIGS / 'digits_float.keras') as source, zipfile.ZipFile(target, 'w') as made:
        for name in source.namelist():
            data = source.read(name)
            if name == 'config.json':
                config = json.load(io.BytesIO(data))
                config['config']['layers'][3]['class_name'] = 'Lambda'
                data = json.dumps(config).encode()
            made.writestr(name, data)
    with pytest.raises(UnsupportedLayer, match='Lambda'):
        read_float_model(target)
