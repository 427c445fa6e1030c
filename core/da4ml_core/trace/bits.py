"""Functions of bits: and, or, xor, not, and shifts, with numpy's meaning where values are integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.ir.opcode import BitFunction, Quantization
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.operands import Handler, elements
from da4ml_core.trace.selection import negation
from da4ml_core.trace.variable import Variable


def bitwise(function: BitFunction) -> Callable[[Graph, Variable, Variable], Variable]:
    """A function of the bits of two numbers in two's complement, in their finer step."""
    return lambda graph, a, b: graph.bitwise(function, a, b)


def invert(graph: Graph, a: Variable) -> Variable:
    """All bits inverted: 1 - a of a truth value (0 or 1), else -1 - a; of a fraction, -a less its own step."""
    interval = graph.interval(a)
    if interval.exp >= 0 and interval.lo >= 0 and interval.hi << interval.exp <= 1:
        return negation(a)
    return a.scaled(0, True).plus((-1, min(interval.exp, 0)))


def shift(left: bool) -> Handler:
    """A shift by constants: to the left exact, to the right cut off below 1, or below the own step of a fraction."""

    def apply(context: Context, a: Any, amount: Any) -> ObjectArray:
        if isinstance(amount, Elements):
            raise UnsupportedOperation('a shift by a symbolic value cannot be traced', location=user_location())
        amounts = np.asarray(amount)
        if amounts.dtype.kind not in 'iu' or amounts.min(initial=0) < 0:
            raise UnsupportedOperation('a shift is traced by integers that are not negative', location=user_location())
        source, amounts = np.broadcast_arrays(elements(context, a), amounts)
        graph = context.graph
        result = np.empty(source.shape, dtype=object)
        target = result.reshape(-1)
        for place, (variable, bits) in enumerate(zip(source.flat, amounts.flat, strict=True)):
            target[place] = variable.scaled(int(bits)) if left else _right(graph, variable, int(bits))
        return result

    return apply


def _right(graph: Graph, variable: Variable, bits: int) -> Variable:
    interval = graph.interval(variable)
    step = min(interval.exp, 0)
    kind = FixedType(True, max(interval.width_bits + interval.exp, -step) + 1, -step)
    return graph.quantize(variable.scaled(-bits), Quantization(kind, Rounding.TRN, Overflow.WRAP))
