"""What numpy's functions mean on symbolic arrays: one table entry for each function that tracing accepts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace import rearrangement
from da4ml_core.trace.context import Context
from da4ml_core.trace.operands import Handler, shape_of
from da4ml_core.trace.reductions import segments
from da4ml_core.trace.truths import as_logic, function_is_truth
from da4ml_core.trace.vocabulary import (
    ACCUMULATIONS,
    ALTERNATIVES,
    COMPOSED,
    FUNCTIONS,
    REARRANGEMENTS,
    REDUCTIONS,
    UFUNCS,
)

Result = tuple[Any, bool]  # what a function gives, arrays as arrays of variables; and whether these are truth values
_NUMPYS_DEFAULTS: Mapping[str, Any] = {'dtype': None, 'out': None, 'where': True}


def call_ufunc(
    context: Context, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Result:
    """A ufunc on symbolic arrays; raises UnsupportedOperation with the user's line for one that has no meaning here."""
    call = ufunc.__name__ if method == '__call__' else f'{ufunc.__name__}.{method}'
    operands = inputs[:1] if method in ('reduce', 'accumulate', 'reduceat') else inputs
    ufunc, truth = as_logic(ufunc, method, operands)
    traced = _method(ufunc, method)
    if traced is None:
        raise unsupported(call)
    kwargs = {
        key: kwargs[key] for key in kwargs if key not in _NUMPYS_DEFAULTS or kwargs[key] is not _NUMPYS_DEFAULTS[key]
    }
    if method in ('reduce', 'accumulate'):
        kwargs.setdefault('axis', 0)
    if kwargs:
        _bind(call, traced, (context, *inputs), kwargs)
    with context.user_origin():
        return traced(context, *inputs, **kwargs), truth


def call_function(
    context: Context, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Result:
    """A numpy function on symbolic arrays: arithmetic from the table, rearrangement by numpy itself."""
    name = function.__name__
    traced = FUNCTIONS.get(function)
    if traced is not None:
        bound = _bind(name, traced, (context, *args), kwargs)
        truth = function_is_truth(name, bound.args[1:])
        with context.user_origin():
            return traced(*bound.args, **bound.kwargs), truth
    composed = COMPOSED.get(function)
    if composed is not None:
        _bind(name, composed, args, kwargs)
        return composed(*args, **kwargs), False
    if function in REARRANGEMENTS:
        return rearrangement.rearrange(context, function, args, kwargs), function_is_truth(name, args)
    raise unsupported(name)


def _method(ufunc: np.ufunc, method: str) -> Handler | None:
    """What a method of a ufunc does, if it can be traced."""
    if method == '__call__':
        return UFUNCS.get(ufunc)
    if method == 'reduce':
        return REDUCTIONS.get(ufunc)
    if method == 'accumulate':
        return ACCUMULATIONS.get(ufunc)
    if method == 'reduceat' and ufunc in REDUCTIONS:
        return segments(REDUCTIONS[ufunc])
    if method == 'outer' and ufunc in UFUNCS and ufunc.signature is None:
        return _outer(UFUNCS[ufunc])
    return None


def _outer(traced: Handler) -> Handler:
    def outer(context: Context, a: Any, b: Any) -> Any:
        shape = (*shape_of(a), *(1,) * len(shape_of(b)))
        return traced(context, np.reshape(a, shape), b)

    return outer


def _bind(
    name: str, traced: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """The arguments by name; raises UnsupportedOperation for those that have no meaning here."""
    signature = inspect.signature(traced)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as cause:
        raise UnsupportedOperation(
            f'numpy.{name} on a symbolic array with these arguments cannot be traced: {cause}',
            location=user_location(),
            hint=ALTERNATIVES.get(name, ''),
            notes=[f'traceable: {name}{_arguments(signature)}'],
        ) from None
    for option in ('dtype', 'out'):
        if bound.arguments.get(option) is not None:
            raise UnsupportedOperation(
                f'numpy.{name} with {option} cannot be traced',
                location=user_location(),
                hint='call .quantize(...) on the result' if option == 'dtype' else 'assign the result',
            )
    return bound


def _arguments(signature: inspect.Signature) -> str:
    names = [name for name in signature.parameters if name not in ('context', 'dtype', 'out')]
    return f'({", ".join(names)})'


def unsupported(name: str) -> UnsupportedOperation:
    """The error for a function that cannot be traced, with the nearest that can."""
    known = sorted({function.__name__ for function in traceable()})
    close = get_close_matches(name, known, 1)
    hint = ALTERNATIVES.get(name) or (f'did you mean {close[0]}?' if close and close[0] != name else '')
    return UnsupportedOperation(
        f'numpy.{name} on a symbolic array cannot be traced',
        location=user_location(),
        hint=hint,
        notes=[f'traceable: {", ".join(known)}'],
    )


def traceable() -> tuple[Callable[..., Any], ...]:
    """Every numpy function that has a meaning on symbolic arrays, without those that only tables can compute."""
    return (*UFUNCS, *FUNCTIONS, *COMPOSED, *REARRANGEMENTS)


def methods() -> tuple[tuple[str, Callable[..., Any]], ...]:
    """The reductions and running reductions of ufuncs that have a meaning on symbolic arrays."""
    return (*(('reduce', ufunc) for ufunc in REDUCTIONS), *(('accumulate', ufunc) for ufunc in ACCUMULATIONS))
