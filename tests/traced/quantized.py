"""Cases of quantization in all modes, of values and of functions that only tables compute, by their definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.trace import sigmoid, softmax, table
from traced.case import Draw, case

HALF = Fraction(1, 2)
NEAREST = {  # which of two neighbours a tie goes to
    Rounding.RND: lambda x: math.floor(x) + 1,
    Rounding.RND_MIN_INF: math.floor,
    Rounding.RND_ZERO: lambda x: math.floor(x) if x > 0 else math.ceil(x),
    Rounding.RND_INF: lambda x: math.ceil(x) if x > 0 else math.floor(x),
    Rounding.RND_CONV: round,
}


def rounded(x: Fraction, mode: Rounding) -> int:
    if mode is Rounding.TRN:
        return math.floor(x)
    if mode is Rounding.TRN_ZERO:
        return math.trunc(x)
    return NEAREST[mode](x) if x - math.floor(x) == HALF else math.floor(x + HALF)


def fixed(number: Fraction, kind: FixedType, rounding: Rounding, overflow: Overflow) -> Fraction:
    """A number in a type, as UG1399 describes the modes."""
    if kind.width_bits <= 0:
        return Fraction(0)
    step = Fraction(2) ** -kind.frac_bits
    code = rounded(number / step, rounding)
    low, high = (
        (-(1 << kind.width_bits - 1), (1 << kind.width_bits - 1) - 1)
        if kind.signed
        else (0, (1 << kind.width_bits) - 1)
    )
    if overflow is Overflow.SAT_SYM and kind.signed:
        low = -high
    if overflow is Overflow.WRAP:
        code = (code - low) % (high - low + 1) + low
    elif not low <= code <= high:
        code = 0 if overflow is Overflow.SAT_ZERO else low if code < low else high
    return code * step


def kind_and_modes(d: Draw):
    signed = d.flag()
    width, frac = d.integer(0, 7), d.integer(-4, 8)
    return FixedType(signed, width - signed - frac, frac), d.pick(tuple(Rounding)), d.pick(tuple(Overflow))


def elementwise(array, kind, rounding, overflow):
    array = np.asarray(array)
    result = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        result[place] = fixed(Fraction(array[place]), kind, rounding, overflow)
    return result


@case('quantize', name='quantize')
def quantize(d: Draw):
    shape = d.input(d.shape(most=2), width=9)
    kind, rounding, overflow = kind_and_modes(d)
    weight, bias = d.constant(), d.constant(d.partner(shape))
    before = d.pick(
        (
            lambda x: x,
            lambda x: x * weight + bias,
            lambda x: np.maximum(x * weight + bias, 0),
            lambda x: abs(x) - bias,
            lambda x: -x,
        )
    )
    return (
        lambda x: before(x).quantize(*kind, rounding, overflow),
        lambda x: elementwise(before(x), kind, rounding, overflow),
    )


@case(name='quantize by element')
def quantize_by_element(d: Draw):
    d.input((3,), width=8)
    types = [kind_and_modes(d)[0] for _ in range(3)]
    _, rounding, overflow = kind_and_modes(d)
    signed, int_bits, frac_bits = (list(bits) for bits in zip(*types, strict=True))
    return (
        lambda x: (x / 2).quantize(signed, int_bits, frac_bits, rounding, overflow),
        lambda x: np.concatenate([elementwise(x[n : n + 1] / 2, types[n], rounding, overflow) for n in range(3)]),
    )


FUNCTIONS = (
    *(np.exp, np.exp2, np.expm1, np.cbrt, np.sin, np.cos, np.tan, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh),
    *(np.deg2rad, np.rad2deg, np.sinc),
)


def function_case(function, name: str) -> None:
    @case(function, name=name)
    def build(d: Draw):
        d.input(d.shape(most=1), width=5)
        types = kind_and_modes(d)
        weight, offset = d.pick((1, -0.5, 0.25)), d.pick((0, 1, -0.75))
        return (
            lambda x: (function(x * weight) * 2 + offset).quantize(*types[0], *types[1:]),
            lambda x: elementwise(function(x * weight) * 2 + offset, *types),
        )


for ufunc in FUNCTIONS:
    function_case(ufunc, ufunc.__name__)
for label, composed in {
    'log': lambda x: np.log(abs(x) + 1),
    'log2, log10, log1p': lambda x: np.log2(abs(x) + 1) - 1,
    'sqrt': lambda x: np.sqrt(abs(x)),
    'arcsin': lambda x: np.arcsin(np.clip(x, -1, 1)),
    'arccos': lambda x: np.arccos(np.clip(x, -1, 1)),
    'arctanh': lambda x: np.arctanh(np.clip(x, -0.5, 0.5)),
    'arccosh': lambda x: np.arccosh(abs(x) + 1),
    'log10': lambda x: np.log10(abs(x) + 2),
    'log1p': lambda x: np.log1p(abs(x)),
    'reciprocal': lambda x: np.reciprocal(abs(x) + 0.5),
    'constant over x': lambda x: 3 / (abs(x) + 0.5),
    'negative powers': lambda x: (abs(x) + 0.5) ** -1.5,
    'powers of constants': lambda x: 1.5 ** (x / 8),
    'hypot with a constant': lambda x: np.hypot(x, 1.5),
    'arctan2 with a constant': lambda x: np.arctan2(x, 2.0),
    'over its own magnitude': lambda x: x / (abs(x) + 1),
    'quotients': lambda x: (x + 9) // (abs(x) + 1) + (x + 9) % (x * x + 0.5) - np.fmod(x, abs(x) + 0.75),
    'functions of several forms of one': lambda x: np.arctan2(x, x * x + 1) + np.hypot(x, x + 1),
    'symbolic exponents': lambda x: (abs(x) + 1) ** (x / 4),
    'chosen functions': lambda x: np.where(x > 0, np.log(np.maximum(x, 0.25)), x * 2),
    'chosen where the other is not finite': lambda x: np.where(x > 0, np.log(x), -1),
    'selected functions': lambda x: np.select([x > 1, x > 0], [np.exp(-x), x], np.tanh(x)),
    'clipped functions': lambda x: np.clip(np.sinh(x / 4), -1, None).clip(max=2),
    'interpolated': lambda x: np.interp(np.tanh(x), [-1, 0, 1], [0, 1, 4]),
    'rounded': lambda x: np.round(np.exp(x / 8)) + np.fix(np.sin(x) * 4) - np.nan_to_num(np.cos(x)),
    'moved': lambda x: np.flip(np.sin(x.reshape(-1, 1)).T[0])[::-1][np.newaxis].reshape(x.shape) - x,
}.items():
    function_case(composed, label)


@case(np.interp)
def interpolation(d: Draw):
    d.input(d.shape(most=1), width=5)
    xp, fp = np.unique(d.constant((4,))), d.constant((4,))
    types = kind_and_modes(d)
    return (
        lambda x: np.interp(x, xp, fp[: len(xp)]).quantize(*types[0], *types[1:]),
        lambda x: elementwise(np.interp(x, xp, fp[: len(xp)]), *types),
    )


@case(np.std, np.nanstd)
def standard_deviation(d: Draw):
    d.input((2 ** d.integer(0, 2),), width=4)
    types, function = kind_and_modes(d), d.pick((np.std, np.nanstd))
    return (
        lambda x: function(x).quantize(*types[0], *types[1:]),
        lambda x: elementwise(function(x), *types),
    )


@case(name='euclidean norm')
def euclidean_norm(d: Draw):
    d.input((d.integer(1, 4),), width=4)
    types = kind_and_modes(d)
    return (
        lambda x: np.linalg.norm(x).quantize(*types[0], *types[1:]),
        lambda x: elementwise(np.sqrt(np.sum(x * x)), *types),
    )


@case(table, name='table')
def any_function(d: Draw):
    d.input(d.shape(most=1), width=5)
    types = kind_and_modes(d)

    def function(number):
        return math.erf(number) if number < 1 else number**2

    return (
        lambda x: table(x - 1, function, *types[0], *types[1:]),
        lambda x: elementwise(np.vectorize(function, otypes=[float])(x - 1), *types),
    )


@case(sigmoid, softmax)
def activations(d: Draw):
    size = d.input((d.integer(1, 3),), width=5)[0]
    types = kind_and_modes(d)
    exp_bits, inverse_bits = d.integer(2, 6), d.integer(2, 6)
    exp_kind, inverse_kind = FixedType(False, 1, exp_bits), FixedType(False, 1, inverse_bits)

    def reference(x):
        powers = elementwise(np.exp(x - x.max()), exp_kind, Rounding.RND, Overflow.SAT)
        inverse = fixed(Fraction(1 / max(float(powers.sum()), 1.0)), inverse_kind, Rounding.RND, Overflow.SAT)
        return elementwise(1 / (1 + np.exp(-x)), *types), powers * inverse

    del size
    return (
        lambda x: (
            sigmoid(x).quantize(*types[0], *types[1:]),
            softmax(x, exp_frac_bits=exp_bits, inverse_frac_bits=inverse_bits),
        ),
        reference,
    )
