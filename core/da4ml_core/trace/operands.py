"""The operands of numpy functions as variables, and functions of variables element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.linear import ObjectArray, check_size, exact_matrix
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.variable import Variable

Handler = Callable[..., ObjectArray]  # of the context and the arguments of a numpy function


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
