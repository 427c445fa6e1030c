"""Elements chosen by symbolic indices and conditions: gathered through trees of multiplexers, assigned by choices."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.division import remainder
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.operands import as_scalar, elements, elementwise, is_truth, normal_axis
from da4ml_core.trace.rearrangement import picked
from da4ml_core.trace.selection import clip, nonzero
from da4ml_core.trace.tables import check_index, value_table
from da4ml_core.trace.variable import Variable


def gather(graph: Graph, values: list[Variable], index: Variable) -> Variable:
    """``values[index]``: a tree of multiplexers by the bits of the index; negative ones count from the end."""
    size = len(values)
    check_index(graph, index, size)
    wraps = values
    if graph.interval(index).lo < 0:
        wraps, index = [*values, *values], index.plus((size, 0))
    for place in range((len(wraps) - 1).bit_length()):
        bit = graph.quantize(index.scaled(-place), Quantization(FixedType(False, 1, 0)))
        wraps = [
            graph.choose(bit, wraps[at + 1], wraps[at]) if at + 1 < len(wraps) else wraps[at]
            for at in range(0, len(wraps), 2)
        ]
    return wraps[0]


def take(
    context: Context, a: Any, indices: Any, axis: Any = None, out: None = None, mode: str = 'raise'
) -> ObjectArray:
    """numpy.take, by symbolic indices through multiplexers."""
    if not isinstance(indices, Elements):
        return picked(np.take)(context, a, indices, axis, mode=mode)
    if mode not in ('raise', 'wrap', 'clip'):
        raise UnsupportedOperation(f'numpy.take has no mode {mode!r}', location=user_location())
    source = elements(context, a)
    if axis is None:
        source, axis = source.reshape(-1), 0
    axis = normal_axis(source.ndim, axis)
    size = source.shape[axis]
    if mode == 'clip' and size:
        indices = Elements(context, clip(context, indices, 0, size - 1))
    elif mode == 'wrap' and size:
        indices = Elements(context, remainder(context, indices, size))
        indices = Elements(context, clip(context, indices, 0, size - 1))  # its bits hold more where they are no power
    return _indexed(context, source, (*(slice(None),) * axis, indices))


def take_along_axis(context: Context, arr: Any, indices: Any, axis: Any = -1) -> ObjectArray:
    """numpy.take_along_axis by symbolic indices: what argsort is for."""
    if not isinstance(indices, Elements):
        return picked(np.take_along_axis)(context, arr, indices, axis)
    source, index = elements(context, arr), elements(context, indices)
    if axis is None:
        source, axis = source.reshape(-1), 0
    axis = normal_axis(source.ndim, axis)
    source, index = np.moveaxis(source, axis, -1), np.moveaxis(index, axis, -1)
    lead = np.broadcast_shapes(source.shape[:-1], index.shape[:-1])
    source = np.broadcast_to(source, (*lead, source.shape[-1]))
    index = np.broadcast_to(index, (*lead, index.shape[-1]))
    result = np.empty(index.shape, dtype=object)
    for place in np.ndindex(index.shape):
        variable: Any = index[place]
        result[place] = gather(context.graph, list(source[place[:-1]]), variable)
    return np.moveaxis(result, -1, axis)


def choose(context: Context, a: Any, choices: Any) -> ObjectArray:
    """numpy.choose: of each element, the one of its choices that an index names."""
    options = choices if isinstance(choices, (list, tuple)) else list(choices)
    arrays = [elements(context, option) for option in options]
    return elementwise(lambda index, *values: gather(context.graph, list(values), index), elements(context, a), *arrays)


def indexed(array: Elements, key: Any) -> ObjectArray | None:
    """The elements at symbolic indices, among other ones of any kind; None where no part of the key is symbolic."""
    parts = key if isinstance(key, tuple) else (key,)
    if not any(isinstance(part, Elements) for part in parts):
        return None
    if any(isinstance(part, Elements) and part.truth for part in parts):
        raise UnsupportedOperation(
            'how many elements a symbolic condition picks is not known while tracing',
            location=user_location(),
            hint='use np.where, which keeps the shape',
        )
    with array.context.user_origin():
        return _indexed(array.context, elements(array.context, array), parts)


def _indexed(context: Context, source: ObjectArray, parts: tuple[Any, ...]) -> ObjectArray:
    """One symbolic index after the other: numpy picks by each of its values, multiplexers among what was picked."""
    place = next((number for number, part in enumerate(parts) if isinstance(part, Elements)), None)
    if place is None:
        picked = source[parts]
        return picked if isinstance(picked, np.ndarray) else as_scalar(picked)
    axis = _axis_of(source.ndim, parts, place)
    index = elements(context, parts[place])
    for variable in index.flat:
        check_index(context.graph, variable, source.shape[axis])

    def at(numbers: Any) -> tuple[Any, ...]:
        return (*parts[:place], numbers[()], *parts[place + 1 :])

    options = [_indexed(context, source, at(np.full(index.shape, number))) for number in range(source.shape[axis])]
    # which element of the index belongs to each element of the result: numpy says it for an axis of as many
    extent = np.arange(index.size).reshape([-1 if number == axis else 1 for number in range(source.ndim)])
    numbered = np.broadcast_to(extent, [*source.shape[:axis], index.size, *source.shape[axis + 1 :]])
    shapes = [np.zeros(part.shape, dtype=int)[()] if isinstance(part, Elements) else part for part in parts]
    shapes[place] = extent.reshape(index.shape)[()]
    chosen = index.reshape(-1)[np.asarray(numbered[tuple(shapes)])]
    chosen = chosen if isinstance(chosen, np.ndarray) else as_scalar(chosen)
    return elementwise(lambda variable, *values: gather(context.graph, list(values), variable), chosen, *options)


def _axis_of(ndim: int, parts: tuple[Any, ...], place: int) -> int:
    """The axis that a part of a key indexes."""

    def axes(part: Any) -> int:
        if part is None or isinstance(part, slice):
            return int(part is not None)
        if isinstance(part, Elements):
            return 1
        numbers = np.asarray(part)
        return numbers.ndim if numbers.dtype == np.bool_ else 1

    before = [axes(part) for part in parts[:place] if part is not Ellipsis]
    behind = [axes(part) for part in parts[place + 1 :] if part is not Ellipsis]
    axis = ndim - 1 - sum(behind) if any(part is Ellipsis for part in parts[:place]) else sum(before)
    if sum(before) + 1 + sum(behind) > ndim:
        raise UnsupportedOperation(f'more indices than the {ndim} axes of an array', location=user_location())
    return axis


def assign(array: Elements, key: Any, value: Any) -> None:
    """``array[key] = value``, in the array and all its views; a symbolic condition chooses element by element."""
    context = array.context
    if array.ndim == 0 or not array.elements.flags.writeable:
        raise UnsupportedOperation(
            'a symbolic scalar or a broadcast view cannot be assigned to',
            location=user_location(),
            hint='copy it first',
        )
    if array.truth and not is_truth(value):
        raise UnsupportedOperation('a number cannot be assigned to an array of truth values', location=user_location())
    raw = array.is_external and isinstance(value, Elements) and value.context is context
    numbers = value.elements if raw else elements(context, value)
    if isinstance(key, Elements):
        with context.user_origin():
            (_assign_where if key.truth else _assign_at)(array, key, numbers)
    elif isinstance(key, tuple) and any(isinstance(part, Elements) for part in key):
        raise UnsupportedOperation(
            'assignment to a symbolic index is traced where it stands alone, for the first axis',
            location=user_location(),
            hint='assign to a view whose first axis it is: x[0, :, i] = y is x[0].T[i] = y.T',
        )
    elif isinstance(array.elements[key], np.ndarray):
        array.elements[key] = numbers
    else:
        array.elements[key] = numbers.reshape(()).item()  # one element: numpy would put the array itself there


def _assign_where(array: Elements, key: Elements, numbers: ObjectArray) -> None:
    graph = array.context.graph
    rest = array.shape[key.ndim :]
    if key.shape != array.shape[: key.ndim] or numbers.shape != rest[len(rest) - numbers.ndim :]:
        raise UnsupportedOperation(
            f'a condition of shape {key.shape} does not choose where values of shape {numbers.shape} go in an array '
            f'of shape {array.shape}',
            location=user_location(),
            hint='use np.where',
        )
    condition = elements(array.context, key).reshape(key.shape + (1,) * len(rest))
    array.elements[...] = elementwise(
        lambda bit, new, old: graph.choose(nonzero(graph, bit), new, old),
        condition,
        numbers,
        elements(array.context, array),
    )


def _assign_at(array: Elements, key: Elements, numbers: ObjectArray) -> None:
    """Each element of a symbolic index chooses among the places of the first axis; of equal ones, the last stays."""
    graph, size = array.context.graph, array.shape[0]
    values = np.broadcast_to(numbers, key.shape + array.shape[1:]).copy()  # either may be a view of the array
    source, indices = elements(array.context, array), elements(array.context, key).copy()
    for place in np.ndindex(key.shape):
        index: Any = indices[place]
        check_index(graph, index, size)
        bits = elementwise(partial(_is, graph, index, size), np.arange(size))
        source[...] = elementwise(
            graph.choose, bits.reshape(-1, *(1,) * (array.ndim - 1)), values[(*place, ...)], source
        )


def _is(graph: Graph, index: Variable, size: int, number: int) -> Variable:
    """1 where an index names a place of an axis, from its start or its end."""
    return value_table(graph, index, lambda n, exp: (int((n << exp) % size == number), 0))
