"""The products of numpy that are spelled as einsum: of matrices, vectors, axes, and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.einsum import LABELS, einsum
from da4ml_core.trace.linear import ObjectArray, constant_array, contract, contract_variables, exact_matrix, sum_axes
from da4ml_core.trace.operands import elements, elementwise, normal_axes, normal_axis, shape_of
from da4ml_core.trace.products import multiply
from da4ml_core.trace.variable import Variable


def matmul(context: Context, a: Any, b: Any) -> ObjectArray:
    x, y = shape_of(a), shape_of(b)
    if not x or not y:
        raise UnsupportedOperation('matmul needs arrays, not scalars', location=user_location())
    _check_core('matmul', x[-1:], y[-2:][:1])
    return einsum(context, f'...{"y" if len(x) > 1 else ""}k,...k{"z" if len(y) > 1 else ""}->{_core(x, y)}', a, b)


def _core(x: Sequence[int], y: Sequence[int]) -> str:
    return '...' + ('y' if len(x) > 1 else '') + ('z' if len(y) > 1 else '')


def vecdot(context: Context, a: Any, b: Any) -> ObjectArray:
    """The sums over the last axes of both, which broadcast otherwise."""
    _check_core('vecdot', shape_of(a)[-1:], shape_of(b)[-1:])
    return einsum(context, '...k,...k->...', a, b)


def matvec(context: Context, a: Any, b: Any) -> ObjectArray:
    _check_core('matvec', shape_of(a)[-1:], shape_of(b)[-1:])
    return einsum(context, '...yk,...k->...y', a, b)


def vecmat(context: Context, a: Any, b: Any) -> ObjectArray:
    _check_core('vecmat', shape_of(a)[-1:], shape_of(b)[-2:-1])
    return einsum(context, '...k,...kz->...z', a, b)


def dot(context: Context, a: Any, b: Any, out: None = None) -> ObjectArray:
    x, y = shape_of(a), shape_of(b)
    if not x or not y:
        return multiply(context, a, b)
    return tensordot(context, a, b, ([len(x) - 1], [max(len(y) - 2, 0)]))


def inner(context: Context, a: Any, b: Any) -> ObjectArray:
    """numpy.inner: the sum over the last axes of both."""
    if not shape_of(a) or not shape_of(b):
        return multiply(context, a, b)
    return tensordot(context, a, b, ([-1], [-1]))


def vdot(context: Context, a: Any, b: Any) -> ObjectArray:
    """numpy.vdot: the inner product of both, flattened."""
    return inner(context, flat(context, a), flat(context, b))


def outer(context: Context, a: Any, b: Any, out: None = None) -> ObjectArray:
    """numpy.outer of both arrays, flattened."""
    return tensordot(context, flat(context, a), flat(context, b), 0)


def flat(context: Context, operand: Any) -> Any:
    """A symbolic or constant operand as a vector."""
    return (
        Elements(context, operand.elements.reshape(-1))
        if isinstance(operand, Elements)
        else constant_array(operand).reshape(-1)
    )


def tensordot(context: Context, a: Any, b: Any, axes: Any = 2) -> ObjectArray:
    """numpy.tensordot: axes are a count, or the axes of either operand."""
    x, y = shape_of(a), shape_of(b)
    if isinstance(axes, (int, np.integer)):
        pairs: tuple[Any, Any] = (range(len(x) - int(axes), len(x)), range(int(axes)))
    else:
        first, second = axes
        pairs = (first, second)
    summed, others = (normal_axes(len(s), tuple(np.atleast_1d(p))) for s, p in zip((x, y), pairs, strict=True))
    _check_core('tensordot', [x[axis] for axis in summed], [y[axis] for axis in others])
    left, right = list(LABELS[: len(x)]), list(LABELS[len(x) : len(x) + len(y)])
    for axis, other in zip(summed, others, strict=True):
        right[other] = left[axis]
    free = [label for label in left if label not in right] + [label for label in right if label not in left]
    return einsum(context, f'{"".join(left)},{"".join(right)}->{"".join(free)}', a, b)


def _check_core(name: str, a: Sequence[int], b: Sequence[int]) -> None:
    if tuple(a) != tuple(b):
        raise UnsupportedOperation(
            f'{name} sums over axes of {tuple(a)} in one operand and {tuple(b)} in the other', location=user_location()
        )


def kron(context: Context, a: Any, b: Any) -> ObjectArray:
    """numpy.kron: every element of one times the whole of the other."""
    ndim = max(len(shape_of(a)), len(shape_of(b)))
    x, y = ([1] * (ndim - len(shape_of(operand))) + list(shape_of(operand)) for operand in (a, b))
    products = outer(context, a, b).reshape([*x, *y])
    order = [axis for pair in zip(range(ndim), range(ndim, 2 * ndim), strict=True) for axis in pair]
    return products.transpose(order).reshape([m * n for m, n in zip(x, y, strict=True)])


def cross(
    context: Context, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> ObjectArray:
    """numpy.cross of vectors of three components."""
    if axis is not None:
        axisa = axisb = axisc = axis
    parts = []
    for operand, place in ((a, axisa), (b, axisb)):
        source = elements(context, operand)
        source = np.moveaxis(source, normal_axis(source.ndim, place), -1)
        if source.shape[-1] != 3:
            raise UnsupportedOperation('numpy.cross is traced for vectors of 3 components', location=user_location())
        parts.append(
            Elements(context, source)
            if isinstance(operand, Elements)
            else exact_matrix(np.moveaxis(constant_array(operand), place, -1))
        )
    signs = np.zeros((3, 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        signs[i, j, k], signs[j, i, k] = 1, -1
    result = einsum(context, '...i,...j,ijk->...k', parts[0], parts[1], signs)
    return np.moveaxis(result, -1, axisc)


def trace(
    context: Context, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: None = None, out: None = None
) -> ObjectArray:
    """numpy.trace: the sums of diagonals."""
    diagonals = np.diagonal(elements(context, a), offset, axis1, axis2)
    return sum_axes(context.graph, context.solver, diagonals, [diagonals.ndim - 1])


def convolve(context: Context, a: Any, v: Any, mode: str = 'full') -> ObjectArray:
    """numpy.convolve of two vectors; a number is one of length 1."""
    a, v = (x if shape_of(x) else flat(context, x) for x in (a, v))
    whole = _convolved(context, a, v, mode)
    longest, shortest = _lengths(a, v)
    start = {'full': 0, 'same': (shortest - 1) // 2, 'valid': shortest - 1}[mode]
    return whole[start : start + _extent(longest, shortest, mode)]


def correlate(context: Context, a: Any, v: Any, mode: str = 'valid') -> ObjectArray:
    """numpy.correlate of two vectors."""
    reverse = Elements(context, v.elements[::-1]) if isinstance(v, Elements) else constant_array(v)[::-1]
    whole = _convolved(context, a, reverse, mode)
    longest, shortest = _lengths(a, v)
    start = {'full': 0, 'same': (shortest - 1) - shortest // 2, 'valid': shortest - 1}[mode]
    length = _extent(longest, shortest, mode)
    if len(shape_of(a)) and shape_of(a)[0] < shape_of(v)[0]:
        start = len(whole) - start - length
    return whole[start : start + length]


def _lengths(a: Any, v: Any) -> tuple[int, int]:
    lengths = shape_of(a)[0], shape_of(v)[0]
    return max(lengths), min(lengths)


def _extent(longest: int, shortest: int, mode: str) -> int:
    return {'full': longest + shortest - 1, 'same': longest, 'valid': longest - shortest + 1}[mode]


def _convolved(context: Context, a: Any, v: Any, mode: str) -> ObjectArray:
    """The whole convolution: one product with a band matrix of the vector that is constant, or of the second."""
    shapes = shape_of(a), shape_of(v)
    if any(len(shape) != 1 or shape[0] == 0 for shape in shapes) or mode not in ('full', 'same', 'valid'):
        raise UnsupportedOperation(
            "a convolution takes two vectors and a mode 'full', 'same' or 'valid'", location=user_location()
        )
    if not isinstance(a, Elements):
        a, v = v, a
    x = elements(context, a)
    taps = elements(context, v) if isinstance(v, Elements) else exact_matrix(v)
    zero: Any = Variable() if isinstance(v, Elements) else Fraction(0)
    band = elementwise(lambda _: zero, np.zeros((len(x), len(x) + len(taps) - 1)))
    for row in range(len(x)):
        band[row, row : row + len(taps)] = taps
    multiplied = contract_variables if isinstance(v, Elements) else contract
    return multiplied(context.graph, context.solver, 'x,xy->y', x, band)
