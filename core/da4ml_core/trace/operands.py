"""The operands of numpy functions as variables, and functions of variables element by element."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.linear import ObjectArray, check_size, constant_array, exact_matrix
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.variable import Variable

Handler = Callable[..., Any]  # of the context and the arguments of a numpy function: arrays of variables


def elements(context: Context, operand: Any) -> ObjectArray:
    """The variables of a symbolic or constant operand; raises for another program's or un-quantized values."""
    if not isinstance(operand, Elements):
        return constant_variables(exact_matrix(operand))
    if operand.context is not context:
        raise TraceError('arrays of two different programs cannot be combined', location=user_location())
    if operand.is_external:
        raise UnsupportedOperation(
            'arithmetic on an input that is not quantized has no exact fixed-point meaning',
            location=user_location(),
            hint='call .quantize(...) on the input first',
        )
    return operand.elements


def number(context: Context, operand: Any) -> Variable:
    """The variable of an operand without axes."""
    array = elements(context, operand)
    if array.ndim:
        raise UnsupportedOperation(
            f'a single number is needed, not an array of shape {array.shape}', location=user_location()
        )
    variable: Variable = array.reshape(-1)[0]
    return variable


def is_truth(operand: Any) -> bool:
    """Whether numpy would say that an operand is of type bool."""
    return operand.truth if isinstance(operand, Elements) else np.asarray(operand).dtype == np.bool_


def shape_of(operand: Any) -> tuple[int, ...]:
    return operand.shape if isinstance(operand, Elements) else np.shape(operand)


def constant(what: str, argument: Any) -> Any:
    """An argument of a numpy function as an array of numbers; raises where it is symbolic."""
    if isinstance(argument, Elements):
        raise UnsupportedOperation(
            f'{what} must be known while tracing: it cannot be symbolic', location=user_location()
        )
    return constant_array(argument)


def normal_axes(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes that an argument names, none twice, as numpy numbers and refuses them; None is all."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(
        range(ndim)[operator.index(number)] if -ndim <= number < ndim else _no_axis(number, ndim) for number in given
    )
    if len(set(axes)) != len(axes):
        raise UnsupportedOperation(f'the axes {axis} name one axis twice', location=user_location())
    return axes


def normal_axis(ndim: int, axis: Any) -> int:
    return normal_axes(ndim, operator.index(axis))[0]


def _no_axis(number: Any, ndim: int) -> int:
    raise UnsupportedOperation(f'axis {number} is out of bounds for an array of {ndim} axes', location=user_location())


def rows_along(array: ObjectArray, axes: Sequence[int]) -> tuple[ObjectArray, tuple[int, ...]]:
    """The elements that share all but some axes as rows, and the shape of what is left."""
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    shape = tuple(array.shape[axis] for axis in kept)
    return array.transpose([*kept, *axes]).reshape(prod(shape), prod(array.shape[axis] for axis in axes)), shape


def as_scalar(element: Any) -> ObjectArray:
    array = np.empty(1, dtype=object)
    array[0] = element  # a variable is a tuple, which numpy would spread over a 0-d array
    return array.reshape(())


def elementwise(function: Callable[..., Variable], *operands: ObjectArray) -> ObjectArray:
    """A function of variables on arrays that broadcast."""
    check_size(np.broadcast_shapes(*(operand.shape for operand in operands)))
    arrays = np.broadcast_arrays(*operands)
    result = np.empty(arrays[0].shape, dtype=object)
    flat = result.reshape(-1)
    for position, variables in enumerate(zip(*(array.flat for array in arrays), strict=True)):
        flat[position] = function(*variables)
    return result


def handler(function: Callable[..., Variable]) -> Handler:
    """A function of the graph and variables as a numpy function of arrays that broadcast."""

    def apply(context: Context, *operands: Any) -> ObjectArray:
        arrays = [elements(context, operand) for operand in operands]
        return elementwise(lambda *variables: function(context.graph, *variables), *arrays)

    return apply


def tree(function: Callable[[Any, Any], Any], items: list[Any]) -> Any:
    """The items combined in pairs of neighbours, and those again, down to one."""
    while len(items) > 1:
        paired = [function(items[place], items[place + 1]) for place in range(0, len(items) - 1, 2)]
        items = [*paired, *items[2 * len(paired) :]]
    return items[0]
