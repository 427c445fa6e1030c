"""What numpy's functions mean on symbolic arrays: one table entry for each function that tracing accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.linear import ObjectArray, contract, exact_matrix, sum_axes
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.variable import External, Variable

_LABELS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'


def call_ufunc(
    context: Context, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> ObjectArray:
    """A ufunc on symbolic arrays; raises UnsupportedOperation with the user's line for one that has no meaning here."""
    name = ufunc.__name__
    if method == 'reduce' and ufunc is np.add:
        return sum_array(context, *inputs, **kwargs)
    handler = _UFUNCS.get(ufunc)
    if handler is None or method != '__call__' or kwargs:
        call = name if method == '__call__' else f'{name}.{method}'
        options = f' with {", ".join(kwargs)}' if kwargs and handler is not None else ''
        raise _unsupported(f'numpy.{call}{options}', name)
    with context.user_origin():
        return handler(context, *inputs)


def call_function(
    context: Context, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """A numpy function on symbolic arrays: arithmetic from the table, rearrangement by numpy itself."""
    handler = _FUNCTIONS.get(function)
    if handler is not None:
        with context.user_origin():
            return handler(context, *args, **kwargs)
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


def _elementwise(context: Context, function: Callable[[Variable, Variable], Variable], a: Any, b: Any) -> ObjectArray:
    left, right = np.broadcast_arrays(elements(context, a), elements(context, b))
    result = np.empty(left.shape, dtype=object)
    for position, (x, y) in enumerate(zip(left.flat, right.flat, strict=True)):
        result.reshape(-1)[position] = function(x, y)
    return result


def _add(context: Context, a: Any, b: Any) -> ObjectArray:
    return _elementwise(context, context.graph.add, a, b)


def _subtract(context: Context, a: Any, b: Any) -> ObjectArray:
    return _elementwise(context, lambda x, y: context.graph.add(x, y.scaled(0, True)), a, b)


def _negative(context: Context, a: Any) -> ObjectArray:
    return _map(context, lambda x: x.scaled(0, True), a)


def _positive(context: Context, a: Any) -> ObjectArray:
    return _map(context, lambda x: x, a)


def _map(context: Context, function: Callable[[Variable], Variable], a: Any) -> ObjectArray:
    source = elements(context, a)
    result = np.empty(source.shape, dtype=object)
    for position, x in enumerate(source.flat):
        result.reshape(-1)[position] = function(x)
    return result


def _multiply(context: Context, a: Any, b: Any) -> ObjectArray:
    if isinstance(a, Elements) and isinstance(b, Elements):
        raise _product_of_unknowns()
    symbolic, constant = (a, b) if isinstance(a, Elements) else (b, a)
    left, right = np.broadcast_arrays(elements(context, symbolic), exact_matrix(constant))
    labels = _LABELS[: left.ndim]
    equation = f'{labels},{labels}->{labels}'
    return contract(context.graph, context.solver, equation, left, right)


def _divide(context: Context, a: Any, b: Any) -> ObjectArray:
    if isinstance(b, Elements):
        raise UnsupportedOperation('division by a symbolic value cannot be traced', location=user_location())
    divisor = exact_matrix(b)
    if not all(divisor.flat):
        raise UnsupportedOperation('division by zero', location=user_location())
    inverse = np.empty(divisor.shape, dtype=object)
    for position, number in enumerate(divisor.flat):
        inverse.reshape(-1)[position] = 1 / number
    return _multiply(context, a, exact_matrix(inverse))


def _maximum(context: Context, a: Any, b: Any) -> ObjectArray:
    symbolic, other = (a, b) if isinstance(a, Elements) else (b, a)
    if isinstance(other, Elements) or any(exact_matrix(other).flat):
        raise UnsupportedOperation(
            'numpy.maximum is traced only against zero', location=user_location(), hint='use np.maximum(x, 0)'
        )
    return rectify(context, symbolic)


def rectify(context: Context, array: Elements) -> ObjectArray:
    """max(x, 0), element by element."""
    return _map(context, context.graph.relu, array)


def _matmul(context: Context, a: Any, b: Any) -> ObjectArray:
    if isinstance(a, Elements) and isinstance(b, Elements):
        raise _product_of_unknowns()
    a_ndim, b_ndim = np.ndim(a) if not isinstance(a, Elements) else a.ndim, _ndim(b)
    if a_ndim == 0 or b_ndim == 0:
        raise UnsupportedOperation('matmul needs arrays, not scalars', location=user_location())
    stack = _LABELS[: max(a_ndim - 2, b_ndim - 2, 0)]
    left = stack[len(stack) - max(a_ndim - 2, 0) :] + ('y' if a_ndim > 1 else '') + 'k'
    right = stack[len(stack) - max(b_ndim - 2, 0) :] + 'k' + ('z' if b_ndim > 1 else '')
    output = stack + ('y' if a_ndim > 1 else '') + ('z' if b_ndim > 1 else '')
    return _einsum(context, f'{left},{right}->{output}', a, b)


def _ndim(operand: Any) -> int:
    return operand.ndim if isinstance(operand, Elements) else np.ndim(operand)


def _dot(context: Context, a: Any, b: Any) -> ObjectArray:
    if _ndim(a) == 0 or _ndim(b) == 0:
        return _multiply(context, a, b)
    if _ndim(b) <= 2:
        return _matmul(context, a, b)
    left = _LABELS[: _ndim(a) - 1]
    right = _LABELS[_ndim(a) : _ndim(a) + _ndim(b)]
    summed = right[-2]
    return _einsum(context, f'{left}{summed},{right}->{left}{right.replace(summed, "")}', a, b)


def _einsum(context: Context, equation: Any, *operands: Any, **kwargs: Any) -> ObjectArray:
    if not isinstance(equation, str) or len(operands) != 2 or set(kwargs) - {'optimize'}:
        raise UnsupportedOperation('einsum is traced with an equation and two operands', location=user_location())
    if isinstance(operands[0], Elements) and isinstance(operands[1], Elements):
        raise _product_of_unknowns()
    terms, output = _explicit(equation.replace(' ', ''), [_ndim(operand) for operand in operands])
    for labels, operand in zip(terms, operands, strict=True):
        if len(set(labels)) != len(labels):
            raise UnsupportedOperation(f'einsum {equation!r} repeats a label in one operand', location=user_location())
        if len(labels) != _ndim(operand):
            raise UnsupportedOperation(
                f'einsum term {labels!r} does not fit an operand of {_ndim(operand)} axes', location=user_location()
            )
    symbolic_first = isinstance(operands[0], Elements)
    left, right = (terms[0], terms[1]) if symbolic_first else (terms[1], terms[0])
    symbolic, constant = operands if symbolic_first else operands[::-1]
    a, b = elements(context, symbolic), exact_matrix(constant)
    _check_extents(equation, left, a.shape, right, b.shape)
    if set(output) - set(left + right):
        raise UnsupportedOperation(f'einsum {equation!r} has an unknown output label', location=user_location())
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
        raise _unsupported('numpy.sum with dtype, out, initial or where', 'sum')
    source = elements(context, array)
    given = range(source.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [number % source.ndim for number in given]
    total = sum_axes(context.graph, context.solver, source, axes)
    if keepdims:
        total = total.reshape([1 if number in axes else extent for number, extent in enumerate(source.shape)])
    return total


def _product_of_unknowns() -> UnsupportedOperation:
    return UnsupportedOperation(
        'a product of two symbolic values cannot be traced',
        location=user_location(),
        hint='one factor must be constant',
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


_UFUNCS: Mapping[Any, Callable[..., ObjectArray]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.negative: _negative,
    np.positive: _positive,
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.maximum: _maximum,
    np.matmul: _matmul,
}
_FUNCTIONS: Mapping[Any, Callable[..., ObjectArray]] = {
    np.sum: sum_array,
    np.dot: _dot,
    np.einsum: _einsum,
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
