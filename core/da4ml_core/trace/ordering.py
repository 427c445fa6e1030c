"""Sorting networks, and padding: arrays whose elements change places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context
from da4ml_core.trace.linear import ObjectArray, exact_matrix
from da4ml_core.trace.operands import elements
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.selection import maximum, minimum

_INDEX_MODES = ('edge', 'reflect', 'symmetric', 'wrap')


def sort(context: Context, a: Any, axis: int | None = -1) -> ObjectArray:
    """numpy.sort in ascending order, by Batcher's merge exchange."""
    source = elements(context, a)
    if axis is None:
        source, axis = source.reshape(-1), 0
    result = np.moveaxis(source, axis, -1).copy()
    for row in result.reshape(-1, result.shape[-1]):  # a view: the copy is contiguous
        for low, high in exchanges(len(row)):
            x, y = row[low], row[high]
            row[low], row[high] = minimum(context.graph, x, y), maximum(context.graph, x, y)
    return np.moveaxis(result, -1, axis)


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


def pad(context: Context, array: Any, pad_width: Any, mode: str = 'constant', constant_values: Any = 0) -> ObjectArray:
    """numpy.pad with one constant, or with the elements that a mode repeats."""
    source = elements(context, array)
    places = np.arange(source.size).reshape(source.shape)
    if mode in _INDEX_MODES:
        padded = source.reshape(-1)[np.pad(places, pad_width, mode=mode)]  # type: ignore[call-overload]
        return np.asarray(padded, dtype=object)
    fill = constant_variables(exact_matrix(constant_values))
    if mode != 'constant' or fill.size != 1:
        raise UnsupportedOperation(
            f'numpy.pad is traced with one constant and the modes {", ".join(_INDEX_MODES)}', location=user_location()
        )
    taken = np.concatenate([source.reshape(-1), fill.reshape(-1)])
    return np.asarray(taken[np.pad(places, pad_width, constant_values=source.size)], dtype=object)
