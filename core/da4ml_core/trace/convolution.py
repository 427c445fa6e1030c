"""Convolutions of symbolic arrays, channels last: each position is one constant product, solved once for its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.array import SymbolicArray
from da4ml_core.trace.context import Context
from da4ml_core.trace.linear import ObjectArray, contract, exact_matrix
from da4ml_core.trace.operands import elements
from da4ml_core.trace.variable import Variable

Taps = NDArray[np.int64]  # (outputs, taps): the position that each tap of each output reads; NOWHERE outside
Extents = int | Sequence[int]  # one for every spatial axis, or one for all

NOWHERE = -1
PADDINGS = ('valid', 'same', 'causal')


def conv(
    x: SymbolicArray,
    kernel: Any,
    strides: Extents = 1,
    padding: str = 'valid',
    dilation: Extents = 1,
    groups: int = 1,
) -> SymbolicArray:
    """The correlation of ``x`` (spatial axes, channels) and a constant kernel (spatial axes, channels, filters).

    ``padding`` is 'valid', 'same' (the output has ceil(extent / stride) positions, the odd zero goes behind) or, with
    one spatial axis, 'causal'. Raises UnsupportedOperation for shapes that do not fit.
    """
    weights = exact_matrix(kernel)
    rank = weights.ndim - 2
    spatial = _spatial(x, rank)
    steps, rates = extents(strides, rank, 'strides'), extents(dilation, rank, 'dilation')
    axes = [
        gather_taps(*geometry, padding) for geometry in zip(spatial, weights.shape[:rank], steps, rates, strict=True)
    ]
    return _correlate(x, weights, axes, groups)


def conv_transpose(
    x: SymbolicArray, kernel: Any, strides: Extents = 1, padding: str = 'valid', dilation: Extents = 1
) -> SymbolicArray:
    """The transposed convolution by a constant kernel (spatial axes, filters, channels), as Keras defines it.

    The output has ``extent * stride`` positions, and as many more for 'valid' as the kernel reaches beyond a stride.
    """
    weights = exact_matrix(kernel)
    rank = weights.ndim - 2
    spatial = _spatial(x, rank)
    steps, rates = extents(strides, rank, 'strides'), extents(dilation, rank, 'dilation')
    axes = [
        _scatter_taps(*geometry, padding) for geometry in zip(spatial, weights.shape[:rank], steps, rates, strict=True)
    ]
    return _correlate(x, np.swapaxes(weights, -1, -2), axes, 1)


def conv1d(x: SymbolicArray, kernel: Any, **options: Any) -> SymbolicArray:
    """:func:`conv` with one spatial axis."""
    return conv(x, _of_rank(kernel, 1), **options)


def conv2d(x: SymbolicArray, kernel: Any, **options: Any) -> SymbolicArray:
    """:func:`conv` with two spatial axes."""
    return conv(x, _of_rank(kernel, 2), **options)


def conv3d(x: SymbolicArray, kernel: Any, **options: Any) -> SymbolicArray:
    """:func:`conv` with three spatial axes."""
    return conv(x, _of_rank(kernel, 3), **options)


def gather_taps(extent: int, size: int, stride: int, dilation: int, padding: str) -> Taps:
    """What each output of one axis reads."""
    reach = (size - 1) * dilation + 1
    if padding == 'same':
        count = -(-extent // stride)
        before = max((count - 1) * stride + reach - extent, 0) // 2
    elif padding in PADDINGS:
        before = reach - 1 if padding == 'causal' else 0
        count = (extent + before - reach) // stride + 1
    else:
        raise unsupported(f'padding {padding!r}', f'one of {", ".join(PADDINGS)}, or zero_pad before it')
    if count < 1:
        raise unsupported(f'a window of {reach} positions on an axis of {extent}', "padding 'same'")
    taps = np.arange(count)[:, None] * stride + np.arange(size) * dilation - before
    return np.where((taps >= 0) & (taps < extent), taps, NOWHERE)


def _scatter_taps(extent: int, size: int, stride: int, dilation: int, padding: str) -> Taps:
    reach = (size - 1) * dilation + 1
    if padding not in ('valid', 'same'):
        raise unsupported(f'padding {padding!r}', "'valid' or 'same'")
    count = extent * stride + (max(reach - stride, 0) if padding == 'valid' else 0)
    before = max(reach - stride, 0) // 2 if padding == 'same' else 0
    sources = np.arange(count)[:, None] + before - np.arange(size) * dilation
    taps = sources // stride
    return np.where((sources % stride == 0) & (taps >= 0) & (taps < extent), taps, NOWHERE)


def gather(spatial: Sequence[int], axes: Sequence[Taps]) -> tuple[tuple[int, ...], Taps]:
    """The outputs' shape, and what each of them reads of the flattened spatial axes."""
    rank = len(axes)
    places: Any = np.zeros((1,) * (2 * rank), dtype=np.int64)
    inside: Any = np.ones((1,) * (2 * rank), dtype=bool)
    for axis, taps in enumerate(axes):
        shape = [1] * (2 * rank)
        shape[axis], shape[rank + axis] = taps.shape
        inside = inside & (taps >= 0).reshape(shape)
        places = places * spatial[axis] + taps.reshape(shape)
    counts = tuple(len(taps) for taps in axes)
    return counts, np.where(inside, places, NOWHERE).reshape(int(np.prod(counts)), -1)


def with_fill(context: Context, array: SymbolicArray, rank: int, fill: Any) -> ObjectArray:
    """The elements as (positions, other axes), with a last position that ``NOWHERE`` reads."""
    source = elements(context, array)
    flat = source.reshape(-1, *source.shape[rank:])
    extended = np.empty((len(flat) + 1, *flat.shape[1:]), dtype=object)
    extended[:-1] = flat
    for index in np.ndindex(extended.shape[1:]):
        extended[(NOWHERE, *index)] = fill
    return extended


def extents(given: Extents, rank: int, name: str) -> list[int]:
    """One positive number for each of ``rank`` axes."""
    numbers = [given] * rank if isinstance(given, int) else list(given)
    if len(numbers) != rank or any(isinstance(number, bool) or number < 1 for number in numbers):
        raise unsupported(f'{name} {given!r} for {rank} axes', 'a positive integer for each')
    return [int(number) for number in numbers]


def unsupported(what: str, instead: str) -> UnsupportedOperation:
    """The error for windows that have no meaning."""
    return UnsupportedOperation(f'{what} cannot be traced', location=user_location(), hint=f'use {instead}')


def _correlate(x: SymbolicArray, weights: ObjectArray, axes: list[Taps], groups: int) -> SymbolicArray:
    rank = len(axes)
    channels, filters = x.shape[-1], weights.shape[-1]
    if groups < 1 or filters % groups or weights.shape[-2] * groups != channels:
        raise unsupported(
            f'a kernel of shape {weights.shape} in {groups} groups on {channels} channels', 'kernels that fit'
        )
    context = x.context
    with context.user_origin():
        counts, taps = gather(x.shape[:rank], axes)
        patches = with_fill(context, x, rank, Variable())[taps]  # positions, taps, channels
        each, made = channels // groups, filters // groups
        results = []
        for group in range(groups):
            read = patches[:, :, group * each : (group + 1) * each].reshape(len(taps), -1)
            matrix = weights[..., group * made : (group + 1) * made].reshape(-1, made)
            results.append(contract(context.graph, context.solver, 'pk,kf->pf', read, matrix))
    return SymbolicArray(context, np.concatenate(results, axis=1).reshape(*counts, filters))


def _spatial(x: SymbolicArray, rank: int) -> tuple[int, ...]:
    if rank < 1 or x.ndim != rank + 1:
        raise unsupported(f'a convolution over {rank} axes of an array of shape {x.shape}', 'spatial axes and channels')
    return x.shape[:rank]


def _of_rank(kernel: Any, rank: int) -> Any:
    if np.ndim(kernel) != rank + 2:
        raise unsupported(f'a kernel of {np.ndim(kernel)} axes', f'{rank} spatial axes, channels and filters')
    return kernel
