"""Reductions and running reductions of symbolic arrays: trees of an associative function along axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.operands import Handler, elements, elementwise, normal_axes, normal_axis, number, rows_along, tree
from da4ml_core.trace.selection import ONE, ZERO, nonzero
from da4ml_core.trace.variable import Variable

Combine = Callable[[Graph, Variable, Variable], Variable]


class _Absent:
    """No value given: None may be one."""


ABSENT = _Absent()


def reduction(
    function: Combine, identity: Variable | None = None, prepare: Callable[[Graph, Variable], Variable] | None = None
) -> Handler:
    """A numpy reduction by an associative function, of the elements as ``prepare`` makes them.

    ``identity`` is the value of nothing; without one an empty axis is refused, as in numpy, but for an initial value.
    """

    def reduce(
        context: Context,
        a: Any,
        axis: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = ABSENT,
        where: Any = True,
    ) -> ObjectArray:
        graph = context.graph
        start = identity if isinstance(initial, _Absent) else number(context, initial)
        source = masked(context, elements(context, a), where, start if identity is None else identity)
        if prepare is not None:
            source = elementwise(lambda x: prepare(graph, x), source)
        axes = normal_axes(source.ndim, axis)
        rows, shape = rows_along(source, axes)
        result = np.empty(len(rows), dtype=object)
        for place, row in enumerate(rows):
            items = list(row) if isinstance(initial, _Absent) else [start, *row]
            result[place] = tree(lambda x, y: function(graph, x, y), items or [nothing(start)])
        if keepdims:
            shape = tuple(1 if place in axes else extent for place, extent in enumerate(source.shape))
        return result.reshape(shape)

    return reduce


def masked(context: Context, source: ObjectArray, where: Any, otherwise: Variable | None) -> ObjectArray:
    """The elements where a condition holds, and elsewhere a value that does not change the result."""
    if where is True:
        return source
    graph = context.graph
    condition = elements(context, where)
    return elementwise(lambda bit, x: graph.choose(nonzero(graph, bit), x, nothing(otherwise)), condition, source)


def nothing(value: Variable | None) -> Variable:
    """The value of no elements; raises where there is none."""
    if value is None:
        raise UnsupportedOperation(
            'the reduction of an empty axis has no value', location=user_location(), hint='give an initial value'
        )
    return value


def accumulation(function: Combine, default_axis: int | None = None) -> Handler:
    """The running reduction along an axis, of log2 levels (Sklansky's prefix network); an axis of None is all of it."""

    def accumulate(
        context: Context, a: Any, axis: Any = default_axis, dtype: None = None, out: None = None
    ) -> ObjectArray:
        source = elements(context, a)
        if axis is None:
            source, axis = source.reshape(-1), 0
        axis = normal_axis(source.ndim, axis)
        result = np.moveaxis(source, axis, -1).copy()
        for row in result.reshape(prod(result.shape[:-1]), result.shape[-1]):  # a view: the copy is contiguous
            prefixes(lambda x, y: function(context.graph, x, y), row)
        return np.moveaxis(result, -1, axis)

    return accumulate


def prefixes(function: Callable[[Any, Any], Any], row: Any) -> None:
    """Every item becomes the combination of all up to it."""
    step = 1
    while step < len(row):
        for start in range(step, len(row), 2 * step):
            for place in range(start, min(start + step, len(row))):
                row[place] = function(row[start - 1], row[place])
        step *= 2


def segments(reduce: Handler) -> Handler:
    """``ufunc.reduceat``: a reduction of each stretch between constant indices."""

    def reduceat(context: Context, a: Any, indices: Any, axis: Any = 0) -> ObjectArray:
        source = elements(context, a)
        axis = normal_axis(source.ndim, axis)
        source = np.moveaxis(source, axis, 0)
        places = [int(place) for place in np.asarray(indices)]
        if any(not 0 <= place < len(source) for place in places):
            raise UnsupportedOperation(f'an index of {places} is out of bounds', location=user_location())
        ends = [*places[1:], len(source)]
        parts = [source[a : max(b, a + 1)] for a, b in zip(places, ends, strict=True)]
        reduced = [reduce(context, Elements(context, part), 0) for part in parts]
        return np.moveaxis(np.stack(reduced), 0, axis)

    return reduceat


ALL = reduction(lambda graph, a, b: graph.choose(a, b, ZERO), ONE, nonzero)
ANY = reduction(lambda graph, a, b: graph.choose(a, ONE, b), ZERO, nonzero)
