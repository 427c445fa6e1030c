"""Functions of bits: and, or, xor, not, and shifts, with numpy's meaning where values are integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.ir.opcode import BitFunction, Quantization
from da4ml_core.trace.context import Context
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, sum_axes
from da4ml_core.trace.operands import Handler, constant, elements, elementwise
from da4ml_core.trace.selection import absolute
from da4ml_core.trace.variable import Variable


def bitwise(function: BitFunction) -> Callable[[Graph, Variable, Variable], Variable]:
    """A function of the bits of two numbers in two's complement, in their finer step."""
    return lambda graph, a, b: graph.bitwise(function, a, b)


def invert(graph: Graph, a: Variable) -> Variable:
    """All bits inverted: -1 - a of an integer; of a fraction, -a less its own step."""
    return a.scaled(0, True).plus((-1, min(graph.interval(a).exp, 0)))


def scale(context: Context, a: Any, exponents: Any) -> ObjectArray:
    """a * 2**exponents, of constant integers."""
    amounts = constant('the exponent of ldexp', exponents)
    return elementwise(lambda x, bits: x.scaled(int(bits)), elements(context, a), amounts)


def shift(left: bool) -> Handler:
    """A shift by constants: to the left exact, to the right cut off below 1, or below the own step of a fraction."""

    def apply(context: Context, a: Any, amount: Any) -> ObjectArray:
        amounts = constant('the amount of a shift', amount)
        if amounts.dtype.kind not in 'iu' or amounts.min(initial=0) < 0:
            raise UnsupportedOperation('a shift is traced by integers that are not negative', location=user_location())
        graph = context.graph
        return elementwise(
            lambda x, bits: x.scaled(int(bits)) if left else _right(graph, x, int(bits)), elements(context, a), amounts
        )

    return apply


def count(context: Context, a: Any) -> ObjectArray:
    """How many bits are set in the magnitude of each integer."""
    graph, source = context.graph, elements(context, a)
    intervals = [graph.interval(variable) for variable in source.flat]
    if any(interval.exp < 0 for interval in intervals):
        raise UnsupportedOperation('the bits of integers are counted, not those of fractions', location=user_location())
    width = max((interval.width_bits + interval.exp for interval in intervals), default=0)
    lowest = Quantization(FixedType(False, 1, 0))
    bits = elementwise(
        lambda x, place: graph.quantize(absolute(graph, x).scaled(-int(place)), lowest),
        source[..., None],
        np.arange(width),
    )
    return sum_axes(graph, context.solver, bits, [source.ndim])


def _right(graph: Graph, variable: Variable, bits: int) -> Variable:
    interval = graph.interval(variable)
    step = min(interval.exp, 0)
    kind = FixedType(True, max(interval.width_bits + interval.exp, -step) + 1, -step)
    return graph.quantize(variable.scaled(-bits), Quantization(kind, Rounding.TRN, Overflow.WRAP))
