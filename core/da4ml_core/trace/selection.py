"""Choices between values: comparisons, extrema, absolute values and logic, all made of one multiplexer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.ir.opcode import Quantization
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.operands import elements, elementwise
from da4ml_core.trace.variable import Variable, normal_dyadic

ZERO = Variable()
ONE = Variable(constant=(1, 0))


def less(graph: Graph, a: Variable, b: Variable) -> Variable:
    """1 where a < b, else 0; a constant need not be finer than the other's step."""
    if b.is_constant and not a.is_constant:
        b = _on_step(graph, a, b, up=True)
    elif a.is_constant and not b.is_constant:
        a = _on_step(graph, b, a, up=False)
    return graph.select(difference(graph, a, b), ONE, ZERO)


def unequal(graph: Graph, a: Variable, b: Variable) -> Variable:
    """1 where a != b, else 0."""
    a, b = _ordered(a, b)
    return nonzero(graph, difference(graph, a, b))


def negation(bit: Variable) -> Variable:
    """1 - bit."""
    return bit.scaled(0, True).plus((1, 0))


def nonzero(graph: Graph, a: Variable) -> Variable:
    """1 where a is not zero, else 0; a bit is its own."""
    interval = graph.interval(a)
    if interval.exp >= 0 and interval.lo >= 0 and interval.hi << interval.exp <= 1:
        return a
    if interval.lo >= 0:
        return less(graph, ZERO, a)
    return graph.select(a, ONE, less(graph, ZERO, a))


def maximum(graph: Graph, a: Variable, b: Variable) -> Variable:
    """The larger of two; against zero it is a rectified linear unit."""
    if ZERO in (a, b):
        return graph.relu(b if a == ZERO else a)
    a, b = _ordered(a, b)
    return graph.select(difference(graph, a, b), b, a, _bounds(graph, a, b, max))


def minimum(graph: Graph, a: Variable, b: Variable) -> Variable:
    """The smaller of two."""
    a, b = _ordered(a, b)
    return graph.select(difference(graph, a, b), a, b, _bounds(graph, a, b, min))


def absolute(graph: Graph, a: Variable) -> Variable:
    """|a|."""
    interval = graph.interval(a)
    if interval.lo >= 0 or interval.hi <= 0:
        return a if interval.lo >= 0 else a.scaled(0, True)
    shift = graph.pure(a).shift
    value = Variable(graph.pure(a).value)  # |a| is that of the unsigned one
    largest = Interval(0, max(-interval.lo, interval.hi), interval.exp - shift)
    return graph.select(value, value.scaled(0, True), value, largest).scaled(shift)


def sign(graph: Graph, a: Variable) -> Variable:
    """-1, 0 or 1."""
    return graph.select(a, Variable(constant=(-1, 0)), less(graph, ZERO, a))


def heaviside(graph: Graph, a: Variable, at_zero: Variable) -> Variable:
    """0 below zero, 1 above it, and a value of its own at it."""
    return graph.select(a, ZERO, graph.choose(less(graph, ZERO, a), ONE, at_zero))


def copysign(graph: Graph, a: Variable, b: Variable) -> Variable:
    """|a| where b is not negative, else -|a|."""
    magnitude = absolute(graph, a)
    return graph.select(b, magnitude.scaled(0, True), magnitude)


def logical_and(graph: Graph, a: Variable, b: Variable) -> Variable:
    a, b = _ordered(a, b)
    return graph.choose(nonzero(graph, a), nonzero(graph, b), ZERO)


def logical_or(graph: Graph, a: Variable, b: Variable) -> Variable:
    a, b = _ordered(a, b)
    return graph.choose(nonzero(graph, a), ONE, nonzero(graph, b))


def logical_xor(graph: Graph, a: Variable, b: Variable) -> Variable:
    a, b = _ordered(a, b)
    bit = nonzero(graph, b)
    return graph.choose(nonzero(graph, a), negation(bit), bit)


def rounded(rounding: Rounding) -> Callable[[Graph, Variable], Variable]:
    """To integers, in a rounding mode."""

    def to_integer(graph: Graph, a: Variable) -> Variable:
        interval = graph.interval(a)
        kind = FixedType(True, max(interval.width_bits + interval.exp, 0) + 2, 0)
        return graph.quantize(a, Quantization(kind, rounding, Overflow.WRAP))

    return to_integer


def ceil(graph: Graph, a: Variable) -> Variable:
    return rounded(Rounding.TRN)(graph, a.scaled(0, True)).scaled(0, True)


def where(context: Context, condition: Any, x: Any, y: Any) -> ObjectArray:
    """numpy.where with both branches; the condition holds where it is not zero."""
    graph = context.graph
    arrays = [elements(context, operand) for operand in (condition, x, y)]
    return elementwise(lambda bit, a, b: graph.choose(nonzero(graph, bit), a, b), *arrays)


def select(context: Context, condlist: Any, choicelist: Any, default: Any = 0) -> ObjectArray:
    """numpy.select: of each element, the choice of the first condition that holds."""
    if len(condlist) != len(choicelist) or not condlist:
        raise UnsupportedOperation('numpy.select needs as many conditions as choices', location=user_location())
    result = elements(context, default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(context, condition, choice, Elements(context, result))
    return result


def clip(
    context: Context,
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> ObjectArray:
    """numpy.clip; a bound of None is none."""
    result = elements(context, a).copy()
    for bound, function in ((a_min if min is None else min, maximum), (a_max if max is None else max, minimum)):
        if bound is not None:
            result = elementwise(lambda x, y, f=function: f(context.graph, x, y), result, elements(context, bound))
    return result


def difference(graph: Graph, a: Variable, b: Variable) -> Variable:
    """a - b."""
    return graph.add(a, b.scaled(0, True))


def _ordered(a: Variable, b: Variable) -> tuple[Variable, Variable]:
    """The operands of a commutative function, constants last: either order is one operation."""
    return (a, b) if a >= b else (b, a)


def _bounds(graph: Graph, a: Variable, b: Variable, extremum: Callable[[int, int], int]) -> Interval:
    x, y = graph.interval(a), graph.interval(b)
    x = x._replace(exp=y.exp) if x.lo == x.hi == 0 else x
    y = y._replace(exp=x.exp) if y.lo == y.hi == 0 else y
    exp = min(x.exp, y.exp)
    x, y = x.at(exp), y.at(exp)
    return Interval(extremum(x.lo, y.lo), extremum(x.hi, y.hi), exp)


def _on_step(graph: Graph, variable: Variable, constant: Variable, up: bool) -> Variable:
    """The next number, up or down from a constant, that a variable can be."""
    (n, exp), step = constant.constant, graph.interval(variable).exp
    if exp >= step:
        return constant
    code = -(-n >> (step - exp)) if up else n >> (step - exp)
    return Variable(constant=normal_dyadic(code, step))
