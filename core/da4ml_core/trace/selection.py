"""Choices between values: comparisons, extrema, absolute values and logic, all made of one multiplexer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.ir.opcode import Quantization
from da4ml_core.trace.context import Context
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.operands import Handler, elements, elementwise
from da4ml_core.trace.reductions import tree
from da4ml_core.trace.variable import Variable

ZERO = Variable()
ONE = Variable(constant=(1, 0))


def less(graph: Graph, a: Variable, b: Variable) -> Variable:
    """1 where a < b, else 0."""
    return graph.select(_difference(graph, a, b), ONE, ZERO)


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
    return graph.select(_difference(graph, a, b), b, a, _bounds(graph, a, b, max))


def minimum(graph: Graph, a: Variable, b: Variable) -> Variable:
    """The smaller of two."""
    return graph.select(_difference(graph, a, b), a, b, _bounds(graph, a, b, min))


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


def logical_and(graph: Graph, a: Variable, b: Variable) -> Variable:
    return graph.choose(nonzero(graph, a), nonzero(graph, b), ZERO)


def logical_or(graph: Graph, a: Variable, b: Variable) -> Variable:
    return graph.choose(nonzero(graph, a), ONE, nonzero(graph, b))


def logical_xor(graph: Graph, a: Variable, b: Variable) -> Variable:
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


def where(context: Context, condition: Any, *branches: Any) -> ObjectArray:
    """numpy.where with both branches; the condition holds where it is not zero."""
    if len(branches) != 2:
        raise UnsupportedOperation('numpy.where needs both branches here', location=user_location())
    graph = context.graph
    arrays = [elements(context, operand) for operand in (condition, *branches)]
    return elementwise(lambda bit, a, b: graph.choose(nonzero(graph, bit), a, b), *arrays)


def clip(context: Context, a: Any, a_min: Any = None, a_max: Any = None) -> ObjectArray:
    """numpy.clip; a bound of None is none."""
    result = elements(context, a)
    for bound, function in ((a_min, maximum), (a_max, minimum)):
        if bound is not None:
            result = elementwise(lambda x, y, f=function: f(context.graph, x, y), result, elements(context, bound))
    return result


def arg_extremum(largest: bool) -> Handler:
    """numpy.argmax or argmin: the first of equals, as numpy says."""

    def search(context: Context, a: Any, axis: int | None = None) -> ObjectArray:
        source = elements(context, a)
        if axis is None:
            source, axis = source.reshape(-1), 0
        source = np.moveaxis(source, axis, -1)
        graph = context.graph
        extremum = maximum if largest else minimum

        def better(left: tuple[Variable, Variable], right: tuple[Variable, Variable]) -> tuple[Variable, Variable]:
            (x, i), (y, j) = left, right
            beaten = _difference(graph, x, y) if largest else _difference(graph, y, x)
            return extremum(graph, x, y), graph.select(beaten, j, i)

        rows = source.reshape(-1, source.shape[-1])
        result = np.empty(len(rows), dtype=object)
        for place, row in enumerate(rows):
            numbered = [(x, Variable().plus((number, 0)) if number else ZERO) for number, x in enumerate(row)]
            result[place] = tree(better, numbered)[1]
        return result.reshape(source.shape[:-1])

    return search


def _difference(graph: Graph, a: Variable, b: Variable) -> Variable:
    return graph.add(a, b.scaled(0, True))


def _bounds(graph: Graph, a: Variable, b: Variable, extremum: Callable[[int, int], int]) -> Interval:
    x, y = graph.interval(a), graph.interval(b)
    x = x._replace(exp=y.exp) if x.lo == x.hi == 0 else x
    y = y._replace(exp=x.exp) if y.lo == y.hi == 0 else y
    exp = min(x.exp, y.exp)
    x, y = x.at(exp), y.at(exp)
    return Interval(extremum(x.lo, y.lo), extremum(x.hi, y.hi), exp)
