"""Pooling, upsampling and zero padding of symbolic arrays, channels last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.trace import selection
from da4ml_core.trace.array import SymbolicArray
from da4ml_core.trace.convolution import NOWHERE, Extents, extents, gather, gather_taps, unsupported, with_fill
from da4ml_core.trace.linear import check_size, sum_axes
from da4ml_core.trace.operands import tree
from da4ml_core.trace.variable import Variable

Widths = int | Sequence[int | Sequence[int]]  # for all axes; or for each, both sides of it or (before, behind)


def max_pool(x: SymbolicArray, size: Extents, strides: Extents | None = None, padding: str = 'valid') -> SymbolicArray:
    """The largest value of each window; what lies outside of the array does not count."""
    graph = x.context.graph
    return _pool(x, size, strides, padding, lambda window: tree(lambda a, b: selection.maximum(graph, a, b), window))


def sum_pool(x: SymbolicArray, size: Extents, strides: Extents | None = None, padding: str = 'valid') -> SymbolicArray:
    """The sum of each window."""

    def total(window: list[Variable]) -> Variable:
        row = np.empty((1, len(window)), dtype=object)
        for place, variable in enumerate(window):
            row[0, place] = variable
        summed: Variable = sum_axes(x.context.graph, x.context.solver, row, [1])[0]
        return summed

    return _pool(x, size, strides, padding, total)


def avg_pool(x: SymbolicArray, size: Extents, strides: Extents | None = None, padding: str = 'valid') -> SymbolicArray:
    """The mean of each window, over what it has inside of the array; raises where that count is no power of two."""
    counts = window_counts(x.shape[:-1], size, strides, padding)
    odd = [int(count) for count in counts.flat if count & (count - 1)]
    if odd:
        raise unsupported(
            f'the mean of {odd[0]} values, which has no exact fixed-point result,', 'sum_pool and a scale'
        )
    means: SymbolicArray = sum_pool(x, size, strides, padding) * (1 / counts[..., None])
    return means


def window_counts(
    spatial: Sequence[int], size: Extents, strides: Extents | None = None, padding: str = 'valid'
) -> NDArray[np.int64]:
    """How many positions of the array each window holds."""
    counts, taps = _windows(spatial, size, strides, padding)
    inside: NDArray[np.int64] = (taps != NOWHERE).sum(axis=1).reshape(counts)
    return inside


def global_max_pool(x: SymbolicArray, keepdims: bool = False) -> SymbolicArray:
    """The largest value of each channel."""
    return _global(x, max_pool, keepdims)


def global_avg_pool(x: SymbolicArray, keepdims: bool = False) -> SymbolicArray:
    """The mean of each channel; raises where the number of positions is no power of two."""
    return _global(x, avg_pool, keepdims)


def upsample(x: SymbolicArray, size: Extents) -> SymbolicArray:
    """Every position repeated along each spatial axis."""
    elements = x.elements
    repeats = extents(size, x.ndim - 1, 'size')
    check_size([extent * times for extent, times in zip(x.shape, (*repeats, 1), strict=True)])
    for axis, times in enumerate(repeats):
        elements = np.repeat(elements, times, axis=axis)
    return SymbolicArray(x.context, elements)


def zero_pad(x: SymbolicArray, widths: Widths) -> SymbolicArray:
    """Zeros around the spatial axes."""
    given: Sequence[Any] = [widths] * (x.ndim - 1) if isinstance(widths, int) else widths
    pairs = [(width, width) if isinstance(width, int) else tuple(width) for width in given]
    check_size([extent + sum(pair) for extent, pair in zip(x.shape, (*pairs, (0, 0)), strict=True)])
    padded: Any = np.pad(x, [*pairs, (0, 0)])
    return SymbolicArray(x.context, padded.elements)


def _windows(
    spatial: Sequence[int], size: Extents, strides: Extents | None, padding: str
) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    rank = len(spatial)
    sizes = extents(size, rank, 'size')
    steps = sizes if strides is None else extents(strides, rank, 'strides')
    if padding not in ('valid', 'same'):
        raise unsupported(f'padding {padding!r}', "'valid' or 'same'")
    axes = [gather_taps(*geometry, 1, padding) for geometry in zip(spatial, sizes, steps, strict=True)]
    return gather(spatial, axes)


def _pool(
    x: SymbolicArray,
    size: Extents,
    strides: Extents | None,
    padding: str,
    reduce: Callable[[list[Variable]], Variable],
) -> SymbolicArray:
    context = x.context
    counts, taps = _windows(x.shape[:-1], size, strides, padding)
    with context.user_origin():
        flat = with_fill(context, x, x.ndim - 1, Variable())
        result = np.empty((len(taps), x.shape[-1]), dtype=object)
        for place, window in enumerate(taps):
            inside = flat[window[window != NOWHERE]]
            for channel in range(x.shape[-1]):
                result[place, channel] = reduce(list(inside[:, channel]))
    return SymbolicArray(context, result.reshape(*counts, x.shape[-1]))


def _global(x: SymbolicArray, pool: Callable[..., SymbolicArray], keepdims: bool) -> SymbolicArray:
    pooled = pool(x, x.shape[:-1])
    return pooled if keepdims else pooled.reshape((x.shape[-1],))
