"""Products and sums with the meaning of numpy: by constants through the solver, of unknowns by multipliers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import (
    ObjectArray,
    contract,
    contract_variables,
    exact_matrix,
    multiply_variables,
    sum_axes,
)
from da4ml_core.trace.operands import elements, elementwise
from da4ml_core.trace.reductions import reduction, tree
from da4ml_core.trace.variable import Variable

_LABELS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'


def multiply(context: Context, a: Any, b: Any) -> ObjectArray:
    if isinstance(a, Elements) and isinstance(b, Elements):
        product = partial(multiply_variables, context.graph, context.solver)
        return elementwise(product, elements(context, a), elements(context, b))
    symbolic, constant = (a, b) if isinstance(a, Elements) else (b, a)
    left, right = np.broadcast_arrays(elements(context, symbolic), exact_matrix(constant))
    labels = _LABELS[: left.ndim]
    equation = f'{labels},{labels}->{labels}'
    return contract(context.graph, context.solver, equation, left, right)


def square(context: Context, a: Any) -> ObjectArray:
    return multiply(context, a, a)


def power(context: Context, a: Any, exponent: Any) -> ObjectArray:
    count = exponent if isinstance(exponent, (int, np.integer)) and not isinstance(exponent, bool) else None
    if count is None or count < 1:
        raise UnsupportedOperation(
            'a power is traced only for a constant exponent that is a positive integer', location=user_location()
        )
    product = partial(multiply_variables, context.graph, context.solver)
    return elementwise(lambda x: tree(product, [x] * int(count)), elements(context, a))


def divide(context: Context, a: Any, b: Any) -> ObjectArray:
    if isinstance(b, Elements):
        raise UnsupportedOperation('division by a symbolic value cannot be traced', location=user_location())
    divisor = exact_matrix(b)
    if not all(divisor.flat):
        raise UnsupportedOperation('division by zero', location=user_location())
    inverse = np.empty(divisor.shape, dtype=object)
    for position, number in enumerate(divisor.flat):
        inverse.reshape(-1)[position] = 1 / number
    return multiply(context, a, exact_matrix(inverse))


def matmul(context: Context, a: Any, b: Any) -> ObjectArray:
    a_ndim, b_ndim = np.ndim(a) if not isinstance(a, Elements) else a.ndim, _ndim(b)
    if a_ndim == 0 or b_ndim == 0:
        raise UnsupportedOperation('matmul needs arrays, not scalars', location=user_location())
    stack = _LABELS[: max(a_ndim - 2, b_ndim - 2, 0)]
    left = stack[len(stack) - max(a_ndim - 2, 0) :] + ('y' if a_ndim > 1 else '') + 'k'
    right = stack[len(stack) - max(b_ndim - 2, 0) :] + 'k' + ('z' if b_ndim > 1 else '')
    output = stack + ('y' if a_ndim > 1 else '') + ('z' if b_ndim > 1 else '')
    return einsum(context, f'{left},{right}->{output}', a, b)


def _ndim(operand: Any) -> int:
    return operand.ndim if isinstance(operand, Elements) else np.ndim(operand)


def dot(context: Context, a: Any, b: Any) -> ObjectArray:
    if _ndim(a) == 0 or _ndim(b) == 0:
        return multiply(context, a, b)
    if _ndim(b) <= 2:
        return matmul(context, a, b)
    left = _LABELS[: _ndim(a) - 1]
    right = _LABELS[_ndim(a) : _ndim(a) + _ndim(b)]
    summed = right[-2]
    return einsum(context, f'{left}{summed},{right}->{left}{right.replace(summed, "")}', a, b)


def einsum(context: Context, equation: Any, *operands: Any, **kwargs: Any) -> ObjectArray:
    if not isinstance(equation, str) or len(operands) != 2 or set(kwargs) - {'optimize'}:
        raise UnsupportedOperation('einsum is traced with an equation and two operands', location=user_location())
    terms, output = _explicit(equation.replace(' ', ''), [_ndim(operand) for operand in operands])
    for labels, operand in zip(terms, operands, strict=True):
        if len(set(labels)) != len(labels):
            raise UnsupportedOperation(f'einsum {equation!r} repeats a label in one operand', location=user_location())
        if len(labels) != _ndim(operand):
            raise UnsupportedOperation(
                f'einsum term {labels!r} does not fit an operand of {_ndim(operand)} axes', location=user_location()
            )
    unknown_label = set(output) - set(''.join(terms))
    if unknown_label:
        raise UnsupportedOperation(f'einsum {equation!r} has an unknown output label', location=user_location())
    if all(isinstance(operand, Elements) for operand in operands):
        x, y = (elements(context, operand) for operand in operands)
        _check_extents(equation, terms[0], x.shape, terms[1], y.shape)
        return contract_variables(context.graph, context.solver, f'{terms[0]},{terms[1]}->{output}', x, y)
    symbolic_first = isinstance(operands[0], Elements)
    left, right = terms if symbolic_first else terms[::-1]
    symbolic, constant = operands if symbolic_first else operands[::-1]
    a, b = elements(context, symbolic), exact_matrix(constant)
    _check_extents(equation, left, a.shape, right, b.shape)
    return contract(context.graph, context.solver, f'{left},{right}->{output}', a, b)


def _explicit(equation: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """Terms and output of an einsum equation, its ellipsis and its implicit output written out."""
    inputs, arrow, output = equation.partition('->')
    terms = inputs.split(',')
    if len(terms) != 2:
        raise UnsupportedOperation(f'einsum {equation!r} does not have two terms', location=user_location())
    free = [label for label in _LABELS if label not in equation]
    width = max((ndim - len(term) + 3 for term, ndim in zip(terms, ndims, strict=True) if '...' in term), default=0)
    stack = ''.join(free[:width])
    terms = [
        term.replace('...', stack[len(stack) - (ndim - len(term) + 3) :] if '...' in term else '')
        for term, ndim in zip(terms, ndims, strict=True)
    ]
    if not arrow:
        labels = ''.join(terms)
        output = stack + ''.join(sorted(label for label in set(labels) if labels.count(label) == 1))
    return terms, output.replace('...', stack)


def _check_extents(equation: str, left: str, left_shape: Sequence[int], right: str, right_shape: Sequence[int]) -> None:
    extents = dict(zip(left, left_shape, strict=True))
    for label, extent in zip(right, right_shape, strict=True):
        if extents.setdefault(label, extent) != extent:
            raise UnsupportedOperation(
                f'axis {label!r} of einsum {equation!r} is {extents[label]} in one operand and {extent} in the other',
                location=user_location(),
            )


def sum_array(
    context: Context,
    array: Any,
    axis: int | tuple[int, ...] | None = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **kwargs: Any,
) -> ObjectArray:
    """The sum over one, several or all axes, as numpy.sum."""
    if dtype is not None or out is not None or kwargs:
        raise UnsupportedOperation(
            'numpy.sum with dtype, out, initial or where cannot be traced', location=user_location()
        )
    source = elements(context, array)
    given = range(source.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [number % source.ndim for number in given]
    total = sum_axes(context.graph, context.solver, source, axes)
    if keepdims:
        total = total.reshape([1 if number in axes else extent for number, extent in enumerate(source.shape)])
    return total


def product(context: Context, array: Any, axis: Any = None, keepdims: bool = False) -> ObjectArray:
    """numpy.prod, as a balanced tree."""

    def times(graph: Graph, a: Variable, b: Variable) -> Variable:
        return multiply_variables(graph, context.solver, a, b)

    return reduction(times)(context, array, axis, keepdims=keepdims)


def mean(context: Context, array: Any, axis: Any = None, keepdims: bool = False) -> ObjectArray:
    """numpy.mean; refused where the number of elements is no power of two, for the result would not be exact."""
    total = sum_array(context, array, axis, keepdims=keepdims)
    count = elements(context, array).size // max(total.size, 1)
    if count < 1 or count & (count - 1):
        raise UnsupportedOperation(
            f'the mean of {count} values has no exact fixed-point result',
            location=user_location(),
            hint='multiply the sum by a reciprocal that is quantized',
        )
    return elementwise(lambda x: x.scaled(1 - count.bit_length()), total)


def cumulative_sum(context: Context, array: Any, axis: int | None = None) -> ObjectArray:
    """numpy.cumsum: one product with a triangle of ones a row."""
    source = elements(context, array)
    if axis is None:
        source, axis = source.reshape(-1), 0
    rows = np.moveaxis(source, axis, -1)
    ones = exact_matrix(np.triu(np.ones((rows.shape[-1],) * 2)))
    labels = _LABELS[: rows.ndim]
    sums = contract(context.graph, context.solver, f'{labels},{labels[-1]}Z->{labels[:-1]}Z', rows, ones)
    return np.moveaxis(sums, -1, axis)


def inner(context: Context, a: Any, b: Any) -> ObjectArray:
    """numpy.inner: the sum over the last axes of both."""
    if _ndim(a) == 0 or _ndim(b) == 0:
        return multiply(context, a, b)
    left, right = _LABELS[: _ndim(a) - 1], _LABELS[_ndim(a) : _ndim(a) + _ndim(b) - 1]
    return einsum(context, f'{left}Z,{right}Z->{left}{right}', a, b)


def outer(context: Context, a: Any, b: Any) -> ObjectArray:
    """numpy.outer of both arrays, flattened."""
    flat = [
        Elements(context, operand.elements.reshape(-1)) if isinstance(operand, Elements) else np.ravel(operand)
        for operand in (a, b)
    ]
    return einsum(context, 'x,y->xy', *flat)


def tensordot(context: Context, a: Any, b: Any, axes: Any = 2) -> ObjectArray:
    """numpy.tensordot: axes are a count, or the axes of either operand."""
    if isinstance(axes, int):
        pairs: tuple[Any, Any] = (range(_ndim(a) - axes, _ndim(a)), range(axes))
    else:
        pairs = tuple([axis] if isinstance(axis, int) else axis for axis in axes)  # type: ignore[assignment]
    left, right = list(_LABELS[: _ndim(a)]), list(_LABELS[_ndim(a) : _ndim(a) + _ndim(b)])
    for x, y in zip(*pairs, strict=True):
        right[y] = left[x]
    free = [label for label in left if label not in right] + [label for label in right if label not in left]
    return einsum(context, f'{"".join(left)},{"".join(right)}->{"".join(free)}', a, b)


def convolve(context: Context, a: Any, v: Any, mode: str = 'full') -> ObjectArray:
    """numpy.convolve of a symbolic vector and a constant one, either way round."""
    if isinstance(a, Elements) and isinstance(v, Elements):
        raise UnsupportedOperation('a convolution of two symbolic arrays cannot be traced', location=user_location())
    symbolic, constant = (a, v) if isinstance(a, Elements) else (v, a)
    x, taps = elements(context, symbolic), exact_matrix(constant)
    if x.ndim != 1 or taps.ndim != 1 or mode not in ('full', 'same', 'valid'):
        raise UnsupportedOperation(
            "numpy.convolve takes two vectors and a mode 'full', 'same' or 'valid'", location=user_location()
        )
    columns = np.full((len(x), len(x) + len(taps) - 1), Fraction(0), dtype=object)
    for row in range(len(x)):
        columns[row, row : row + len(taps)] = taps
    longest, shortest = max(len(x), len(taps)), min(len(x), len(taps))
    start = {'full': 0, 'same': (shortest - 1) // 2, 'valid': shortest - 1}[mode]
    length = {'full': columns.shape[1], 'same': longest, 'valid': longest - shortest + 1}[mode]
    return contract(context.graph, context.solver, 'x,xy->y', x, columns[:, start : start + length])
