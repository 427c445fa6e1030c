"""Functions of numpy.linalg that are made of products: of symbolic arrays, in numpy's own terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Elements
from da4ml_core.trace.operands import normal_axes, shape_of


def matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.vecdot(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))


def outer(x1: Any, x2: Any, /) -> Any:
    """The products of all pairs of two vectors."""
    if len(shape_of(x1)) != 1 or len(shape_of(x2)) != 1:
        raise _refused(f'numpy.linalg.outer takes two vectors, not arrays of {shape_of(x1)} and {shape_of(x2)}')
    return np.outer(x1, x2)


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.cross(x1, x2, axis=axis)


def trace(x: Any, /, *, offset: int = 0, dtype: None = None) -> Any:
    return np.trace(x, offset, axis1=-2, axis2=-1)


def multi_dot(arrays: Sequence[Any], *, out: None = None) -> Any:
    """The product of matrices, the first and last of which may be vectors; constants meet symbolic factors only."""
    first = next(place for place, array in enumerate(arrays) if isinstance(array, Elements))
    product = arrays[first]
    for array in reversed(arrays[:first]):
        product = np.dot(array, product)
    for array in arrays[first + 1 :]:
        product = np.dot(product, array)
    return product


def matrix_power(a: Any, n: int) -> Any:
    """A square matrix times itself, by squares; refused for powers below 1."""
    if len(shape_of(a)) < 2 or shape_of(a)[-1] != shape_of(a)[-2] or n < 1:
        raise _refused(f'the power {n} of a matrix of shape {shape_of(a)} cannot be traced')
    result = None
    while n:
        if n & 1:
            result = a if result is None else result @ a
        n >>= 1
        a = a @ a if n else a
    return result


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norms of vectors: 1, infinity, or 2, which is a square root to be quantized."""
    axes = normal_axes(len(shape_of(x)), axis)
    if ord in (None, 2) and (len(axes) == 1 or ord is None):
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))
    if len(axes) == 1 and ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    if len(axes) == 1 and ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axes[0], keepdims=keepdims)
    raise _refused(f'the norm of order {ord} over axes {axes} cannot be traced')


def vector_norm(x: Any, /, *, axis: int | None = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of vectors along an axis, or of all elements."""
    if axis is not None or len(shape_of(x)) == 1:
        return norm(x, ord, axis, keepdims)
    whole = norm(np.ravel(x), ord)
    return whole.reshape((1,) * len(shape_of(x))) if keepdims else whole


def _refused(message: str) -> UnsupportedOperation:
    return UnsupportedOperation(message, location=user_location())


LINEAR_ALGEBRA: Mapping[str, Callable[..., Any]] = {
    'linalg.matmul': matmul,
    'linalg.vecdot': vecdot,
    'linalg.outer': outer,
    'linalg.tensordot': tensordot,
    'linalg.cross': cross,
    'linalg.trace': trace,
    'linalg.multi_dot': multi_dot,
    'linalg.matrix_power': matrix_power,
    'linalg.norm': norm,
    'linalg.vector_norm': vector_norm,
}
