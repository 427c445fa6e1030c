"""Which results are what numpy calls bool, and what arithmetic does with them: numpy's rules for that type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.operands import is_truth
from da4ml_core.trace.rearrangement import REARRANGEMENTS, holds_truths

_ALWAYS = frozenset(
    {
        *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
        *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
        *(np.isnan, np.isinf, np.isfinite, np.signbit),
    }
)
_KEEPING = frozenset(
    {np.absolute, np.maximum, np.minimum, np.fmax, np.fmin, np.bitwise_and, np.bitwise_or, np.bitwise_xor}
)
_LOGIC: Mapping[np.ufunc, np.ufunc] = {
    np.add: np.logical_or,
    np.multiply: np.logical_and,
    np.maximum: np.logical_or,
    np.minimum: np.logical_and,
    np.fmax: np.logical_or,
    np.fmin: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.bitwise_and: np.logical_and,
    np.bitwise_xor: np.logical_xor,
    np.invert: np.logical_not,
}
_UNLIKE_NUMBERS = frozenset({'subtract', 'negative', 'matmul', 'vecdot', 'matvec', 'vecmat'}) | {
    *('dot', 'vdot', 'inner', 'outer', 'tensordot', 'einsum', 'kron', 'cross', 'convolve', 'correlate')
}
_FUNCTIONS_KEEPING: Mapping[str, tuple[int, ...]] = {  # by the places of the arguments that decide
    **dict.fromkeys((name.rpartition('.')[2] for name in REARRANGEMENTS), (0,)),
    **dict.fromkeys(('max', 'min', 'amax', 'amin', 'sort', 'clip', 'pad', 'take', 'take_along_axis'), (0,)),
    **dict.fromkeys(('triu', 'tril', 'diag', 'diagflat', 'zeros_like', 'ones_like', 'full_like', 'insert'), (0,)),
    **{'append': (0, 1), 'where': (1, 2), 'choose': (1,), 'compress': (1,), 'extract': (1,), 'select': (1, 2)},
}


def as_logic(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...]) -> tuple[np.ufunc, bool]:
    """The ufunc that numpy's is on these operands, and whether its result is of type bool."""
    truths = all(is_truth(operand) for operand in inputs)
    if truths and ufunc.__name__ in _UNLIKE_NUMBERS:
        raise _unlike_numbers(ufunc.__name__)
    if truths and method in ('__call__', 'outer') and ufunc in _LOGIC:
        ufunc = _LOGIC[ufunc]
    return ufunc, ufunc in _ALWAYS or (truths and ufunc in _KEEPING)


def function_is_truth(name: str, args: tuple[Any, ...]) -> bool:
    """Whether the result of a numpy function is of type bool; raises where numpy has logic for a product or sum."""
    if name in _UNLIKE_NUMBERS and args and all(holds_truths(argument) for argument in args[:2]):
        raise _unlike_numbers(name)
    places = _FUNCTIONS_KEEPING.get(name)
    if places is None:
        return name in ('any', 'all')
    return len(args) > max(places) and all(holds_truths(args[place]) for place in places)


def _unlike_numbers(name: str) -> UnsupportedOperation:
    return UnsupportedOperation(
        f'numpy.{name} of truth values is not that of the numbers 0 and 1, and cannot be traced',
        location=user_location(),
        hint='multiply them by 1 first, or use logic',
    )
