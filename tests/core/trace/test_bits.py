"""Functions of bits against numpy on integers, and on the codes of fractions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core.trace import Tracer

EXPRESSIONS = {
    'and': lambda x, y: x & y,
    'or': lambda x, y: x | y,
    'xor': lambda x, y: x ^ y,
    'constants': lambda x, y: (x & 6) + (5 | y) * 64 - (x ^ -3),
    'invert': lambda x, y: ~x + 2 * ~(y * 4),
    'of sums': lambda x, y: (x - y) & ~(x + y + 1),
    'scaled alike': lambda x, y: (x * 4) ^ (y * 8),
    'same': lambda x, y: (x & x) + (y | y) + (x ^ x) + (x & 0) + (y | 0),
    'shifts': lambda x, y: (x << 3) + (y >> 1) - (x >> 9) + ((x << 2) >> 1),
    'shifts by arrays': lambda x, y: (x << np.array([0, 1, 2])) - (y >> np.array([2, 0, 1])),
    'reduced': lambda x, y: np.bitwise_or.reduce(x) + 2 * np.bitwise_and.reduce(y) + np.bitwise_xor.reduce(x),
    'truth values': lambda x, y: ((x > y) & ~(x == 3)) * 1 + 2 * ((x < 0) | (y > 2)),
}


@pytest.mark.parametrize('name', EXPRESSIONS)
@settings(deadline=None, max_examples=25)
@given(st.booleans(), st.booleans(), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32))
def test_bits_are_those_of_numpy_integers(run, name, x_signed, y_signed, x_bits, y_bits, seed):
    expression = EXPRESSIONS[name]
    rng = np.random.default_rng(seed)
    tracer = Tracer('bits')
    x = tracer.input((3,)).quantize(x_signed, x_bits, 0)
    y = tracer.input((3,)).quantize(y_signed, y_bits, 0)
    program = tracer.finish(expression(x, y))
    for _ in range(6):
        a = rng.integers(-(2**x_bits) if x_signed else 0, 2**x_bits, 3)
        b = rng.integers(-(2**y_bits) if y_signed else 0, 2**y_bits, 3)
        assert np.array_equal(run(program, a, b)[0], expression(a, b))


def test_bits_of_fractions_are_those_of_their_codes(run):
    tracer = Tracer('codes')
    x, y = tracer.input((2,)).quantize(True, 3, [2, 4])
    program = tracer.finish([x & y, x | y, x ^ y, ~x, y >> 1, y << 1])
    for code in range(-32, 32):
        a, b = code * 4, (code * 37 + 11) % 256 - 128
        results = [results[()] * 16 for results in run(program, np.array([a, b]) / 16)]
        assert results == [a & b, a | b, a ^ b, -a - 4, b >> 1, b << 1]
