"""Counts of symbolic values: histograms, and places in a sorted array."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import dyadic
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, constant_array, contract, exact_matrix, sum_axes
from da4ml_core.trace.operands import as_scalar, constant, elements, elementwise
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.selection import ZERO, less, negation, unequal
from da4ml_core.trace.tables import value_table
from da4ml_core.trace.variable import Variable

TABLED_CODES = 256  # a value of no more codes than these is compared by a table


def searchsorted(context: Context, a: Any, v: Any, side: str = 'left', sorter: Any = None) -> ObjectArray:
    """numpy.searchsorted: how many elements of a vector, sorted or by ``sorter``, lie before each value."""
    if side not in ('left', 'right'):
        raise UnsupportedOperation("numpy.searchsorted is traced with side='left' or 'right'", location=user_location())
    if sorter is not None:
        order = constant('what sorts a vector', sorter)
        a = Elements(context, elements(context, a)[order]) if isinstance(a, Elements) else constant_array(a)[order]
    right = side == 'right'
    if isinstance(a, Elements):
        return _passed(context, elements(context, a), elements(context, v), right)
    edges = exact_matrix(a)
    if edges.ndim != 1 or any(x > y for x, y in pairwise(edges)):
        raise UnsupportedOperation('numpy.searchsorted takes a sorted vector', location=user_location())
    bisect, graph = bisect_right if right else bisect_left, context.graph

    def place(x: Variable) -> Variable:
        if _is_narrow(graph, x):
            return value_table(graph, x, lambda n, exp: (bisect(edges, n * Fraction(2) ** exp), 0))
        only: Variable = _passed(context, constant_variables(edges), as_scalar(x), right).reshape(-1)[0]
        return only

    return elementwise(place, elements(context, v))


def _passed(context: Context, edges: ObjectArray, values: ObjectArray, right: bool) -> ObjectArray:
    """How many of the edges lie before each value, or at it."""
    graph = context.graph

    def bit(edge: Variable, x: Variable) -> Variable:
        return negation(less(graph, x, edge)) if right else less(graph, edge, x)

    return sum_axes(graph, context.solver, elementwise(bit, edges, values[..., None]), [values.ndim])


def digitize(context: Context, x: Any, bins: Any, right: bool = False) -> ObjectArray:
    """numpy.digitize: the place of each value among edges that rise or fall."""
    edges = exact_matrix(constant('the edges of bins', bins))
    side = 'left' if right else 'right'
    if len(edges) < 2 or edges[0] <= edges[-1]:
        return searchsorted(context, edges, x, side)
    places = searchsorted(context, edges[::-1], x, side)
    return elementwise(lambda place: place.scaled(0, True).plus((len(edges), 0)), places)


def histogram(
    context: Context,
    a: Any,
    bins: Any = 10,
    range: Any = None,
    density: None = None,
    weights: Any = None,
) -> tuple[ObjectArray, Any]:
    """numpy.histogram of constant edges: the count, or the sum of weights, in each bin; and the edges."""
    if np.ndim(bins) == 0 and range is None:
        raise UnsupportedOperation(
            'a histogram whose edges follow from the data cannot be traced',
            location=user_location(),
            hint='give the range, or the edges',
        )
    if density or isinstance(bins, str):
        raise UnsupportedOperation(
            'a histogram is traced with constant bins, and without density',
            location=user_location(),
            hint='scale the counts by a quantized function of their sum',
        )
    edges = np.histogram_bin_edges(np.empty(0), constant('the edges of bins', bins).tolist(), range)
    exact, graph = exact_matrix(edges), context.graph
    source = elements(context, a).reshape(-1)

    def bit(x: Variable, low: Fraction, high: Fraction, closed: bool) -> Variable:
        """1 where ``low <= x < high``, or up to and with ``high``."""
        if _is_narrow(graph, x):
            return value_table(graph, x, lambda n, exp: (int(_inside(n * Fraction(2) ** exp, low, high, closed)), 0))
        below, top = _number(low), _number(high)
        above = less(graph, top, x) if closed else negation(less(graph, x, top))
        return graph.choose(above, ZERO, negation(less(graph, x, below)))

    last = np.arange(len(exact) - 1) == len(exact) - 2
    bits = elementwise(bit, source[:, None], exact[:-1], exact[1:], last)
    return _weighted(context, bits, weights), edges


def bincount(context: Context, x: Any, /, weights: Any = None, minlength: int = 0) -> ObjectArray:
    """numpy.bincount; its length must be known, so ``minlength`` counts every value that x can have."""
    source, graph = elements(context, x), context.graph
    for interval in (graph.interval(variable) for variable in source.flat):
        if source.ndim != 1 or interval.exp < 0 or interval.lo < 0 or interval.hi << interval.exp >= minlength:
            raise UnsupportedOperation(
                f'numpy.bincount of values in {interval} has no length below {minlength} that is known while tracing',
                location=user_location(),
                hint='give a vector of integers that are not negative, and a minlength above the greatest',
            )

    def bit(variable: Variable, number: int) -> Variable:
        if _is_narrow(graph, variable):
            return value_table(graph, variable, lambda n, exp: (int(n << exp == number), 0))
        return negation(unequal(graph, variable, Variable().plus((int(number), 0))))

    return _weighted(context, elementwise(bit, source[:, None], np.arange(minlength)), weights)


def _weighted(context: Context, bits: ObjectArray, weights: Any) -> ObjectArray:
    """The sums of the columns of bits, each row weighted."""
    if weights is None:
        return sum_axes(context.graph, context.solver, bits, [0])
    symbolic = isinstance(weights, Elements)
    factors = (elements(context, weights) if symbolic else exact_matrix(weights)).reshape(-1)
    if len(factors) != len(bits):
        raise UnsupportedOperation(f'{len(factors)} weights for {len(bits)} values', location=user_location())
    if symbolic:
        counted = elementwise(lambda bit, x: context.graph.choose(bit, x, ZERO), bits, factors[:, None])
        return sum_axes(context.graph, context.solver, counted, [0])
    return contract(context.graph, context.solver, 'xb,x->b', bits, factors)


def _inside(x: Fraction, low: Fraction, high: Fraction, closed: bool) -> bool:
    return low <= x and (x <= high if closed else x < high)


def _is_narrow(graph: Graph, x: Variable) -> bool:
    interval = graph.interval(x)
    return interval.hi - interval.lo < TABLED_CODES


def _number(fraction: Fraction) -> Variable:
    return Variable(constant=dyadic(fraction))
