import contextlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from onnx_writer import OnnxFile, field

from da4ml_core.errors import CorruptModel, FormatError, FrontendError, UnsupportedLayer
from da4ml_core.fixed import FixedType
from da4ml_core.frontends import load
from da4ml_core.frontends.qonnx_file import DroppedEnding, load_qonnx, parse_type, read_qonnx
from da4ml_core.interp import predict
from da4ml_core.ir.verify import verify
from da4ml_core.trace import SolverOptions

CORE = Path(__file__).parents[3] / 'core'
FAST = SolverOptions(effort='fast')
WEIGHTS = np.array([[1.0, -2.0, 0.5], [0.25, 0.0, -1.0]], dtype=np.float32)


@pytest.fixture
def model() -> OnnxFile:
    return OnnxFile([1, 2])


def samples(*shape: int) -> np.ndarray:
    return (np.random.default_rng(3).integers(-512, 512, (300, *shape)) / 64).astype(np.float32)


def quantized(x, scale, bits, signed=True):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return np.round(np.clip(np.float32(x) / np.float32(scale), low, high)) * np.float32(scale)


def test_the_jet_tagger_has_the_recorded_logits(shared: Path) -> None:
    """The recording holds probabilities; their logarithms are the logits, up to an offset, in steps of 2^-11."""
    folder = shared / 'models' / 'qonnx'
    recorded = np.load(folder / 'jettagging_qkeras_w6a6.io.npz')
    model = read_qonnx(folder / 'jettagging_qkeras_w6a6.onnx', FAST, input_type='fixed<3,23>')
    logits = predict(verify(model.program), recorded['x'])
    logarithms = np.log(recorded['y'].astype(np.float64))
    differences = (logarithms - logarithms[:, :1]) * 2**11
    assert np.abs(differences - np.rint(differences)).max() < 1e-3
    assert np.count_nonzero((logits - logits[:, :1]) * 2**11 != np.rint(differences)) == 0
    assert np.array_equal(logits.argmax(axis=1), recorded['y'].argmax(axis=1))
    assert model.dropped == ('Softmax_0 (Softmax) is dropped: the outputs are its logits, whose order is the same',)


def test_the_digits_of_brevitas_equal_the_recording_in_every_element(shared: Path) -> None:
    folder = shared / 'models' / 'qonnx'
    recorded = np.load(folder / 'mnist_tfc_w2a2.io.npz')
    model = read_qonnx(folder / 'mnist_tfc_w2a2.onnx', FAST, input_type='ufixed<0,8>')
    integers = predict(verify(model.program), recorded['x'])
    assert np.array_equal(model.finish(integers), recorded['y'])
    assert np.array_equal(integers.argmax(axis=1), recorded['y'].argmax(axis=1))
    assert len(model.dropped) == 1


def test_one_product_behind_a_quantized_input(model: OnnxFile, tmp_path: Path) -> None:
    model.add('Add', model.add('MatMul', model.quant('x', 0.25, 4), WEIGHTS), np.array([1, 0.5, -3]))
    program = load(model.write(tmp_path))
    assert (program.name, program.input_shapes, program.output_shapes) == ('hand_made', ((2,),), ((3,),))
    x = samples(2)
    assert np.array_equal(predict(program, x), quantized(x, 0.25, 4) @ WEIGHTS + [1, 0.5, -3])
    assert {op.origin for op in program.ops} <= {'Quant_0 (Quant)', 'MatMul_1 (MatMul)', 'Add_2 (Add)', ''}


def test_thresholds_where_a_quantizer_meets_an_arbitrary_scale(model: OnnxFile, tmp_path: Path) -> None:
    product = model.add('MatMul', model.quant('x', 0.25, 5), WEIGHTS)
    factor, offset = np.array([0.37, -1.3, 2.9], dtype=np.float32), np.array([0.1, -0.7, 0.33], dtype=np.float32)
    shifted = model.add('Add', model.add('Mul', product, factor), offset)
    model.quant(model.add('Relu', shifted), 0.5, 3, signed=0)
    program = load(model.write(tmp_path))
    x = samples(2)
    sums = (quantized(x, 0.25, 5) @ WEIGHTS).astype(np.float32)
    y = np.maximum(sums * factor + offset, np.float32(0))
    assert np.array_equal(predict(program, x), quantized(y, 0.5, 3, signed=False))


def test_batch_normalization_in_the_order_of_the_runtime(model: OnnxFile, tmp_path: Path) -> None:
    scale, bias, mean, variance = np.random.default_rng(5).uniform(0.3, 2, (4, 2)).astype(np.float32)
    model.quant(model.add('BatchNormalization', model.quant('x', 0.5, 6), scale, bias, mean, variance), 0.25, 3)
    slope = scale * (np.float32(1) / np.sqrt(variance + np.float32(1e-5)))
    x = samples(2)
    expected = quantized(quantized(x, 0.5, 6) * slope + (bias - mean * slope), 0.25, 3)
    assert np.array_equal(predict(load(model.write(tmp_path)), x), expected)


def test_bipolar_and_truncated_integers(model: OnnxFile, tmp_path: Path) -> None:
    source = model.quant('x', 0.25, 6)
    signs = model.add('BipolarQuant', source, np.float32(0.5), domain='onnx.brevitas')
    cut = (np.float32(0.25), np.float32(0), np.float32(6), np.float32(4))
    low = model.add('Trunc', source, *cut, domain='finn.custom_op.general', rounding_mode='FLOOR')
    model.add('Concat', signs, low, axis=1)
    x = samples(2)
    q = quantized(x, 0.25, 6)
    expected = np.concatenate([np.where(q >= 0, 0.5, -0.5), np.floor(q / 0.25 / 4) * 0.25], axis=1)
    assert np.array_equal(predict(load(model.write(tmp_path)), x), expected)


def test_shape_arithmetic_is_folded(tmp_path: Path) -> None:
    model = OnnxFile([0, 2, 3])
    batch = model.add('Gather', model.add('Shape', 'x'), np.int64(0), axis=0)
    shape = model.add('Concat', model.add('Unsqueeze', batch, axes=[0]), np.array([-1]), axis=0)
    model.quant(model.add('Reshape', model.add('Transpose', 'x', perm=[0, 2, 1]), shape), 0.5, 4)
    program = load(model.write(tmp_path))
    x = samples(2, 3)
    assert np.array_equal(predict(program, x), quantized(x.transpose(0, 2, 1).reshape(-1, 6), 0.5, 4))


def test_a_scale_that_all_outputs_share_is_left_to_their_reader(model: OnnxFile, tmp_path: Path) -> None:
    product = model.add('MatMul', model.quant('x', 0.25, 4), WEIGHTS)
    model.add('Mul', model.add('Sub', product, np.float32(0.1)), np.float32(0.3))
    path = model.write(tmp_path)
    with pytest.warns(DroppedEnding, match='the last 2 operations, up to Mul_3'):
        load_qonnx(path)
    read, x = read_qonnx(path), samples(2)
    sums = (quantized(x, 0.25, 4) @ WEIGHTS).astype(np.float32)
    assert np.array_equal(predict(read.program, x), sums)
    assert np.array_equal(read.finish(sums), (sums - np.float32(0.1)) * np.float32(0.3))


def test_a_model_that_computes_before_it_quantizes_needs_an_input_type(model: OnnxFile, tmp_path: Path) -> None:
    model.quant(model.add('Mul', 'x', np.float32(3)), 1, 4)
    path = model.write(tmp_path)
    with pytest.raises(UnsupportedLayer, match='it has no fixed-point type') as caught:
        load(path)
    assert "input_type='fixed<3,12>'" in caught.value.hint
    x = samples(2)
    assert np.array_equal(predict(load(path, input_type='fixed<3,6>'), x), quantized(3 * x, 1, 4))
    assert np.array_equal(predict(load(path, input_type=FixedType(True, 3, 6)), x), quantized(3 * x, 1, 4))


def test_input_types() -> None:
    assert parse_type('ufixed<0,8>') == FixedType(False, 0, 8)
    assert parse_type('fixed<-1, 5>') == FixedType(True, -1, 5)
    with pytest.raises(FormatError, match="'int8' is no fixed-point type"):
        parse_type('int8')
    with pytest.raises(FrontendError, match='those of Keras do'):
        load('m.keras', input_type='ufixed<0,8>')


def unknown(model: OnnxFile) -> None:
    model.add('LSTM', model.add('Exp', model.quant('x', 1, 4)), WEIGHTS)


def foreign_quant(model: OnnxFile) -> None:
    model.add('Quant', 'x', np.float32(1), domain='com.example')


def softmax_inside(model: OnnxFile) -> None:
    model.quant(model.add('Softmax', model.quant('x', 1, 4)), 0.5, 4)


def float_weights(model: OnnxFile) -> None:
    model.add('MatMul', model.quant('x', 1, 4), np.random.default_rng(1).normal(0, 1, (2, 3)))


def scaled_product(model: OnnxFile) -> None:
    model.add('MatMul', model.quant(model.quant('x', 1, 4), 0.3, 4), WEIGHTS)


def two_unknowns(model: OnnxFile) -> None:
    model.add('Mul', model.quant('x', 1, 4), model.quant('x', 1, 3))


def unshared_scale(model: OnnxFile) -> None:
    model.add('Mul', model.quant('x', 1, 4), np.array([0.3, 0.4]))


def many_steps(model: OnnxFile) -> None:
    model.quant(model.add('Mul', model.quant('x', 1, 12), np.float32(0.3)), 0.25, 12)


def odd_rounding(model: OnnxFile) -> None:
    model.quant('x', 1, 4, mode='STOCHASTIC')


def half_a_bit(model: OnnxFile) -> None:
    model.quant('x', 1, 2.5)


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (unknown, 'the operation Exp is not supported'),
        (foreign_quant, 'the operation com.example.Quant is not supported'),
        (softmax_inside, 'Softmax in the middle of a model is not supported'),
        (float_weights, 'its weights have .* bits: float32 rounds their sums'),
        (scaled_product, 'numbers that float32 rounds, and no quantizer follows'),
        (two_unknowns, 'Mul of two computed tensors is not supported'),
        (unshared_scale, 'the output is scaled or shifted, element by element'),
        (many_steps, 'has .* steps; at most 255'),
        (odd_rounding, "rounding_mode 'STOCHASTIC' is not supported"),
        (half_a_bit, 'a bit width of 2.5 is not supported'),
    ],
)
def test_what_has_no_exact_translation_is_refused_by_name(build, message: str, model: OnnxFile, tmp_path: Path) -> None:
    build(model)
    with pytest.raises(UnsupportedLayer, match=message) as caught:
        load(model.write(tmp_path))
    assert caught.value.location is not None
    assert caught.value.context.startswith('node ')
    assert caught.value.hint


def test_all_unknown_operations_are_named_at_once(model: OnnxFile, tmp_path: Path) -> None:
    unknown(model)
    with pytest.raises(UnsupportedLayer) as caught:
        load(model.write(tmp_path))
    assert caught.value.notes == ('neither is node LSTM_2 (LSTM)',)


@pytest.mark.parametrize('shape', [[4, 2], [1, 0], []])
def test_shapes_that_are_not_fixed_are_refused(shape: list[int], tmp_path: Path) -> None:
    model = OnnxFile(shape)
    model.quant('x', 1, 4)
    with pytest.raises(UnsupportedLayer, match="input 'x' has the shape"):
        load(model.write(tmp_path))


def wrong_rows(model: OnnxFile) -> None:
    model.add('MatMul', model.quant('x', 1, 4), np.ones((3, 3)))


def not_a_number(model: OnnxFile) -> None:
    model.add('Add', model.quant('x', 1, 4), np.array([1.0, np.nan]))


def no_source(model: OnnxFile) -> None:
    model.add('Relu', 'nowhere')


def negative_scale(model: OnnxFile) -> None:
    model.quant('x', -1, 4)


def by_zero(model: OnnxFile) -> None:
    model.add('Div', model.quant('x', 1, 4), np.float32(0))


def wrong_size(model: OnnxFile) -> None:
    model.add('Reshape', model.quant('x', 1, 4), np.array([1, 5]))


def short_constant(model: OnnxFile) -> None:
    model.quant('x', 1, 4)
    model.constants.append(field(1, 3) + field(2, 1) + field(8, 'short') + field(9, b'1234'))


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (wrong_rows, 'its inputs, of the shapes'),
        (not_a_number, r"'c3' holds nan at \[1\]"),
        (no_source, "its input 'nowhere' is made by no node"),
        (negative_scale, 'its scale is not positive'),
        (by_zero, 'it divides by zero'),
        (wrong_size, 'does not hold the 2 elements'),
        (short_constant, "'short' has 4 bytes"),
    ],
)
def test_corrupt_models(build, message: str, model: OnnxFile, tmp_path: Path) -> None:
    build(model)
    with pytest.raises(CorruptModel, match=message):
        load(model.write(tmp_path))


def test_a_constant_in_another_file_is_not_followed(model: OnnxFile, tmp_path: Path) -> None:
    model.quant('x', 1, 4)
    model.constants.append(field(2, 1) + field(8, 'far') + field(13, b'') + field(14, 1))
    with pytest.raises(UnsupportedLayer, match="constant 'far' is kept in another file"):
        load(model.write(tmp_path))


def test_every_cut_and_every_damaged_byte_is_a_diagnostic_or_a_program(model: OnnxFile, tmp_path: Path) -> None:
    model.add('Add', model.add('MatMul', model.quant('x', 0.25, 4), WEIGHTS), np.array([1, 0.5, -3]))
    data, path = model.data(), tmp_path / 'm.onnx'
    rng = np.random.default_rng(2)
    broken = [data[:size] for size in range(0, len(data), 7)]
    for position in rng.integers(0, len(data), 150):
        broken.append(data[:position] + bytes([int(rng.integers(0, 256))]) + data[position + 1 :])
    for content in broken:
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DroppedEnding)
            with contextlib.suppress(FrontendError):
                verify(load(path))


def test_nothing_but_numpy_is_imported(model: OnnxFile, tmp_path: Path) -> None:
    model.quant('x', 1, 4)
    code = f"""
import sys
from da4ml_core.frontends import load
load({str(model.write(tmp_path))!r})
print(sorted({{'onnx', 'google.protobuf', 'qonnx', 'onnxruntime', 'torch', 'h5py'}} & set(sys.modules)))
"""
    environment = os.environ | {'PYTHONPATH': str(CORE)}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ['[]']
