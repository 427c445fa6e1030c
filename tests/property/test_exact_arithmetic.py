"""Random programs of values and constants of any size against Python's Fractions, in both interpreters."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from traced.quantized import fixed

from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.interp.batch import executable
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.verify import verify
from da4ml_core.trace import SolverOptions, Tracer

SAMPLES = 6
WIDEST = 1500  # of what is computed with
WIDEST_FACTOR = 300
Numbers = list[Fraction]


def drawn_constant(rng: random.Random) -> Fraction:
    number = rng.choice(
        [rng.randrange(-9, 10), rng.randrange(-(2**70), 2**70), rng.getrandbits(200) - 2**199, 1 << rng.randrange(210)]
    )
    return number * Fraction(2) ** rng.choice([0, -1, -3, 5, -60, -200, 100])


def spelled(rng: random.Random, number: Fraction):
    """A number as an int, a float, a longdouble or an array where these hold it, or as the Fraction that it is."""
    forms = [number, np.array(number, dtype=object)]
    if number.denominator == 1:
        forms += [int(number), [int(number)]]
    if Fraction(float(number)) == number:
        forms += [float(number), np.longdouble(float(number))]
    return rng.choice(forms)


def drawn_type(rng: random.Random, widths) -> FixedType:
    width, signed = rng.choice(widths), rng.random() < 0.6
    frac = rng.choice([0, 0, 3, -2, width // 2, 60, -70])
    return FixedType(signed and width > 0, width - (signed and width > 0) - frac, frac)


def each(function: Callable[..., int | Fraction], *columns: Numbers) -> Numbers:
    return [Fraction(function(*row)) for row in zip(*columns, strict=True)]


def quantized(rng, a, left):
    kind = drawn_type(rng, range(40))
    modes = rng.choice(list(Rounding)), rng.choice(list(Overflow))
    return a.quantize(*kind, *modes), each(lambda p: fixed(p, kind, *modes), left)


def of_bits(rng, a, left, b, right):
    step = Fraction(2) ** min(array.intervals()[0].exp for array in (a, b))
    function = rng.choice([int.__and__, int.__or__, int.__xor__])
    numpys = {int.__and__: np.bitwise_and, int.__or__: np.bitwise_or, int.__xor__: np.bitwise_xor}[function]
    return numpys(a, b), each(lambda p, q: function(int(p / step), int(q / step)) * step, left, right)


def product_of_matrix(rng, a, left, b, right):
    weights = [[drawn_constant(rng), drawn_constant(rng)] for _ in range(2)]
    both = np.stack([a, b]) @ np.array(weights, dtype=object)
    (w, x), (y, z) = weights
    return both[0] - both[1], each(lambda p, q: p * (w - x) + q * (y - z), left, right)


def step(rng: random.Random, values):
    """One more value of the program, and the Fractions that it is to be in each sample."""
    (a, left), (b, right), (c, other) = (rng.choice(values) for _ in range(3))
    number = drawn_constant(rng)
    constant, widest = spelled(rng, number), max(array.intervals()[0].width_bits for array in (a, b, c))
    constant = constant[0] if isinstance(constant, list) else constant
    form = rng.randrange(28)
    if widest > WIDEST or (form < 5 and (widest > WIDEST_FACTOR or not number)):
        return None
    return [
        lambda: (a * b, each(lambda p, q: p * q, left, right)),
        lambda: (a * a, each(lambda p: p * p, left)),
        lambda: (a**3, each(lambda p: p**3, left)),
        lambda: (a % constant, each(lambda p: p % number, left)),
        lambda: (a // constant, each(lambda p: p // number, left)),
        lambda: (a + b, each(lambda p, q: p + q, left, right)),
        lambda: (a - b, each(lambda p, q: p - q, left, right)),
        lambda: (a * 3 - a - a - a, each(lambda p: 0, left)),
        lambda: (2 * a - a, left),
        lambda: (constant * a, each(lambda p: p * number, left)),
        lambda: (a + constant, each(lambda p: p + number, left)),
        lambda: (constant - a, each(lambda p: number - p, left)),
        lambda: (np.maximum(a, b), each(max, left, right)),
        lambda: (np.minimum(a, constant), each(lambda p: min(p, number), left)),
        lambda: (np.clip(a, -abs(number), abs(number)), each(lambda p: min(max(p, -abs(number)), abs(number)), left)),
        lambda: (np.where(a > b, b, c), each(lambda p, q, r: q if p > q else r, left, right, other)),
        lambda: (np.where(a <= constant, b, c), each(lambda p, q, r: q if p <= number else r, left, right, other)),
        lambda: (abs(a), each(abs, left)),
        lambda: (np.sign(a), each(lambda p: (p > 0) - (p < 0), left)),
        lambda: (1 * (a < constant) + (a == b), each(lambda p, q: (p < number) + (p == q), left, right)),
        lambda: (a << 67, each(lambda p: p * 2**67, left)),
        lambda: (np.floor(a), each(math.floor, left)),
        lambda: (np.ceil(a) - np.rint(a), each(lambda p: math.ceil(p) - round(p), left)),
        lambda: (np.sum(np.stack([a, b, c, a])), each(lambda p, q, r: p + q + r + p, left, right, other)),
        lambda: product_of_matrix(rng, a, left, b, right),
        lambda: of_bits(rng, a, left, b, right),
        lambda: quantized(rng, a, left),
        lambda: quantized(rng, a - b, each(lambda p, q: p - q, left, right)),
    ][form]()


def check(seed: int) -> int:
    """How many numbers of a random program are right."""
    rng = random.Random(seed)
    widths = [0, 1, 2, 8, 16, 31, 33, 63, 64, 65, 100, 200] if seed % 2 else range(12)
    kinds = [drawn_type(rng, widths) for _ in range(rng.randrange(1, 5))]
    codes = [
        [rng.choice([low, high, rng.randint(low, high)]) for low, high, _ in (k.interval for k in kinds)]
        for _ in range(SAMPLES)
    ]
    tracer = Tracer('exact', solver=SolverOptions(effort='fast'))
    x = tracer.input((len(kinds),))
    values = [
        (x[place].quantize(*kind), [row[place] * Fraction(2) ** kind.interval.exp for row in codes])
        for place, kind in enumerate(kinds)
    ]
    for _ in range(rng.randrange(3, 14)):
        made = step(rng, values)
        values += [made] if made else []
    outputs = values[-5:]
    program = verify(tracer.finish([array for array, _ in outputs]))
    ports = [port.position for _, port in program.input_ops()]
    samples = [[row[position] for position in ports] for row in codes]
    fast = executable(program).run_codes(_array(samples)) if ports else [None] * SAMPLES
    for sample, (row, found) in enumerate(zip(samples, fast, strict=True)):
        results = evaluate(program, row)
        assert found is None or [int(code) for code in found] == results
        for code, interval, (_, numbers) in zip(results, program.output_intervals, outputs, strict=True):
            assert code * Fraction(2) ** interval.exp == numbers[sample]
            assert interval.lo <= code <= interval.hi
    return SAMPLES * len(outputs)


def _array(samples):
    wide = any(abs(code) >> 62 for row in samples for code in row)
    return np.array(samples, dtype=object if wide else np.int64)


def test_numbers_of_any_size_are_exact():
    for seed in range(100):
        check(seed)


@pytest.mark.slow
def test_fifty_thousand_numbers_of_any_size_are_exact():
    total = seed = 0
    while total < 50_000:
        total += check(1000 + seed)
        seed += 1


CONSTANTS = {
    'an integer of 2001 bits': (2**2000 + 1, 2**2000 + 1),
    'the least float': (5e-324, Fraction(5e-324)),
    'the greatest float': (1.7976931348623157e308, Fraction(1.7976931348623157e308)),
    'a longdouble of 61 bits': (np.longdouble(1) + np.longdouble(2) ** -60, 1 + Fraction(1, 2**60)),
    'a float16': (np.float16(0.1), Fraction(float(np.float16(0.1)))),
    'an unsigned integer of 64 bits': (np.uint64(2**64 - 1), 2**64 - 1),
    'a list of an integer of 61 bits and a fraction': ([2**60 + 1, 0.5], 2**60 + 1),
    'a list of integers that numpy has no type for': ([2**63 + 1, -1], 2**63 + 1),
    'an object array of numpy numbers': (np.array([np.uint64(2**64 - 1)], dtype=object), 2**64 - 1),
    'a list of longer integers': ([2**70 + 1, 1], 2**70 + 1),
}


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason='longdouble is float64 here')
@pytest.mark.parametrize('name', CONSTANTS)
def test_constants_keep_every_bit(name):
    constant, number = CONSTANTS[name]
    tracer = Tracer('constants', solver=SolverOptions(effort='fast'))
    x = tracer.input((1,)).quantize(True, 3, 3)
    column = np.reshape(np.array(constant, dtype=object), (-1, 1))[:1]
    results = [x * constant, constant - x, np.maximum(constant, x), np.outer(constant, x), x @ column, x // constant]
    program = tracer.finish([result.reshape(-1)[0] for result in results])
    for code in (-64, -1, 0, 5, 63):
        value = Fraction(code, 8)
        expected = [value * number, number - value, max(value, number), value * number, value * number, value // number]
        found = evaluate(program, [code])
        exponents = [interval.exp for interval in program.output_intervals]
        assert [code * Fraction(2) ** exp for code, exp in zip(found, exponents, strict=True)] == expected
