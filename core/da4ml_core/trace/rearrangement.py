"""numpy functions that only move elements about: numpy itself does it, on arrays of symbolic numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.linear import ObjectArray, exact_matrix
from da4ml_core.trace.operands import constant, elements, is_truth
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.variable import External, Variable

# The functions whose first argument (for some, all arguments) holds the elements that are moved.
REARRANGEMENTS = (
    *('reshape', 'ravel', 'transpose', 'permute_dims', 'matrix_transpose', 'moveaxis', 'rollaxis', 'swapaxes'),
    *('expand_dims', 'squeeze', 'atleast_1d', 'atleast_2d', 'atleast_3d', 'broadcast_to', 'broadcast_arrays', 'copy'),
    *('concatenate', 'stack', 'vstack', 'hstack', 'dstack', 'column_stack', 'block', 'meshgrid'),
    *('split', 'array_split', 'vsplit', 'hsplit', 'dsplit', 'unstack'),
    *('repeat', 'tile', 'roll', 'flip', 'fliplr', 'flipud', 'rot90', 'delete', 'resize', 'diagonal'),
    *('linalg.diagonal', 'linalg.matrix_transpose', 'lib.stride_tricks.sliding_window_view'),
)
_VARIADIC = ('broadcast_arrays', 'atleast_1d', 'atleast_2d', 'atleast_3d', 'meshgrid')
_CONDITION = 'the condition, by which the result has its shape,'


def rearrange(context: Context, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Let numpy move the elements themselves about; constants among them become symbolic."""
    many = function.__name__ in _VARIADIC
    arrays = args if many else args[:1]
    others = () if many else args[1:]
    if any(contains_symbolic(x) for x in (*others, *kwargs.values())) or not arrays:
        raise UnsupportedOperation(
            f'numpy.{function.__name__} is traced with its array first, and no other argument that is symbolic',
            location=user_location(),
        )
    return function(*(opened(context, x) for x in arrays), *others, **kwargs)


def opened(context: Context, argument: Any) -> Any:
    """An array, or a sequence of arrays, as arrays of symbolic numbers."""
    if isinstance(argument, Elements):
        if argument.context is not context:
            raise TraceError('arrays of two different programs cannot be combined', location=user_location())
        return argument.elements
    if isinstance(argument, (list, tuple)) and contains_symbolic(argument):
        return [opened(context, item) for item in argument]
    return constant_variables(exact_matrix(argument))


def contains_symbolic(argument: Any) -> bool:
    if isinstance(argument, (list, tuple)) and not isinstance(argument, (Variable, External)):
        return any(contains_symbolic(item) for item in argument)
    return isinstance(argument, Elements)


def holds_truths(argument: Any) -> bool:
    """Whether all arrays in an argument hold what numpy calls bool."""
    if isinstance(argument, (list, tuple)) and contains_symbolic(argument):
        return all(holds_truths(item) for item in argument)
    return is_truth(argument)


def picked(function: Callable[..., Any]) -> Callable[..., ObjectArray]:
    """A function that picks elements by constant arguments, or puts zero, as a function of places: 1, 2, ..., and 0."""

    def apply(context: Context, array: Any, *args: Any, **kwargs: Any) -> ObjectArray:
        source = opened(context, array)
        places = function(np.arange(1, source.size + 1).reshape(source.shape), *args, **kwargs)
        rearranged: ObjectArray = extended(source)[places]
        return rearranged

    return apply


def extended(source: ObjectArray) -> ObjectArray:
    """A zero, and behind it the elements."""
    result = np.empty(source.size + 1, dtype=object)
    result[0] = Variable()
    result[1:] = source.reshape(-1)
    return result


def extract(context: Context, condition: Any, arr: Any) -> ObjectArray:
    """numpy.extract by a constant condition."""
    return compress(context, np.ravel(constant(_CONDITION, condition)), arr)


def compress(context: Context, condition: Any, a: Any, axis: Any = None, out: None = None) -> ObjectArray:
    """numpy.compress by a constant condition."""
    result = np.compress(constant(_CONDITION, condition), opened(context, a), axis)
    return np.asarray(result, dtype=object)


def append(context: Context, arr: Any, values: Any, axis: Any = None) -> ObjectArray:
    return np.asarray(np.append(opened(context, arr), opened(context, values), axis), dtype=object)


def insert(context: Context, arr: Any, obj: Any, values: Any, axis: Any = None) -> ObjectArray:
    return np.asarray(np.insert(opened(context, arr), obj, opened(context, values), axis), dtype=object)


def filled(number: int) -> Callable[..., ObjectArray]:
    """zeros_like and the like: an array of constants, to be assigned to."""

    def like(
        context: Context, a: Any, dtype: None = None, order: str = 'K', subok: bool = True, shape: Any = None
    ) -> ObjectArray:
        return full_like(context, a, number, shape=shape)

    return like


def full_like(
    context: Context,
    a: Any,
    fill_value: Any,
    dtype: None = None,
    order: str = 'K',
    subok: bool = True,
    shape: Any = None,
) -> ObjectArray:
    given = np.broadcast_to(elements(context, fill_value), a.shape if shape is None else shape)
    return given.copy()
