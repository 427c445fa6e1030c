"""Division by constants: quotients that are whole numbers, and what remains, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType, Interval, Rounding, dyadic
from da4ml_core.ir.opcode import Quantization
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, SolverOptions, exact_matrix, multiply_variables
from da4ml_core.trace.operands import elements, elementwise
from da4ml_core.trace.products import multiply
from da4ml_core.trace.selection import absolute, rounded
from da4ml_core.trace.variable import Variable


def divide(context: Context, a: Any, b: Any) -> ObjectArray:
    """a / b; refused where 1 / b is no integer times a power of two."""
    divisors = _divisors(b)
    inverse = np.empty(divisors.shape, dtype=object)
    for place, number in enumerate(divisors.flat):
        inverse.reshape(-1)[place] = 1 / number
    return multiply(context, a, exact_matrix(inverse))


def floor_divide(context: Context, a: Any, b: Any) -> ObjectArray:
    """a // b: the quotient rounded towards minus infinity."""
    graph, solver = context.graph, context.solver
    return elementwise(lambda x, y: _floor(graph, solver, x, y), elements(context, a), _divisors(b))


def remainder(context: Context, a: Any, b: Any) -> ObjectArray:
    """a % b, which has the sign of b."""
    return _remains(context, a, b, floor_divide(context, a, b))


def divmod_(context: Context, a: Any, b: Any) -> tuple[ObjectArray, ObjectArray]:
    quotients = floor_divide(context, a, b)
    return quotients, _remains(context, a, b, quotients)


def fmod(context: Context, a: Any, b: Any) -> ObjectArray:
    """What remains of a quotient rounded towards zero: it has the sign of a."""
    graph = context.graph
    source = elements(context, a)
    magnitudes = elementwise(lambda x: absolute(graph, x), source)
    remains = remainder(context, Elements(context, magnitudes), abs(_divisors(b)))
    return elementwise(lambda x, y: graph.select(x, y.scaled(0, True), y), source, remains)


def modf(context: Context, a: Any) -> tuple[ObjectArray, ObjectArray]:
    """The fraction and the integer, both with the sign of a."""
    source = elements(context, a)
    whole = elementwise(lambda x: rounded(Rounding.TRN_ZERO)(context.graph, x), source)
    return elementwise(lambda x, y: context.graph.add(x, y.scaled(0, True)), source, whole), whole


def _remains(context: Context, a: Any, b: Any, quotients: ObjectArray) -> ObjectArray:
    multiples = multiply(context, Elements(context, quotients), b)
    graph = context.graph
    return elementwise(lambda x, m, y: _rest(graph, x, m, y), elements(context, a), multiples, _divisors(b))


def _rest(graph: Graph, x: Variable, multiple: Variable, divisor: Fraction) -> Variable:
    """What x is more than a multiple of the divisor: less than that, so that it has no higher bits."""
    if divisor < 0:
        return _rest(graph, x.scaled(0, True), multiple.scaled(0, True), -divisor).scaled(0, True)
    numerator, denominator = divisor.as_integer_ratio()
    is_power = not (numerator & (numerator - 1) or denominator & (denominator - 1))
    rest = x if is_power else graph.add(x, multiple.scaled(0, True))  # of a power of two, the low bits are the rest
    exp = graph.interval(rest).exp
    largest = -(-divisor // Fraction(2) ** exp) - 1
    return graph.quantize(rest, Quantization(FixedType.holding(Interval(0, largest, exp))))


def _divisors(b: Any) -> ObjectArray:
    if isinstance(b, Elements):
        raise UnsupportedOperation(
            'division by a symbolic value cannot be traced',
            location=user_location(),
            hint='multiply by the quantized reciprocal, (1 / y).quantize(...)',
        )
    divisors = exact_matrix(b)
    if not all(divisors.flat):
        raise UnsupportedOperation('division by zero', location=user_location())
    return divisors


def _floor(graph: Graph, solver: SolverOptions, x: Variable, divisor: Fraction) -> Variable:
    """floor(x / divisor), by a reciprocal of as many bits as the range of x needs (Granlund, Montgomery).

    A whole number of divisors makes x at least 0 first, so that the reciprocal, a little too large, never misleads.
    """
    to_integer = rounded(Rounding.TRN)
    inverse = 1 / divisor
    if inverse.denominator & (inverse.denominator - 1) == 0:
        return to_integer(graph, multiply_variables(graph, solver, x, Variable(constant=dyadic(inverse))))
    if divisor < 0:
        x, divisor = x.scaled(0, True), -divisor
    lo, hi, exp = graph.interval(x)
    whole = lo * Fraction(2) ** exp // divisor
    x = x.plus(dyadic(-whole * divisor))
    step = min(Fraction(2) ** exp, Fraction(1, divisor.denominator))  # of x and of the divisor
    largest, parts = int((hi * Fraction(2) ** exp - whole * divisor) / step), int(divisor / step)
    bits = 0
    while largest * (-(1 << bits) % parts) >= 1 << bits:
        bits += 1
    reciprocal = Fraction(-(-(1 << bits) // parts), 1 << bits) / step
    product = multiply_variables(graph, solver, x, Variable(constant=dyadic(reciprocal)))
    return to_integer(graph, product).plus((whole, 0))
