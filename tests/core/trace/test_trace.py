"""Traced numpy expressions against numpy on exact rationals, and the refusals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core.errors import FormatError, TraceError, UnsupportedOperation
from da4ml_core.fixed import FixedType, Overflow, Rounding, quantize_code
from da4ml_core.ir.opcode import Opcode
from da4ml_core.trace import SolverOptions, Tracer, relu


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(array))


def weights(rng, *shape, bits=4):
    return rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), size=shape) / 4


def sample(rng, shape):
    return rng.integers(-(2**7), 2**7, size=shape) / 8


EXPRESSIONS = {
    'vector @ matrix': ((6,), lambda x, w: x @ w(6, 5)),
    'matrix @ vector': ((6,), lambda x, w: w(5, 6) @ x),
    'matrix @ matrix': ((3, 4), lambda x, w: x @ w(4, 2)),
    'stack @ matrix': ((2, 3, 4), lambda x, w: x @ w(4, 2)),
    'stack @ stack': ((2, 3, 4), lambda x, w: x @ w(2, 4, 2)),
    'dot': ((3, 4), lambda x, w: np.dot(x, w(4, 2))),
    'dot with a stack': ((3, 4), lambda x, w: np.dot(x, w(2, 4, 3))),
    'einsum dense': ((6,), lambda x, w: np.einsum('c,cC->C', x, w(6, 3))),
    'einsum batched': ((2, 3), lambda x, w: np.einsum('bc,bcC->bC', x, w(2, 3, 2))),
    'einsum implicit': ((2, 3), lambda x, w: np.einsum('ij,jk', x, w(3, 2))),
    'einsum ellipsis': ((2, 3), lambda x, w: np.einsum('...j,jk->...k', x, w(3, 2))),
    'einsum summed axes': ((2, 3), lambda x, w: np.einsum('ij,kl->k', x, w(2, 2))),
    'einsum constant first': ((3, 2), lambda x, w: np.einsum('ij,jk->ki', w(2, 3), x)),
    'bias': ((4,), lambda x, w: x + w(4)),
    'scalar': ((4,), lambda x, w: 1.5 - x * 0.75 + 2 * x - x / 4),
    'elementwise product': ((2, 3), lambda x, w: x * w(2, 3) - w(3) * x),
    'broadcast sum': ((2, 3), lambda x, w: x + x[0] - x[:, :1]),
    'same value again': ((3,), lambda x, w: x + x - x / 2 + x),
    'cancelling': ((3,), lambda x, w: (x + x[::-1]) - x - x[::-1]),
    'negation': ((3,), lambda x, w: np.negative(-x) - (-x)),
    'sum': ((2, 3), lambda x, w: np.sum(x)),
    'sum over an axis': ((2, 3), lambda x, w: np.sum(x, axis=1)),
    'sum keeping axes': ((2, 3), lambda x, w: x.sum(axis=0, keepdims=True)),
    'rearranged': ((2, 3), lambda x, w: np.concatenate([x.T.reshape(2, 3), np.flip(x), w(1, 3)])),
    'stacked': ((2, 3), lambda x, w: np.stack([x, np.roll(x, 1)])[:, 0]),
    'relu': ((5,), lambda x, w: np.maximum(x - 3, 0) + np.maximum(0, -x)),
    'products of unknowns': ((2, 3), lambda x, w: x * x[0] - x[:, :1] * (x - 1) * -2),
    'square and power': ((3,), lambda x, w: np.square(x - 2) + x**3 - x**1),
    'matmul of unknowns': ((3, 3), lambda x, w: x @ x.T + x @ (x + 1)),
    'einsum of unknowns': ((2, 3), lambda x, w: np.einsum('ij,kj->ik', x, x[:, ::-1])),
    'dot of unknowns': ((3,), lambda x, w: np.dot(x, x - 1)),
    'inner': ((2, 3), lambda x, w: np.inner(x, w(4, 3))),
    'outer': ((3,), lambda x, w: np.outer(x, w(2, 2)) + np.outer(x, x)[:, :1]),
    'tensordot': ((2, 3, 2), lambda x, w: np.tensordot(x, w(3, 2, 4))),
    'tensordot of axes': ((2, 3), lambda x, w: np.tensordot(x, w(4, 2), axes=([0], [1]))),
    'product of an axis': ((3, 2), lambda x, w: np.prod(x, axis=0)),
    'mean': ((4, 2), lambda x, w: np.mean(x, axis=0) + x.mean()),
    'cumulative sum': ((3, 2), lambda x, w: np.cumsum(x, axis=0) + np.cumsum(x)[-1]),
    'convolve': ((5,), lambda x, w: np.convolve(x, w(3))),
    'convolve same': ((5,), lambda x, w: np.convolve(w(2), x, 'same')),
    'convolve valid': ((3,), lambda x, w: np.convolve(x, w(5), 'valid')),
    'maximum of unknowns': ((2, 4), lambda x, w: np.maximum(x[0], x[1]) - np.minimum(x[0], w(4))),
    'maximum of an axis': ((3, 5), lambda x, w: np.max(x, axis=1, keepdims=True) - x.min(axis=(0, 1))),
    'max pooling': ((4, 4), lambda x, w: x.reshape(2, 2, 2, 2).max(axis=(1, 3))),
    'reduce': ((3, 2), lambda x, w: np.maximum.reduce(x) + np.add.reduce(x, axis=1)[0]),
    'extrema of the same': ((3,), lambda x, w: np.maximum(x, x) + np.maximum(x, x + 1) - np.minimum(-x, x)),
    'absolute': ((5,), lambda x, w: abs(x - 1) + np.abs(-x) - abs(x * 4)),
    'sign': ((5,), lambda x, w: np.sign(x) + np.sign(abs(x) + 1)),
    'clip': ((6,), lambda x, w: np.clip(x, -1.5, 4) + np.clip(x, None, 0) + x.clip(-3, None)),
    'where': ((6,), lambda x, w: np.where(x > 0, x, 2 * x) + np.where(x[0] == x[1], 1, x)),
    'where by a constant': ((3,), lambda x, w: np.where(np.array([True, False, True]), x, -x)),
    'leaky relu': ((6,), lambda x, w: np.where(x < 0, x / 8, x)),
    'comparisons': ((6,), lambda x, w: (x < 1) * 1 + (w(6) >= x) * 2 + (x > x[::-1]) * 4 + (x <= w(6)) * 8),
    'equality': ((2, 3), lambda x, w: (x[0] == x[1]) * 1 + (x != 0.125) * 2),
    'argmax': ((7,), lambda x, w: np.argmax(x) * 8 + np.argmin(x)),
    'argmax of an axis': ((3, 4), lambda x, w: np.argmax(x, axis=0)),
    'rounding': ((6,), lambda x, w: np.floor(x) + 2 * np.ceil(x / 2) - np.floor(x * 0.25)),
    'sort': ((7,), lambda x, w: np.sort(x)),
    'sort of an axis': ((3, 2), lambda x, w: np.sort(x, axis=0)),
    'pad': ((2, 3), lambda x, w: np.pad(x, ((1, 0), (2, 1)))),
    'pad with a constant': ((3,), lambda x, w: np.pad(x, 2, constant_values=1.5)),
    'pad by reflection': ((2, 3), lambda x, w: np.pad(x, ((1, 1), (0, 2)), mode='reflect')),
    'zero matrix': ((4,), lambda x, w: x @ np.zeros((4, 2)) + w(2)),
    'layers': ((6,), lambda x, w: np.maximum(np.maximum(x @ w(6, 5) + w(5), 0) @ w(5, 4) - w(4), 0) @ w(4, 2)),
}


@pytest.mark.parametrize('name', EXPRESSIONS)
@pytest.mark.parametrize('seed', [0, 1])
def test_expression_equals_numpy_on_rationals(run, name, seed):
    shape, expression = EXPRESSIONS[name]
    rng = np.random.default_rng(seed)
    tracer = Tracer('expression')
    x = tracer.input(shape).quantize(True, 4, 3)
    y = expression(x, lambda *s: weights(np.random.default_rng(seed + 7), *s))
    program = tracer.finish(y)
    assert program.output_shapes == (y.shape,)
    for _ in range(5):
        data = sample(rng, shape)
        expected = expression(exact(data), lambda *s: exact(weights(np.random.default_rng(seed + 7), *s)))
        assert np.array_equal(run(program, data)[0], np.asarray(expected))


FORMATS = st.builds(FixedType, st.booleans(), st.integers(-1, 5), st.integers(-2, 5))


@settings(deadline=None, max_examples=150)
@given(
    FORMATS,
    st.sampled_from(list(Rounding)),
    st.sampled_from(list(Overflow)),
    st.booleans(),
    st.integers(-40, 40),
    st.sampled_from([1, -1, 3, -5]),
    st.integers(0, 2**32),
)
def test_quantization_behind_sums_and_relu(run, kind, rounding, overflow, rectify, bias, weight, seed):
    tracer = Tracer('quantized')
    x = tracer.input((2,)).quantize(True, 3, 3)
    total = x[0] * weight - x[1] * 2 + bias / 16
    y = (relu(total) if rectify else total).quantize(*kind, rounding, overflow)
    program = tracer.finish([y, y + 1])
    rng = np.random.default_rng(seed)
    for _ in range(8):
        data = rng.integers(-64, 64, size=2) / 8
        number = Fraction(data[0]) * weight - Fraction(data[1]) * 2 + Fraction(bias, 16)
        number = max(number, Fraction(0)) if rectify else number
        code = quantize_code(int(number * 16), -4, kind, rounding, overflow)
        expected = Fraction(code) * Fraction(2) ** -kind.frac_bits
        outputs = run(program, data)
        assert outputs[0] == expected
        assert outputs[1] == expected + 1


def test_bias_and_rounding_share_one_adder():
    tracer = Tracer('fused')
    x = tracer.input((2,)).quantize(True, 3, 3)
    y = relu(x[0] + x[1] * 2 + 0.625).quantize(False, 4, 1, Rounding.RND, Overflow.WRAP)
    program = tracer.finish(y)
    assert [op.opcode for op in program.ops].count(Opcode.ADD) == 2
    assert [op.opcode for op in program.ops].count(Opcode.QUANTIZE) == 0


def test_equal_expressions_are_one_operation():
    tracer = Tracer('shared')
    x = tracer.input((2,)).quantize(True, 3, 3)
    y = [x[0] + x[1], (x[1] + x[0]) * 2, -x[0] - x[1]]
    program = tracer.finish(y)
    assert program.num_adders == 1


def test_quantizing_to_what_already_fits_is_free():
    tracer = Tracer('free')
    x = tracer.input((1,)).quantize(True, 3, 3)
    program = tracer.finish(x.quantize(True, 5, 6, 'RND_CONV', 'SAT').quantize(True, 3, 3))
    assert [op.opcode for op in program.ops] == [Opcode.INPUT]


def test_inputs_of_no_bits_are_zero():
    tracer = Tracer('narrow')
    x = tracer.input((3,)).quantize([True, False, True], [2, 0, -4], [1, 0, 3], 'RND', 'SAT')
    program = tracer.finish(x @ np.ones((3, 1)))
    assert len(list(program.input_ops())) == 1


def test_origins_name_the_layer_or_the_line():
    tracer = Tracer('labels')
    with tracer.origin('input_layer'):
        x = tracer.input((2,)).quantize(True, 3, 3)
    y = x[0] + x[1]
    program = tracer.finish(y)
    assert program.ops[0].origin == 'input_layer'
    assert program.ops[-1].origin.startswith('test_trace.py:')


def test_external_inputs_must_be_quantized_first():
    tracer = Tracer('external')
    x = tracer.input((3,))
    with pytest.raises(UnsupportedOperation, match='not quantized'):
        x + 1
    with pytest.raises(TraceError, match='never quantized'):
        tracer.finish(x)
    with pytest.raises(FormatError, match='positive integers'):
        tracer.input((3, 0))


def test_huge_constants_and_inputs_stay_exact(run):
    tracer = Tracer('wide', SolverOptions(extra_depth=None))
    x = tracer.input((2,)).quantize(True, 90, 20)
    big = np.array([[2**70 + 1], [-(2**65) + 3]], dtype=object)
    program = tracer.finish(x @ big + 2**100)
    data = np.array([2**80 + 5, -(2**60) - 1], dtype=object)
    assert run(program, data)[0][0] == data[0] * big[0, 0] + data[1] * big[1, 0] + 2**100


LOGIC = {
    'and': lambda x: np.logical_and(x > 0, x[0] < x),
    'or': lambda x: np.logical_or(x > 0, x[0] < x),
    'xor': lambda x: np.logical_xor(x, x[0] > 1),
    'not': lambda x: np.logical_not(x > 1),
    'any': lambda x: np.any(x > 8, axis=0),
    'all': lambda x: np.all(x, axis=0),
    'all of one': lambda x: np.all(x[:1], axis=0),
    'choice by logic': lambda x: np.where(np.logical_not(x > x[0]), x, 0),
}


@pytest.mark.parametrize('name', LOGIC)
def test_logic_equals_numpy_on_booleans(run, name):
    rng = np.random.default_rng(3)
    tracer = Tracer('logic')
    x = tracer.input((4,)).quantize(True, 3, 0)
    program = tracer.finish(LOGIC[name](x))
    for _ in range(20):
        data = rng.integers(-3, 4, size=4) * rng.integers(0, 2)
        assert np.array_equal(run(program, data)[0], np.asarray(LOGIC[name](data)).astype(int))


@pytest.mark.parametrize('function', [np.rint, np.round, np.trunc, np.fix])
def test_rounding_equals_numpy(run, function):
    tracer = Tracer('rounding')
    x = tracer.input((1,)).quantize(True, 3, 3)
    program = tracer.finish(function(x - 0.125))
    for code in range(-64, 64):
        number = np.array([code / 8])
        assert run(program, number)[0][0] == function(number - 0.125)[0]


def test_ranges_follow_choices():
    tracer = Tracer('ranges')
    x = tracer.input((2,)).quantize([True, False], [3, 2], 0)
    y = [abs(x[0]), np.maximum(x[0], x[1]), np.minimum(x[0], x[1]), np.clip(x[0], -2, 5), np.max(x)]
    program = tracer.finish(y)
    bounds = [(interval.lo, interval.hi) for interval in program.output_intervals]
    assert bounds == [(0, 8), (0, 7), (-8, 3), (-2, 5), (0, 7)]


def test_a_comparison_is_the_sign_of_one_difference():
    tracer = Tracer('choice')
    x = tracer.input((2,)).quantize(True, 3, 0)
    program = tracer.finish(np.where(x[0] < x[1], x[0], x[1]))
    assert [op.opcode for op in program.ops] == [Opcode.INPUT, Opcode.INPUT, Opcode.ADD, Opcode.MUX]


COMMUTATIVE = (
    *(np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.equal, np.not_equal),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or, np.logical_xor),
)


@pytest.mark.parametrize('function', COMMUTATIVE, ids=lambda function: function.__name__)
@pytest.mark.parametrize(
    'operands',
    [lambda x: (x[0], 1.0), lambda x: (x[0], x[1]), lambda x: (x[0], 1 - 4 * x[1]), lambda x: (x[0] > 0, x[1] > 0)],
    ids=['constant', 'unknowns', 'scaled', 'truths'],
)
def test_the_order_of_commutative_operands_makes_no_second_operation(function, operands):
    def operations(*orders):
        tracer = Tracer('commutative')
        a, b = operands(tracer.input((2,)).quantize(True, 3, 3))
        return [
            (op.opcode, op.operands, op.attribute)
            for op in tracer.finish([function(*order((a, b))) for order in orders]).ops
        ]

    assert operations(list, reversed) == operations(list)
