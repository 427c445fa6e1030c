"""What numpy's functions mean on symbolic arrays: one table entry for each function that tracing accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import TraceError, UnsupportedOperation
from da4ml_core.trace.array import SymbolicArray
from da4ml_core.trace.linear import ObjectArray, contract, exact_matrix, sum_axes
from da4ml_core.trace.quantize import constant_variables
from da4ml_core.trace.tracer import Tracer
from da4ml_core.trace.variable import External, Variable

_LABELS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'


def call_ufunc(
    tracer: Tracer, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> SymbolicArray:
    """A ufunc on symbolic arrays; raises UnsupportedOperation with the user's line for one that has no meaning here."""
    name = ufunc.__name__
    if method == 'reduce' and ufunc is np.add:
        return sum_array(tracer, *inputs, **kwargs)
    handler = _UFUNCS.get(ufunc)
    if handler is None or method != '__call__' or kwargs:
        call = name if method == '__call__' else f'{name}.{method}'
        options = f' with {", ".join(kwargs)}' if kwargs and handler is not None else ''
        raise _unsupported(f'numpy.{call}{options}', name)
    with tracer.user_origin():
        return handler(tracer, *inputs)


def call_function(
    tracer: Tracer, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """A numpy function on symbolic arrays: arithmetic from the table, rearrangement by numpy itself."""
    handler = _FUNCTIONS.get(function)
    if handler is not None:
        with tracer.user_origin():
            return handler(tracer, *args, **kwargs)
    if function in _REARRANGEMENTS:
        return _rearrange(tracer, function, args, kwargs)
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


def elements(tracer: Tracer, operand: Any) -> ObjectArray:
    """The variables of a symbolic or constant operand; raises for another program's or un-quantized values."""
    if not isinstance(operand, SymbolicArray):
        return constant_variables(exact_matrix(operand))
    if operand.tracer is not tracer:
        raise TraceError('arrays of two different programs cannot be combined', location=user_location())
    if operand.is_external:
        raise UnsupportedOperation(
            'arithmetic on an input that is not quantized has no exact fixed-point meaning',
            location=user_location(),
            hint='call .quantize(...) on the input first',
        )
    return operand.elements


def _elementwise(tracer: Tracer, function: Callable[[Variable, Variable], Variable], a: Any, b: Any) -> SymbolicArray:
    left, right = np.broadcast_arrays(elements(tracer, a), elements(tracer, b))
    result = np.empty(left.shape, dtype=object)
    for position, (x, y) in enumerate(zip(left.flat, right.flat, strict=True)):
        result.reshape(-1)[position] = function(x, y)
    return SymbolicArray(tracer, result)


def _add(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    return _elementwise(tracer, tracer.graph.add, a, b)


def _subtract(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    return _elementwise(tracer, lambda x, y: tracer.graph.add(x, y.scaled(0, True)), a, b)


def _negative(tracer: Tracer, a: Any) -> SymbolicArray:
    return _map(tracer, lambda x: x.scaled(0, True), a)


def _positive(tracer: Tracer, a: Any) -> SymbolicArray:
    return _map(tracer, lambda x: x, a)


def _map(tracer: Tracer, function: Callable[[Variable], Variable], a: Any) -> SymbolicArray:
    source = elements(tracer, a)
    result = np.empty(source.shape, dtype=object)
    for position, x in enumerate(source.flat):
        result.reshape(-1)[position] = function(x)
    return SymbolicArray(tracer, result)


def _multiply(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    if isinstance(a, SymbolicArray) and isinstance(b, SymbolicArray):
        raise _product_of_unknowns()
    symbolic, constant = (a, b) if isinstance(a, SymbolicArray) else (b, a)
    left, right = np.broadcast_arrays(elements(tracer, symbolic), exact_matrix(constant))
    labels = _LABELS[: left.ndim]
    equation = f'{labels},{labels}->{labels}'
    return SymbolicArray(tracer, contract(tracer.graph, tracer.solver, equation, left, right))


def _divide(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    if isinstance(b, SymbolicArray):
        raise UnsupportedOperation('division by a symbolic value cannot be traced', location=user_location())
    divisor = exact_matrix(b)
    if not all(divisor.flat):
        raise UnsupportedOperation('division by zero', location=user_location())
    inverse = np.empty(divisor.shape, dtype=object)
    for position, number in enumerate(divisor.flat):
        inverse.reshape(-1)[position] = 1 / number
    return _multiply(tracer, a, exact_matrix(inverse))


def _maximum(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    symbolic, other = (a, b) if isinstance(a, SymbolicArray) else (b, a)
    if isinstance(other, SymbolicArray) or any(exact_matrix(other).flat):
        raise UnsupportedOperation(
            'numpy.maximum is traced only against zero', location=user_location(), hint='use np.maximum(x, 0)'
        )
    return relu(symbolic)


def relu(array: SymbolicArray) -> SymbolicArray:
    """max(x, 0), element by element."""
    return _map(array.tracer, array.tracer.graph.relu, array)


def _matmul(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    if isinstance(a, SymbolicArray) and isinstance(b, SymbolicArray):
        raise _product_of_unknowns()
    a_ndim, b_ndim = np.ndim(a) if not isinstance(a, SymbolicArray) else a.ndim, _ndim(b)
    if a_ndim == 0 or b_ndim == 0:
        raise UnsupportedOperation('matmul needs arrays, not scalars', location=user_location())
    stack = _LABELS[: max(a_ndim - 2, b_ndim - 2, 0)]
    left = stack[len(stack) - max(a_ndim - 2, 0) :] + ('y' if a_ndim > 1 else '') + 'k'
    right = stack[len(stack) - max(b_ndim - 2, 0) :] + 'k' + ('z' if b_ndim > 1 else '')
    output = stack + ('y' if a_ndim > 1 else '') + ('z' if b_ndim > 1 else '')
    return _einsum(tracer, f'{left},{right}->{output}', a, b)


def _ndim(operand: Any) -> int:
    return operand.ndim if isinstance(operand, SymbolicArray) else np.ndim(operand)


def _dot(tracer: Tracer, a: Any, b: Any) -> SymbolicArray:
    if _ndim(a) == 0 or _ndim(b) == 0:
        return _multiply(tracer, a, b)
    if _ndim(b) <= 2:
        return _matmul(tracer, a, b)
    left = _LABELS[: _ndim(a) - 1]
    right = _LABELS[_ndim(a) : _ndim(a) + _ndim(b)]
    summed = right[-2]
    return _einsum(tracer, f'{left}{summed},{right}->{left}{right.replace(summed, "")}', a, b)


def _einsum(tracer: Tracer, equation: Any, *operands: Any, **kwargs: Any) -> SymbolicArray:
    if not isinstance(equation, str) or len(operands) != 2 or set(kwargs) - {'optimize'}:
        raise UnsupportedOperation('einsum is traced with an equation and two operands', location=user_location())
    if isinstance(operands[0], SymbolicArray) and isinstance(operands[1], SymbolicArray):
        raise _product_of_unknowns()
    terms, output = _explicit(equation.replace(' ', ''), [_ndim(operand) for operand in operands])
    for labels, operand in zip(terms, operands, strict=True):
        if len(set(labels)) != len(labels):
            raise UnsupportedOperation(f'einsum {equation!r} repeats a label in one operand', location=user_location())
        if len(labels) != _ndim(operand):
            raise UnsupportedOperation(
                f'einsum term {labels!r} does not fit an operand of {_ndim(operand)} axes', location=user_location()
            )
    symbolic_first = isinstance(operands[0], SymbolicArray)
    left, right = (terms[0], terms[1]) if symbolic_first else (terms[1], terms[0])
    symbolic, constant = operands if symbolic_first else operands[::-1]
    a, b = elements(tracer, symbolic), exact_matrix(constant)
    _check_extents(equation, left, a.shape, right, b.shape)
    if set(output) - set(left + right):
        raise UnsupportedOperation(f'einsum {equation!r} has an unknown output label', location=user_location())
    return SymbolicArray(tracer, contract(tracer.graph, tracer.solver, f'{left},{right}->{output}', a, b))


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
    tracer: Tracer,
    array: Any,
    axis: int | tuple[int, ...] | None = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **kwargs: Any,
) -> SymbolicArray:
    """The sum over one, several or all axes, as numpy.sum."""
    if dtype is not None or out is not None or kwargs:
        raise _unsupported('numpy.sum with dtype, out, initial or where', 'sum')
    source = elements(tracer, array)
    given = range(source.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [number % source.ndim for number in given]
    total = sum_axes(tracer.graph, tracer.solver, source, axes)
    if keepdims:
        total = total.reshape([1 if number in axes else extent for number, extent in enumerate(source.shape)])
    return SymbolicArray(tracer, total)


def _product_of_unknowns() -> UnsupportedOperation:
    return UnsupportedOperation(
        'a product of two symbolic values cannot be traced',
        location=user_location(),
        hint='one factor must be constant',
    )


def _rearrange(tracer: Tracer, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Let numpy move the elements themselves about; constants among them become symbolic."""

    def opened(argument: Any) -> Any:
        if isinstance(argument, SymbolicArray):
            if argument.tracer is not tracer:
                raise TraceError('arrays of two different programs cannot be combined', location=user_location())
            return argument.elements
        if isinstance(argument, (list, tuple)) and any(_contains_symbolic(item) for item in argument):
            return [
                opened(item) if _contains_symbolic(item) else constant_variables(exact_matrix(item))
                for item in argument
            ]
        return argument

    result = function(*(opened(argument) for argument in args), **{key: opened(kwargs[key]) for key in kwargs})
    if isinstance(result, np.ndarray):
        return SymbolicArray(tracer, result)
    return [SymbolicArray(tracer, part) for part in result]


def _contains_symbolic(argument: Any) -> bool:
    if isinstance(argument, (list, tuple)) and not isinstance(argument, (Variable, External)):
        return any(_contains_symbolic(item) for item in argument)
    return isinstance(argument, SymbolicArray)


_UFUNCS: Mapping[Any, Callable[..., SymbolicArray]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.negative: _negative,
    np.positive: _positive,
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.maximum: _maximum,
    np.matmul: _matmul,
}
_FUNCTIONS: Mapping[Any, Callable[..., SymbolicArray]] = {
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
