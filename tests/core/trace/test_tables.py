"""Functions by tables against numpy in float64, quantized by the definitions; arrays indexed; activations; refusals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.fixed import FixedType, Overflow, Rounding, dyadic, quantize_code
from da4ml_core.interp import predict
from da4ml_core.ir.opcode import Opcode
from da4ml_core.trace import Tracer, leaky_relu, sigmoid, softmax, table, take

CODES = np.arange(-64, 64)


def quantized(number, kind, rounding, overflow):
    return Fraction(quantize_code(*dyadic(float(number)), kind, rounding, overflow)) * Fraction(2) ** -kind.frac_bits


FUNCTIONS = {
    'exp': lambda x: np.exp(x),
    'tanh of a scaled value': lambda x: np.tanh(x * -0.5 + 0.25),
    'sine and more': lambda x: 2 * np.sin(x) - 0.25,
    'reciprocal': lambda x: 3 / (x + 0.0625),
    'composed': lambda x: np.sqrt(np.exp(-x) + 1) ** 3 / 7,
    'logarithm of a magnitude': lambda x: np.log(abs(x) + 1),
    'sigmoid': lambda x: 1 / (1 + np.exp(-x)),
    'comparison': lambda x: np.exp(x) > 1.5,
}


@pytest.mark.parametrize('name', FUNCTIONS)
@settings(deadline=None, max_examples=8)
@given(
    st.builds(FixedType, st.booleans(), st.integers(-1, 4), st.integers(0, 7)),
    st.sampled_from(list(Rounding)),
    st.sampled_from(list(Overflow)),
    st.integers(0, 3),
)
def test_a_function_is_that_of_numpy_quantized(run, name, kind, rounding, overflow, scale):
    function = FUNCTIONS[name]
    tracer = Tracer('table')
    x = tracer.input((2,)).quantize(True, 6 - scale, scale)
    program = tracer.finish(function(x).quantize(*kind, rounding, overflow))
    for code in CODES[:: 1 + scale]:
        data = np.array([code, -code - 1]) / 2.0**scale
        expected = [quantized(number, kind, rounding, overflow) for number in function(data)]
        assert run(program, data)[0].tolist() == expected


def test_constants_have_their_own_functions_and_types(run):
    tracer = Tracer('elements')
    x = tracer.input((1,)).quantize(True, 3, 2)
    weights = np.array([[1.0], [0.3], [-2.5]])
    y = (np.tanh(x) * weights).quantize(True, [[0], [1], [2]], [[7], [5], [4]], 'RND', 'SAT')
    program = tracer.finish(y)
    assert program.output_shapes == ((3, 1),)
    assert len(program.tables) == 3
    for code in range(-32, 32):
        number = code / 4
        expected = [
            [quantized(np.tanh(number) * w, FixedType(True, i, f), Rounding.RND, Overflow.SAT)]
            for (w,), i, f in zip(weights, (0, 1, 2), (7, 5, 4), strict=True)
        ]
        assert run(program, np.array([number]))[0].tolist() == expected


def test_equal_tables_are_stored_once_and_equal_lookups_are_one():
    tracer = Tracer('shared')
    x = tracer.input((3,)).quantize(True, 3, 2)
    y = np.exp(np.concatenate([x, x])).quantize(False, 6, 2, 'RND', 'SAT')
    program = tracer.finish(y)
    assert sum(op.opcode is Opcode.LOOKUP for op in program.ops) == 3
    assert len(program.tables) == 1


def test_any_callable_is_called_with_the_values_of_the_range(run):
    seen = []

    def function(number):
        seen.append(number)
        return math.erf(number) if number < 1 else 0.5

    tracer = Tracer('callable')
    x = tracer.input((2,)).quantize([True, False], [1, 2], 1)
    program = tracer.finish(table(x - 0.5, function, True, 0, 6, 'RND_CONV', 'SAT'))
    assert seen == [*np.arange(-2.5, 1.5, 0.5), *np.arange(-0.5, 3.5, 0.5)]
    kind = FixedType(True, 0, 6)
    for numbers in ((-2, 0), (1.5, 3.5), (0.5, 1)):
        expected = [quantized(function(number - 0.5), kind, Rounding.RND_CONV, Overflow.SAT) for number in numbers]
        assert run(program, np.array(numbers))[0].tolist() == expected


@pytest.mark.parametrize('shape', [(8,), (8, 3), (5, 2, 2)])
def test_an_array_is_indexed_as_in_numpy(run, shape):
    values = np.random.default_rng(2).integers(-20, 20, shape) / 4
    tracer = Tracer('take')
    x = tracer.input((2, 1)).quantize(True, 3, 0)
    index = np.clip(x, -len(values), len(values) - 1)
    program = tracer.finish(take(values, index))
    for code in range(-8, 8):
        data = np.array([[code], [-code - 1]])
        assert np.array_equal(run(program, data)[0], values[np.clip(data, -len(values), len(values) - 1)])


def test_activations(run):
    tracer = Tracer('activations')
    x = tracer.input((4,)).quantize(True, 2, 3)
    program = tracer.finish([sigmoid(x).quantize(False, 0, 8, 'RND', 'SAT'), leaky_relu(x, 0.125), softmax(x)])
    data = np.random.default_rng(4).integers(-32, 32, (50, 4)) / 8
    gate, leaky, soft = predict(program, data)
    assert np.abs(gate - 1 / (1 + np.exp(-data))).max() <= 2**-9 + 2**-8
    assert np.array_equal(leaky, np.where(data < 0, data / 8, data))
    exact = np.exp(data) / np.exp(data).sum(axis=1, keepdims=True)
    assert np.abs(soft - exact).max() < 2**-8
    assert np.array_equal(soft.argmax(axis=1), exact.argmax(axis=1))
    powers = np.floor(np.exp(data - data.max(axis=1, keepdims=True)) * 2**10 + 0.5) / 2**10
    inverse = np.floor(1 / powers.sum(axis=1, keepdims=True) * 2**10 + 0.5) / 2**10
    assert np.array_equal(soft, powers * inverse)


COMPOSED = {
    'SiLU': lambda x: x * (1 / (1 + np.exp(-x))),
    'GELU': lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    'logistic': lambda x: np.exp(x) / (1 + np.exp(x)),
    'mish': lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    'of a magnitude of a difference': lambda x: (x[0] - x[1]) ** 2 * np.exp(-abs(x[0] - x[1])),
    'over its own magnitude': lambda x: x / (1 + abs(x)),
    'ELU': lambda x: np.where(x > 0, x, np.exp(x) - 1),
    'a Huber function': lambda x: np.select([abs(x) < 1], [x * x / 2], abs(x) - 0.5) * np.exp(x / 8),
    'with a comparison': lambda x: 1 * (x > 0) * x + (x <= 0) * (np.exp(x) - 1),
}


@pytest.mark.parametrize('name', COMPOSED)
def test_functions_of_one_value_become_one_table(name):
    expression = COMPOSED[name]
    tracer = Tracer('composed')
    x = tracer.input((2,)).quantize(True, 3, 5)
    program = tracer.finish(expression(x).quantize(True, 7, 9, 'RND_CONV', 'SAT'))
    codes = np.arange(-256, 256)
    data = np.stack([codes, np.random.default_rng(3).permutation(codes)], axis=1) / 32
    expected = np.array([np.clip(np.rint(expression(row) * 2**9), -(2**16), 2**16 - 1) for row in data]) / 2**9
    assert np.array_equal(np.asarray(predict(program, data)).reshape(expected.shape), expected)


@pytest.mark.parametrize('name', ['SiLU', 'GELU', 'logistic', 'mish', 'over its own magnitude', 'ELU'])
def test_a_composed_function_leaves_nothing_but_its_table(name):
    tracer = Tracer('composed')
    x = tracer.input((2,)).quantize(True, 3, 5)
    program = tracer.finish(COMPOSED[name](x).quantize(True, 7, 9, 'RND_CONV', 'SAT'))
    assert [op.opcode for op in program.ops] == [Opcode.INPUT, Opcode.INPUT, Opcode.LOOKUP, Opcode.LOOKUP]
    assert len(program.tables) == 1


def test_a_function_is_that_of_the_array_before_assignments(run):
    tracer = Tracer('assigned')
    x = tracer.input((2,)).quantize(True, 3, 2)
    y = np.exp(x)
    x[:] = 0
    program = tracer.finish(y.quantize(False, 4, 4, 'TRN', 'SAT'))
    assert run(program, np.array([1.0, 0.5]))[0].tolist() == [Fraction(43, 16), Fraction(26, 16)]


@pytest.mark.parametrize(
    ('expression', 'message'),
    [
        (
            lambda x: np.exp(x) + x[::-1],
            'a function of a symbolic array has no exact fixed-point value before it is quantized',
        ),
        (lambda x: x * np.exp(x[0]), 'a function of a symbolic array has no exact fixed-point value'),
        (lambda x: np.exp(x) * np.tanh(x[::-1]), 'a function of a symbolic array has no exact fixed-point value'),
        (lambda x: np.concatenate([np.exp(x), np.exp(x)]), 'a function of a symbolic array has no exact'),
        (lambda x: np.exp(x) @ np.ones(3), 'a function of a symbolic array has no exact fixed-point value'),
        (lambda x: np.log(x).quantize(1, 3, 3), 'the function is nan at -8.0, which no fixed-point type holds'),
        (lambda x: (1 / x).quantize(1, 3, 3), 'the function is inf at 0.0'),
        (lambda x: table(x, math.log, 1, 3, 3), 'the function fails at -8.0: math domain error'),
        (lambda x: table(x, lambda v: 'a', 1, 3, 3), 'the function fails at -8.0: could not convert'),
        (lambda x: np.exp(x[:1] * 2**20 + x[1:2]).quantize(1, 3, 3), 'would pass the limit of 1048576 entries'),
        (lambda x: take([1, 2, 3], x), 'an index between -8 and 7.875 in steps of 0.125 may be outside an axis of 3'),
        (lambda x: take([1, 2, 3], np.floor(x)), 'an index between -8 and 7 in steps of 1 may be outside an axis of 3'),
        (lambda x: take([0.1, Fraction(1, 3)], x > 0), 'is not an integer times a power of two'),
        (lambda x: np.exp(Tracer('t').input((2,))), 'an input that is not quantized'),
    ],
)
def test_refusals_name_the_users_line(expression, message):
    tracer = Tracer('refused')
    x = tracer.input((3,)).quantize(True, 3, 3)
    with pytest.raises((UnsupportedOperation, TraceError)) as caught:
        expression(x)
    assert message in caught.value.message
    assert caught.value.location.path == __file__
