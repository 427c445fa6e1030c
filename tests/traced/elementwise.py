"""Cases of functions element by element: arithmetic, comparisons, logic, rounding, bits, division; in place, too."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np

from da4ml_core.trace import leaky_relu, relu
from traced.case import Draw, Expression, case


def unary(function, integer=False, width=6):
    def build(d: Draw) -> Expression:
        d.input(d.shape(), integer, width)
        return function

    return build


def binary(function, integer=False, width=6):
    """Of two inputs, or of an input and a constant on either side, in shapes that broadcast."""

    def build(d: Draw) -> Expression:
        shape = d.shape()
        other = d.partner(shape)
        if d.flag():
            shape, other = other, shape
        d.input(shape, integer, width)
        form = d.integer(0, 2)
        if form == 0:
            d.input(other, integer, width)
            return function
        constant = d.constant(other, integer)
        return (lambda x: function(x, constant)) if form == 1 else lambda x: function(constant, x)

    return build


for ufunc in (
    *(np.negative, np.positive, np.conjugate, np.square, np.absolute, np.fabs, np.sign, np.signbit, np.logical_not),
    *(np.isnan, np.isinf, np.isfinite, np.floor, np.ceil, np.rint, np.trunc, np.fix),
):
    case(ufunc, name=ufunc.__name__)(unary(ufunc))
for function in (np.copy, np.nan_to_num, np.real):
    case(function, name=function.__name__)(unary(function))
case(np.modf, name='modf')(unary(np.modf))
case(relu, name='relu')(unary(lambda x: np.maximum(x, 0)))
for ufunc in (
    *(np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign, np.heaviside),
    *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
    *(np.logical_and, np.logical_or, np.logical_xor),
):
    case(ufunc, name=ufunc.__name__)(binary(ufunc))
    if ufunc.nin == 2:
        case(name=f'{ufunc.__name__}.outer')(binary(ufunc.outer))
for ufunc in (np.bitwise_and, np.bitwise_or, np.bitwise_xor):
    case(ufunc, name=ufunc.__name__)(binary(ufunc, integer=True))
case(np.invert, name='invert')(unary(np.invert, integer=True))
for symbol in ('add', 'sub', 'mul', 'lt', 'le', 'gt', 'ge', 'eq', 'ne'):
    case(name=f'operator {symbol}')(binary(getattr(operator, symbol)))
for symbol in ('and_', 'or_', 'xor'):
    case(name=f'operator {symbol}')(binary(getattr(operator, symbol), integer=True))
for symbol in ('neg', 'pos', 'abs'):
    case(name=f'operator {symbol}')(unary(getattr(operator, symbol)))
case(name='operator invert')(unary(operator.invert, integer=True))


@case(leaky_relu)
def leaky(d: Draw):
    d.input(d.shape())
    slope = d.pick((0.125, 0.5, -0.25, 0.375, 2))
    return lambda x: leaky_relu(x, slope), lambda x: np.where(x < 0, x * slope, x)


@case(np.left_shift, np.right_shift)
def shifts(d: Draw):
    shape = d.input(d.shape(), integer=True)
    amounts = d.constant(d.partner(shape), integer=True, low=0, high=5)
    function = d.pick((np.left_shift, np.right_shift, operator.lshift, operator.rshift))
    return lambda x: function(x, amounts)


@case(np.bitwise_count if hasattr(np, 'bitwise_count') else 'bitwise_count')
def bitwise_count(d: Draw):
    d.input(d.shape(), integer=True, width=9)
    return lambda x: np.bitwise_count(x)


@case(np.ldexp)
def ldexp(d: Draw):
    shape = d.input(d.shape())
    exponents = d.constant(d.partner(shape), integer=True)
    return lambda x: np.ldexp(x, exponents)


@case(np.true_divide)
def true_divide(d: Draw):
    shape = d.input(d.shape())
    other = d.partner(shape)
    divisor = np.ldexp(d.pick((1.0, -1.0)), d.constant(other, integer=True, low=-4, high=4))
    return d.pick((lambda x: x / divisor, lambda x: np.divide(x, divisor)))


def divided(function):
    def build(d: Draw) -> Expression:
        shape = d.input(d.shape())
        divisor = d.nonzero(d.partner(shape))
        return lambda x: function(x, divisor)

    return build


for function in (np.floor_divide, np.remainder, np.fmod, np.divmod):
    case(function, name=function.__name__)(divided(function))
for symbol in ('floordiv', 'mod'):
    case(name=f'operator {symbol}')(divided(getattr(operator, symbol)))
case(name='operator divmod')(divided(divmod))


@case(np.power, np.float_power)
def power(d: Draw):
    shape = d.input(d.shape(most=2), width=5)
    exponents = d.constant(d.partner(shape), integer=True, low=0, high=4)
    if d.flag():
        exponents = np.asarray(exponents).astype(float)
    return d.pick((lambda x: x**exponents, lambda x: np.power(x, exponents), lambda x: np.float_power(x, exponents)))


@case(np.round, np.around)
def round_decimals(d: Draw):
    d.input(d.shape(), width=9)
    decimals = d.pick((0, -1, -2, 4))
    return d.pick((lambda x: np.round(x, decimals), lambda x: x.round(decimals)))


@case(np.clip)
def clip(d: Draw):
    shape = d.input(d.shape())
    low = d.constant(d.partner(shape)) if d.flag() else None
    if d.flag():
        d.input(d.partner(shape))
        return lambda x, high: np.clip(x, low, high)
    high = d.constant() if low is None or d.flag() else None
    return d.pick((lambda x: np.clip(x, low, high), lambda x: x.clip(low, high)))


@case(np.where)
def where(d: Draw):
    shape = d.input(d.shape())
    d.input(d.partner(shape))
    level, constant = d.constant(), d.constant(d.partner(shape))
    mask = d.constant(shape, integer=True, low=0, high=1)
    return d.pick(
        (
            lambda x, y: np.where(x < level, x, y),
            lambda x, y: np.where(x, constant, y),
            lambda x, y: np.where(y > level, x, constant),
            lambda x, y: np.where(mask, x, y),
            lambda x, y: np.where(x == y, x > level, y != level),
            lambda x, y: np.where(~(x <= y), 1, 0),
        )
    )


@case(name='bits of every form')
def bits_of_every_form(d: Draw):
    """Numbers that are 0 or 1, however they came to be."""
    d.input((2,), width=4)
    d.input((2,), signed=True, width=1, integer=True)
    d.input((2,), signed=False, width=1, integer=True)
    make = d.pick(_BITS)
    return lambda x, y, z: np.where(make(x, y, z), x, 7) + np.where(1 - make(x, y, z), 3, x)


_BITS = (
    lambda x, y, z: -np.sign(y),
    lambda x, y, z: np.sign(y) + 1,
    lambda x, y, z: -np.where(x < 0, -1, 0),
    lambda x, y, z: 1 - np.where(x < 1, 1, 0),
    lambda x, y, z: np.where(x < 1, -1, 0) + 1,
    lambda x, y, z: np.where(x < 1, 0.5, 0) * 2,
    lambda x, y, z: np.where(x < 1, 3, 4) - 3,
    lambda x, y, z: 4 - np.where(x < 1, 3, 4),
    lambda x, y, z: np.minimum(abs(z), 1),
    lambda x, y, z: 1 - np.sign(z),
    lambda x, y, z: np.clip(x, 0, 1) - np.clip(np.ceil(x), 0, 1) + 1,
    lambda x, y, z: np.clip(np.floor(x), 2, 3) - 2,
    lambda x, y, z: -np.clip(np.floor(x), -1, 0),
)


@case(np.select)
def select(d: Draw):
    shape = d.input(d.shape())
    d.input(d.partner(shape))
    low, high, default = sorted((d.constant(), d.constant())), d.constant(), d.constant()
    return lambda x, y: np.select([x < low[0], x > low[1], y == high], [x, np.zeros(shape), y + 1], default)


@case(name='truth values')
def truth_values(d: Draw):
    """numpy's bool has an arithmetic of its own."""
    shape = d.input(d.shape())
    d.input(d.partner(shape))
    level, flags = d.constant(), d.constant(shape, integer=True, low=0, high=1) == 1
    first, second = d.pick(_PAIRS), d.pick(_PAIRS)
    function = d.pick(_LOGIC)
    return lambda x, y: function(first(x, y, level, flags), second(y, x, level, flags))


_PAIRS = (
    lambda x, y, level, flags: x < level,
    lambda x, y, level, flags: ~(x >= y),
    lambda x, y, level, flags: (x == level) | (y > x),
    lambda x, y, level, flags: np.logical_not(x),
    lambda x, y, level, flags: (x > y) & flags,
    lambda x, y, level, flags: np.where(x < y, x > level, False),
)
_LOGIC = (
    *(np.add, np.multiply, np.maximum, np.minimum, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_xor),
    *(operator.add, operator.mul, operator.and_, operator.or_, operator.xor, operator.ne, operator.lt),
    lambda a, b: a * 1 - b * 1,
    lambda a, b: a + 2 * b,
    lambda a, b: np.sum(a) + np.sum(b * 3),
    lambda a, b: ~a,
    lambda a, b: np.abs(a) ^ b,
    lambda a, b: np.cumsum(a) + np.count_nonzero(b),
    lambda a, b: np.stack([np.max(a), np.any(b), np.min(b), np.all(a)]),
    lambda a, b: a.ravel()[:1] | b.reshape(-1)[-1:],
    lambda a, b: np.logical_or.reduce(a, axis=None) ^ np.logical_xor.reduce(b, axis=None),
)


@case(name='in place')
def in_place(d: Draw):
    """Augmented assignment changes the array and its views; numbers without axes stay what they were."""
    shape = d.input(d.shape())
    d.input(d.partner(shape))
    apply, constant = d.pick(_IN_PLACE), d.constant(d.partner(shape))
    first = d.flag()

    def expression(x, y):
        same, view = x, x[:1] if len(shape) else x
        other = y if first else constant
        x = apply(x, other)
        if len(shape):
            view += 1
        return same, view, x

    return expression


_IN_PLACE = (operator.iadd, operator.isub, operator.imul, lambda x, y: operator.itruediv(x, 4))
_IN_PLACE += (
    lambda x, y: operator.ifloordiv(x, 3),
    lambda x, y: operator.imod(x, 1.5),
    lambda x, y: operator.ipow(x, 2),
)


@case(name='in place of integers')
def in_place_integers(d: Draw):
    shape = d.input(d.shape(), integer=True)
    d.input(d.partner(shape), integer=True)
    apply = d.pick((operator.iand, operator.ior, operator.ixor))
    shift = d.pick((operator.ilshift, operator.irshift))

    def expression(x, y):
        same = x
        x = apply(x, y)
        x = shift(x, 2)
        return same, x

    return expression


@case(name='out')
def out(d: Draw):
    """Results written into an array, all of them or where a condition holds."""
    shape = d.input(d.shape(least=1))
    d.input(shape)
    ufunc, level = d.pick((np.add, np.multiply, np.maximum, np.subtract)), d.constant()
    masked = d.flag()

    def expression(x, y):
        z = x + 0
        given = ufunc(x, y, out=z, where=x < level) if masked else ufunc(x, y, out=z)
        return z, given is z and z + 1

    return expression


@case(name='fractions as constants')
def fractions(d: Draw):
    """Constants of every type that Python and numpy have for exact numbers."""
    shape = d.input(d.shape())
    number = d.constant()
    typed = d.pick((Fraction(number), np.float32(number), np.float64(number), int(number), np.int8(number), True))
    return lambda x: 2 * x - typed * x + 1, lambda x: 2 * x - float(typed) * x + np.zeros(shape) + 1
