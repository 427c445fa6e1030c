"""Sorting networks, what is found by order, and padding: arrays whose elements change places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.linear import ObjectArray, exact_matrix
from da4ml_core.trace.operands import Handler, elements, elementwise, normal_axes, normal_axis, rows_along, tree
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.selection import difference, maximum, minimum
from da4ml_core.trace.tables import value_table
from da4ml_core.trace.variable import Variable

_INDEX_MODES = ('edge', 'reflect', 'symmetric', 'wrap')


def sort(
    context: Context,
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    order: None = None,
    *,
    stable: bool | None = None,
) -> ObjectArray:
    """numpy.sort in ascending order; the kind may name the network, 'batcher' (the default) or 'bitonic'."""
    source, axis = _along(elements(context, a), axis)
    graph = context.graph
    result = np.moveaxis(source, axis, -1).copy()
    _sort_rows(result, lambda x, y: (minimum(graph, x, y), maximum(graph, x, y)), _network(kind))
    return np.moveaxis(result, -1, axis)


def argsort(
    context: Context,
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    order: None = None,
    *,
    stable: bool | None = None,
) -> ObjectArray:
    """numpy.argsort; equal elements stay in order, as in numpy with ``kind='stable'``.

    The place of an element is appended to its bits, so that one comparison decides, and none are equal.
    """
    source, axis = _along(elements(context, a), axis)
    graph = context.graph
    rows = np.moveaxis(source, axis, -1)
    width = (rows.shape[-1] - 1).bit_length() if rows.size else 0
    finest = min((graph.interval(x).exp for x in rows.flat), default=0)
    keys = elementwise(lambda x, place: x.scaled(width - finest).plus((int(place), 0)), rows, np.arange(rows.shape[-1]))
    _sort_rows(keys, lambda x, y: (minimum(graph, x, y), maximum(graph, x, y)), _network(kind))
    low_bits, last = Quantization(FixedType(False, width, 0)), rows.shape[-1] - 1
    places = elementwise(lambda x: graph.quantize(x, low_bits), keys)
    if rows.shape[-1] < 1 << width:  # the bits hold more: what indexes by them is to know that they never are
        places = elementwise(lambda x: value_table(graph, x, lambda n, exp: (min(n << exp, last), 0)), places)
    return np.moveaxis(places, -1, axis)


def median(
    context: Context, a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> ObjectArray:
    """numpy.median: the middle of the sorted elements, or the mean of the two."""
    source = elements(context, a)
    axes = normal_axes(source.ndim, axis)
    rows, shape = rows_along(source, axes)
    if not rows.shape[1]:
        raise UnsupportedOperation('the median of an empty axis has no value', location=user_location())
    ordered = sort(context, Elements(context, rows))
    low, high = ordered[:, (rows.shape[1] - 1) // 2], ordered[:, rows.shape[1] // 2]
    middle = elementwise(lambda x, y: context.graph.add(x, y).scaled(-1), low, high)
    if keepdims:
        shape = tuple(1 if number in axes else extent for number, extent in enumerate(source.shape))
    return middle.reshape(shape)


def arg_extremum(largest: bool) -> Handler:
    """numpy.argmax or argmin: the first of equals, as numpy says."""

    def search(
        context: Context, a: Any, axis: int | None = None, out: None = None, *, keepdims: bool = False
    ) -> ObjectArray:
        source = elements(context, a)
        axes = normal_axes(source.ndim, axis)
        rows, shape = rows_along(source, axes)
        if not rows.shape[1]:
            raise UnsupportedOperation('an empty axis has no extremum', location=user_location())
        graph = context.graph
        extremum = maximum if largest else minimum

        def better(left: tuple[Variable, Variable], right: tuple[Variable, Variable]) -> tuple[Variable, Variable]:
            (x, i), (y, j) = left, right
            beaten = difference(graph, x, y) if largest else difference(graph, y, x)
            return extremum(graph, x, y), graph.select(beaten, j, i)

        result = np.empty(len(rows), dtype=object)
        for place, row in enumerate(rows):
            numbered = [(x, Variable().plus((number, 0))) for number, x in enumerate(row)]
            result[place] = tree(better, numbered)[1]
        if keepdims:
            shape = tuple(1 if number in axes else extent for number, extent in enumerate(source.shape))
        return result.reshape(shape)

    return search


def _along(source: ObjectArray, axis: int | None) -> tuple[ObjectArray, int]:
    return (source.reshape(-1), 0) if axis is None else (source, normal_axis(source.ndim, axis))


def _sort_rows(
    rows: ObjectArray,
    exchange: Callable[[Variable, Variable], tuple[Variable, Variable]],
    network: Callable[[int], Iterator[tuple[int, int]]],
) -> None:
    for row in rows.reshape(prod(rows.shape[:-1]), rows.shape[-1]):  # a view: the array is contiguous
        for low, high in network(len(row)):
            row[low], row[high] = exchange(row[low], row[high])


def _network(kind: str | None) -> Callable[[int], Iterator[tuple[int, int]]]:
    if kind in (None, 'batcher', 'quicksort', 'mergesort', 'heapsort', 'stable'):
        return exchanges
    if kind == 'bitonic':
        return bitonic_exchanges
    raise UnsupportedOperation(
        f'there is no sorting network {kind!r}', location=user_location(), hint="use 'batcher' or 'bitonic'"
    )


def exchanges(count: int) -> Iterator[tuple[int, int]]:
    """The comparisons of Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M)."""
    top = 1 << ((count - 1).bit_length() - 1) if count > 1 else 0
    step = top
    while step:
        reach, parity, distance = top, 0, step
        while True:
            yield from ((i, i + distance) for i in range(count - distance) if i & step == parity)
            if reach == step:
                break
            distance, reach, parity = reach - step, reach // 2, step
        step //= 2


def bitonic_exchanges(count: int) -> Iterator[tuple[int, int]]:
    """The comparisons of Batcher's bitonic sorter, all in one direction: each merge begins by comparing from both ends.

    With a count that is no power of two, what would lie behind the end is taken to be greater than all else.
    """
    block = 2
    while block < 2 * count:
        for start in range(0, count, block):
            pairs = ((start + i, start + block - 1 - i) for i in range(block // 2))
            yield from ((low, high) for low, high in pairs if high < count)
        distance = block // 4
        while distance:
            yield from ((i, i + distance) for i in range(count - distance) if not i & distance)
            distance //= 2
        block *= 2


def pad(
    context: Context,
    array: Any,
    pad_width: Any,
    mode: str = 'constant',
    *,
    constant_values: Any = 0,
    reflect_type: str = 'even',
) -> ObjectArray:
    """numpy.pad with one constant, or with the elements that a mode repeats."""
    source = elements(context, array)
    places = np.arange(source.size).reshape(source.shape)
    if mode in _INDEX_MODES and reflect_type == 'even':
        padded = source.reshape(-1)[np.pad(places, pad_width, mode=mode)]  # type: ignore[call-overload]
        return np.asarray(padded, dtype=object)
    if mode != 'constant':
        raise UnsupportedOperation(
            f'numpy.pad is traced with constants and the modes {", ".join(_INDEX_MODES)}',
            location=user_location(),
            hint='np.concatenate the array with what is to be around it',
        )
    fills = np.broadcast_to(exact_matrix(constant_values), (source.ndim, 2))
    distinct = list(dict.fromkeys(fills.flat))
    numbers = [[-1 - distinct.index(fill) for fill in pair] for pair in fills]
    taken = np.concatenate([source.reshape(-1), constant_variables(exact_matrix(distinct[::-1]))])
    return np.asarray(taken[np.pad(places, pad_width, constant_values=numbers)], dtype=object)
