"""Reductions of symbolic arrays: balanced trees of an associative function over one, several or all axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.operands import Handler, elements
from da4ml_core.trace.variable import Variable


def reduction(function: Callable[[Graph, Variable, Variable], Variable], on_bits: bool = False) -> Handler:
    """A numpy reduction by an associative function; one ``on_bits`` is given each element twice where it is alone."""

    def reduce(
        context: Context, a: Any, axis: int | tuple[int, ...] | None = None, out: Any = None, keepdims: bool = False
    ) -> ObjectArray:
        if out is not None:
            raise UnsupportedOperation('a reduction cannot write into an array', location=user_location())
        source = elements(context, a)
        given = range(source.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        axes = [np.arange(source.ndim)[number] for number in given]
        kept = [number for number in range(source.ndim) if number not in axes]
        shape = [source.shape[number] for number in kept]
        rows = source.transpose([*kept, *axes]).reshape(int(np.prod(shape)), -1)
        result = np.empty(len(rows), dtype=object)
        for place, row in enumerate(rows):
            result[place] = tree(lambda x, y: function(context.graph, x, y), list(row))
            if on_bits and len(row) == 1:  # which makes a bit of it
                result[place] = function(context.graph, row[0], row[0])
        if keepdims:
            shape = [1 if number in axes else extent for number, extent in enumerate(source.shape)]
        return result.reshape(shape)

    return reduce


def tree(function: Callable[[Any, Any], Any], items: list[Any]) -> Any:
    """The items combined in pairs of neighbours, and those again, down to one."""
    if not items:
        raise UnsupportedOperation('the reduction of an empty axis has no value', location=user_location())
    while len(items) > 1:
        paired = [function(items[place], items[place + 1]) for place in range(0, len(items) - 1, 2)]
        items = [*paired, *items[2 * len(paired) :]]
    return items[0]
