"""Products and sums with the meaning of numpy: by constants through the solver, of unknowns by multipliers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, contract, exact_matrix, multiply_variables, sum_axes
from da4ml_core.trace.operands import constant, elements, elementwise, normal_axes, normal_axis, number, shape_of, tree
from da4ml_core.trace.reductions import accumulation, masked, reduction
from da4ml_core.trace.selection import ONE, ZERO
from da4ml_core.trace.variable import Variable

_LABELS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
SOLVED_PREFIXES = 32  # running sums of more terms are a prefix network: the triangle of ones grows as the square


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
    """a ** exponent, of constant exponents that are whole numbers and not negative."""
    exponents = constant('the exponent of a power', exponent)
    product = partial(multiply_variables, context.graph, context.solver)
    return elementwise(
        lambda x, count: tree(product, [x] * int(count)) if count else ONE, elements(context, a), exponents
    )


def is_product(exponent: Any) -> bool:
    """Whether a power to an exponent is made of products."""
    numbers = np.asarray(exponent)
    return numbers.dtype.kind in 'iuf' and bool(
        ((numbers >= 0) & (numbers < 1 << 16) & (numbers == np.rint(numbers))).all()
    )


def sum_array(
    context: Context,
    a: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> ObjectArray:
    """The sum over one, several or all axes, as numpy.sum."""
    source = masked(context, elements(context, a), where, ZERO)
    axes = normal_axes(source.ndim, axis)
    total = sum_axes(context.graph, context.solver, source, axes)
    if keepdims:
        total = total.reshape([1 if place in axes else extent for place, extent in enumerate(source.shape)])
    start = number(context, initial)
    return elementwise(lambda x: context.graph.add(x, start), total)


def product(
    context: Context,
    a: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> ObjectArray:
    """numpy.prod, as a balanced tree."""

    def times(graph: Graph, a: Variable, b: Variable) -> Variable:
        return multiply_variables(graph, context.solver, a, b)

    return reduction(times, ONE)(context, a, axis, keepdims=keepdims, initial=initial, where=where)  # type: ignore[no-any-return]


def cumulative_product(context: Context, a: Any, axis: Any = None, dtype: None = None, out: None = None) -> ObjectArray:
    def times(graph: Graph, a: Variable, b: Variable) -> Variable:
        return multiply_variables(graph, context.solver, a, b)

    return accumulation(times)(context, a, axis)  # type: ignore[no-any-return]


def mean(
    context: Context,
    a: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    keepdims: bool = False,
    where: Any = True,
) -> ObjectArray:
    """numpy.mean; refused where the number of elements is no power of two, for the result would not be exact."""
    total = sum_array(context, a, axis, keepdims=keepdims, where=where)
    counted = np.broadcast_to(constant('the condition of a mean', where), shape_of(a))
    counts = np.sum(counted, axis=normal_axes(counted.ndim, axis), keepdims=keepdims, dtype=int)
    return elementwise(lambda x, count: x.scaled(-exact_log2(int(count))), total, counts)


def exact_log2(count: int) -> int:
    """The power of two that a number of values is; raises where a division by it is not exact."""
    if count < 1 or count & (count - 1):
        raise UnsupportedOperation(
            f'the mean of {count} values has no exact fixed-point result',
            location=user_location(),
            hint='multiply the sum by a reciprocal that is quantized',
        )
    return count.bit_length() - 1


def cumulative_sum(context: Context, a: Any, axis: Any = None, dtype: None = None, out: None = None) -> ObjectArray:
    """numpy.cumsum: one product with a triangle of ones a row, as long as that is small."""
    source = elements(context, a)
    if axis is None:
        source, axis = source.reshape(-1), 0
    axis = normal_axis(source.ndim, axis)
    rows = np.moveaxis(source, axis, -1)
    if not 0 < rows.shape[-1] <= SOLVED_PREFIXES:
        return accumulation(lambda graph, a, b: graph.add(a, b))(context, Elements(context, source), axis)  # type: ignore[no-any-return]
    ones = exact_matrix(np.triu(np.ones((rows.shape[-1],) * 2)))
    labels = _LABELS[: rows.ndim]
    sums = contract(context.graph, context.solver, f'{labels},{labels[-1]}Z->{labels[:-1]}Z', rows, ones)
    return np.moveaxis(sums, -1, axis)
