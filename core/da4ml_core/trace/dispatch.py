"""What numpy's functions mean on symbolic arrays: one table entry for each function that tracing accepts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.fixed import Rounding
from da4ml_core.ir.opcode import BitFunction
from da4ml_core.trace import bits, ordering, products, selection
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, exact_matrix
from da4ml_core.trace.operands import Handler, handler
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.reductions import reduction
from da4ml_core.trace.variable import External, Variable


def call_ufunc(
    context: Context, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> ObjectArray:
    """A ufunc on symbolic arrays; raises UnsupportedOperation with the user's line for one that has no meaning here."""
    name = ufunc.__name__
    reduce = _REDUCTIONS.get(ufunc) if method == 'reduce' else None
    if reduce is not None and not set(kwargs) - {'axis', 'keepdims'}:
        with context.user_origin():
            return reduce(context, *inputs, **{'axis': 0, **kwargs})
    traced = _UFUNCS.get(ufunc)
    if traced is None or method != '__call__' or kwargs:
        call = name if method == '__call__' else f'{name}.{method}'
        options = f' with {", ".join(kwargs)}' if kwargs and traced is not None else ''
        raise _unsupported(f'numpy.{call}{options}', name)
    with context.user_origin():
        return traced(context, *inputs)


def call_function(
    context: Context, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """A numpy function on symbolic arrays: arithmetic from the table, rearrangement by numpy itself."""
    traced = _FUNCTIONS.get(function)
    if traced is not None:
        try:
            inspect.signature(traced).bind(context, *args, **kwargs)
        except TypeError as cause:
            raise UnsupportedOperation(
                f'numpy.{function.__name__} on a symbolic array with these arguments cannot be traced: {cause}',
                location=user_location(),
            ) from None
        with context.user_origin():
            return traced(context, *args, **kwargs)
    if function in _REARRANGEMENTS:
        return _rearrange(context, function, args, kwargs)
    raise _unsupported(f'numpy.{function.__name__}', function.__name__)


def _unsupported(what: str, name: str) -> UnsupportedOperation:
    known = [*(ufunc.__name__ for ufunc in _UFUNCS), *(f.__name__ for f in (*_FUNCTIONS, *_REARRANGEMENTS))]
    close = get_close_matches(name, known, 1)
    return UnsupportedOperation(
        f'{what} on a symbolic array cannot be traced',
        location=user_location(),
        hint=f'did you mean {close[0]}?' if close and close[0] != name else '',
        notes=[f'traceable: {", ".join(sorted(set(known)))}'],
    )


def _rearrange(context: Context, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Let numpy move the elements themselves about; constants among them become symbolic."""

    def opened(argument: Any) -> Any:
        if isinstance(argument, Elements):
            if argument.context is not context:
                raise TraceError('arrays of two different programs cannot be combined', location=user_location())
            return argument.elements
        if isinstance(argument, (list, tuple)) and any(_contains_symbolic(item) for item in argument):
            return [
                opened(item) if _contains_symbolic(item) else constant_variables(exact_matrix(item))
                for item in argument
            ]
        return argument

    return function(*(opened(argument) for argument in args), **{key: opened(kwargs[key]) for key in kwargs})


def _contains_symbolic(argument: Any) -> bool:
    if isinstance(argument, (list, tuple)) and not isinstance(argument, (Variable, External)):
        return any(_contains_symbolic(item) for item in argument)
    return isinstance(argument, Elements)


def _graph_add(graph: Graph, a: Variable, b: Variable) -> Variable:
    return graph.add(a, b)


def _subtract(graph: Graph, a: Variable, b: Variable) -> Variable:
    return graph.add(a, b.scaled(0, True))


_MAXIMUM, _MINIMUM = reduction(selection.maximum), reduction(selection.minimum)
_ALL, _ANY = (
    reduction(selection.logical_and, on_bits=True),
    reduction(selection.logical_or, on_bits=True),
)
_ROUND_HALF_EVEN = handler(selection.rounded(Rounding.RND_CONV))
_TRUNCATE = handler(selection.rounded(Rounding.TRN_ZERO))


def _not_(function: Callable[[Graph, Variable, Variable], Variable]) -> Handler:
    return handler(lambda graph, a, b: selection.negation(function(graph, a, b)))


def _unequal(graph: Graph, a: Variable, b: Variable) -> Variable:
    return selection.nonzero(graph, _subtract(graph, a, b))


_UFUNCS: Mapping[Any, Handler] = {
    np.add: handler(_graph_add),
    np.subtract: handler(_subtract),
    np.negative: handler(lambda graph, a: a.scaled(0, True)),
    np.positive: handler(lambda graph, a: a),
    np.multiply: products.multiply,
    np.true_divide: products.divide,
    np.square: products.square,
    np.power: products.power,
    np.matmul: products.matmul,
    np.maximum: handler(selection.maximum),
    np.minimum: handler(selection.minimum),
    np.absolute: handler(selection.absolute),
    np.sign: handler(selection.sign),
    np.less: handler(selection.less),
    np.greater: handler(lambda graph, a, b: selection.less(graph, b, a)),
    np.greater_equal: _not_(selection.less),
    np.less_equal: _not_(lambda graph, a, b: selection.less(graph, b, a)),
    np.not_equal: handler(_unequal),
    np.equal: _not_(_unequal),
    np.logical_not: handler(lambda graph, a: selection.negation(selection.nonzero(graph, a))),
    np.logical_and: handler(selection.logical_and),
    np.logical_or: handler(selection.logical_or),
    np.logical_xor: handler(selection.logical_xor),
    np.bitwise_and: handler(bits.bitwise(BitFunction.AND)),
    np.bitwise_or: handler(bits.bitwise(BitFunction.OR)),
    np.bitwise_xor: handler(bits.bitwise(BitFunction.XOR)),
    np.invert: handler(bits.invert),
    np.left_shift: bits.shift(left=True),
    np.right_shift: bits.shift(left=False),
    np.floor: handler(selection.rounded(Rounding.TRN)),
    np.ceil: handler(selection.ceil),
    np.rint: _ROUND_HALF_EVEN,
    np.trunc: _TRUNCATE,
}
_REDUCTIONS: Mapping[Any, Handler] = {
    np.add: products.sum_array,
    np.maximum: _MAXIMUM,
    np.minimum: _MINIMUM,
    np.logical_and: _ALL,
    np.logical_or: _ANY,
    np.bitwise_and: reduction(bits.bitwise(BitFunction.AND)),
    np.bitwise_or: reduction(bits.bitwise(BitFunction.OR)),
    np.bitwise_xor: reduction(bits.bitwise(BitFunction.XOR)),
}
_FUNCTIONS: Mapping[Any, Handler] = {
    np.sum: products.sum_array,
    np.mean: products.mean,
    np.prod: products.product,
    np.cumsum: products.cumulative_sum,
    np.dot: products.dot,
    np.einsum: products.einsum,
    np.inner: products.inner,
    np.outer: products.outer,
    np.tensordot: products.tensordot,
    np.convolve: products.convolve,
    np.max: _MAXIMUM,
    np.amax: _MAXIMUM,
    np.min: _MINIMUM,
    np.amin: _MINIMUM,
    np.all: _ALL,
    np.any: _ANY,
    np.argmax: selection.arg_extremum(largest=True),
    np.argmin: selection.arg_extremum(largest=False),
    np.clip: selection.clip,
    np.where: selection.where,
    np.round: _ROUND_HALF_EVEN,
    np.sort: ordering.sort,
    np.pad: ordering.pad,
    np.fix: _TRUNCATE,
}
_REARRANGEMENTS = frozenset(
    {
        np.reshape,
        np.ravel,
        np.transpose,
        np.moveaxis,
        np.swapaxes,
        np.expand_dims,
        np.squeeze,
        np.broadcast_to,
        np.concatenate,
        np.stack,
        np.vstack,
        np.hstack,
        np.split,
        np.array_split,
        np.take,
        np.repeat,
        np.tile,
        np.roll,
        np.flip,
        np.diagonal,
    }
)
