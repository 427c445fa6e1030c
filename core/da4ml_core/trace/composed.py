"""Functions of numpy that are made of others: of symbolic arrays, in numpy's own terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Elements
from da4ml_core.trace.linear import exact_matrix
from da4ml_core.trace.operands import constant, normal_axes, normal_axis, shape_of
from da4ml_core.trace.products import exact_log2


def shape(a: Any) -> tuple[int, ...]:
    return shape_of(a)


def size(a: Any, axis: Any = None) -> int:
    return int(np.prod([shape_of(a)[number] for number in normal_axes(len(shape_of(a)), axis)], dtype=int))


def ndim(a: Any) -> int:
    return len(shape_of(a))


def apply_along_axis(func1d: Callable[..., Any], axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of vectors on each vector along an axis; the axes of its results take the place of that one."""
    axis = normal_axis(len(shape_of(arr)), axis)
    vectors = np.moveaxis(arr, axis, -1)
    rest = shape_of(vectors)[:-1]
    if 0 in rest:
        raise _refused('numpy.apply_along_axis needs at least one vector')
    results = [func1d(vectors[place], *args, **kwargs) for place in np.ndindex(rest)]
    made = np.stack(results).reshape(rest + shape_of(results[0]))
    for _ in shape_of(results[0]):
        made = np.moveaxis(made, -1, axis)
    return made


def apply_over_axes(func: Callable[[Any, int], Any], a: Any, axes: Any) -> Any:
    """A reduction over one axis after the other, which it keeps or drops."""
    for axis in normal_axes(len(shape_of(a)), axes):
        reduced = func(a, axis)
        a = np.expand_dims(reduced, axis) if len(shape_of(reduced)) < len(shape_of(a)) else reduced
    return a


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def var(a: Any, axis: Any = None, dtype: None = None, out: None = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The mean square of what is left without the mean; refused where a count is no power of two."""
    rest = a - np.mean(a, axis=axis, keepdims=True)
    count = size(a, axis)
    return np.sum(rest * rest, axis=axis, keepdims=keepdims) * Fraction(1, 1 << exact_log2(count - ddof))


def std(a: Any, axis: Any = None, dtype: None = None, out: None = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The square root of the variance, to be quantized."""
    return np.sqrt(np.var(a, axis=axis, ddof=ddof, keepdims=keepdims))


def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """The mean by constant weights, which are divided by their sum first: that must be exact."""
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    shape, given = shape_of(a), exact_matrix(weights)
    axes = normal_axes(len(shape), axis)
    if given.shape != shape:
        if given.shape != tuple(shape[number] for number in axes):
            raise _refused(f'weights of shape {given.shape} do not fit axes {axes} of an array of shape {shape}')
        given = given.transpose(np.argsort(axes)).reshape([shape[n] if n in axes else 1 for n in range(len(shape))])
    total = np.broadcast_to(given, shape).sum(axis=axes, keepdims=True)
    if not np.all(total):
        raise _refused('weights that sum to zero have no average')
    return np.sum(a * (given / total), axis=axis, keepdims=keepdims)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours, n times."""
    axis = normal_axis(len(shape_of(a)), axis)
    if n < 0:
        raise _refused(f'numpy.diff cannot be applied {n} times')
    if n == 0:
        return a
    if prepend is not None or append is not None:
        parts = [part if part is a else _as_slice(part, shape_of(a), axis) for part in (prepend, a, append)]
        a = np.concatenate([part for part in parts if part is not None], axis=axis)
    for _ in range(n):
        before, behind = ((slice(None),) * axis + (cut,) for cut in (slice(None, -1), slice(1, None)))
        a = a[behind] != a[before] if a.truth else a[behind] - a[before]
    return a


def _as_slice(end: Any, shape: tuple[int, ...], axis: int) -> Any:
    if end is None:
        return None
    return end if shape_of(end) else np.broadcast_to(end, [1 if n == axis else m for n, m in enumerate(shape)])


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = np.diff(np.ravel(ary))
    return np.concatenate([np.ravel(x) for x in (to_begin, steps, to_end) if x is not None])


def polyval(p: Any, x: Any) -> Any:
    """The polynomial of coefficients that fall in power, by Horner's rule."""
    result = x * 0
    for coefficient in p:
        result = result * x + coefficient
    return result


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.sum(a != 0, axis=axis, keepdims=keepdims)


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    return np.all(np.equal(a1, a2)) if shape_of(a1) == shape_of(a2) else False


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: None = None
) -> Any:
    """Whether each element is one of some values."""
    values = np.ravel(test_elements)
    found = np.any(np.equal(np.expand_dims(element, -1), values), axis=-1)
    return np.logical_not(found) if invert else found


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: None = None, out: None = None, include_initial: bool = False
) -> Any:
    return _cumulated(np.cumsum, 0, x, axis, include_initial)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: None = None, out: None = None, include_initial: bool = False
) -> Any:
    return _cumulated(np.cumprod, 1, x, axis, include_initial)


def _cumulated(function: Callable[..., Any], start: int, x: Any, axis: int | None, include_initial: bool) -> Any:
    if axis is None and len(shape_of(x)) != 1:
        raise _refused(f'an axis is needed for an array of shape {shape_of(x)}')
    axis = normal_axis(len(shape_of(x)), axis or 0)
    result = function(x, axis=axis)
    if not include_initial:
        return result
    shape = [1 if number == axis else extent for number, extent in enumerate(shape_of(x))]
    return np.concatenate([np.full(shape, start), result], axis=axis)


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral of samples at constant places, or at equal distances."""
    shape = shape_of(y)
    axis = normal_axis(len(shape), axis)
    before, behind = ((slice(None),) * axis + (cut,) for cut in (slice(None, -1), slice(1, None)))
    steps: Any = Fraction(dx)
    if x is not None:
        places = exact_matrix(constant('the places of samples', x))
        if places.ndim == 1:
            places = places.reshape([-1 if number == axis else 1 for number in range(len(shape))])
        steps = places[behind] - places[before]
    return np.sum((y[before] + y[behind]) * (steps / 2), axis=axis)


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences over constant distances, one for all axes or one for each; one-sided ones at the ends."""
    shape = shape_of(f)
    axes = normal_axes(len(shape), axis)
    steps = [constant('the distance of samples', step) for step in varargs] or [np.asarray(1)]
    steps = steps * len(axes) if len(steps) == 1 else steps
    if edge_order != 1 or len(steps) != len(axes) or any(step.ndim for step in steps):
        raise _refused('numpy.gradient is traced with one distance for each axis, and edges of order 1')
    if any(shape[number] < 2 for number in axes):
        raise _refused(f'numpy.gradient needs two elements along each of the axes {axes} of a shape {shape}')
    results = []
    for number, step in zip(axes, steps, strict=True):
        rows = np.moveaxis(f, number, -1)
        middle = (rows[..., 2:] - rows[..., :-2]) / 2
        ends = [np.diff(rows[..., cut]) for cut in (slice(None, 2), slice(-2, None))]
        slopes = np.concatenate([ends[0], middle, ends[1]], axis=-1) / step
        results.append(np.moveaxis(slopes, -1, number))
    return results[0] if len(results) == 1 else tuple(results)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of each element of a vector, the highest first."""
    powers = np.arange(shape_of(x)[0] if N is None else N)
    return np.expand_dims(x, -1) ** (powers if increasing else powers[::-1])


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Piecewise linear interpolation between constant points, to be quantized."""
    if isinstance(xp, Elements) or isinstance(fp, Elements):
        raise _refused('numpy.interp is traced between constant points')
    return np.frompyfunc(lambda number: np.interp(number, xp, fp, left, right, period), 1, 1)(x)


def sinc(x: Any) -> Any:
    return np.frompyfunc(np.sinc, 1, 1)(x)


def same(x: Any, *args: Any, **kwargs: Any) -> Any:
    """What only changes numbers that are not finite, or not real."""
    return np.positive(x) if not x.truth else x.copy()


def round_(a: Any, decimals: int = 0, out: None = None) -> Any:
    """numpy.round, ties to even; refused for decimals that fixed point does not have."""
    if decimals == 0:
        return np.rint(a)
    if decimals > 0:
        if all(interval.exp >= -decimals for interval in a.intervals()):
            return np.positive(a)  # a number of n fractional bits has n decimals
        raise UnsupportedOperation(
            f'a number rounded to {decimals} decimals has no exact fixed-point value',
            location=user_location(),
            hint="call .quantize(..., rounding='RND_CONV')",
        )
    unit = 10**-decimals
    quotients, rest = np.divmod(a + unit // 2, unit)
    odd = quotients - 2 * np.floor(quotients / 2)
    return (quotients - np.where(rest == 0, odd, 0)) * unit


def _refused(message: str) -> UnsupportedOperation:
    return UnsupportedOperation(message, location=user_location())


COMPOSED: Mapping[str, Callable[..., Any]] = {
    'shape': shape,
    'size': size,
    'ndim': ndim,
    'apply_along_axis': apply_along_axis,
    'apply_over_axes': apply_over_axes,
    'ptp': ptp,
    'var': var,
    'nanvar': var,
    'std': std,
    'nanstd': std,
    'average': average,
    'diff': diff,
    'ediff1d': ediff1d,
    'polyval': polyval,
    'count_nonzero': count_nonzero,
    'array_equal': array_equal,
    'isin': isin,
    'trapezoid': trapezoid,
    'gradient': gradient,
    'vander': vander,
    'cumulative_sum': cumulative_sum,
    'cumulative_prod': cumulative_prod,
    'interp': interp,
    'sinc': sinc,
    'round': round_,
    'around': round_,
    'nan_to_num': same,
    'real': same,
}
