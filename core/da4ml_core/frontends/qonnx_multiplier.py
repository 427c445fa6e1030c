"""Rounding behind an arbitrary scale as one constant product: the shortest constant that no value tells apart."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log2
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.fixed import Interval, Overflow, Rounding

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Array = NDArray[Any]
Rounded = Callable[[Array, Array], Array]  # float32 numbers and the scale of an element -> whole float32 numbers

MAX_VALUES = 1 << 20  # that are compared, all of them
MAX_BITS = 26  # of the constant
FEW_STEPS = 15  # that comparisons are cheaper for
WIDE = 48


def multiplied(
    x: SymbolicArray, scale: Array, slopes: Array, rounded: Rounded, low: int, high: int
) -> SymbolicArray | None:
    """``clip(rounded(x, scale), low, high)`` for every value that x can take; None where no product is equal to it.

    ``slopes`` are what the scales come to as factors, roughly; each is shortened as far as all results stay.
    """
    if high - low <= FEW_STEPS:
        return None
    scales, factors = (np.broadcast_to(array, x.shape).reshape(-1) for array in (scale, slopes))
    found: dict[tuple[Interval, float], tuple[float, float] | None] = {}
    products, offsets = np.zeros(x.size), np.zeros(x.size)
    for place, interval in enumerate(x.intervals()):
        key = interval, float(scales[place])
        if key not in found:
            found[key] = _shortest(interval, scales[place], float(factors[place]), rounded, low, high)
        constants = found[key]
        if constants is None:
            return None
        products[place], offsets[place] = constants
    exact: Any = x * products.reshape(x.shape) + offsets.reshape(x.shape)
    whole = exact.quantize(True, WIDE, 0, Rounding.TRN, Overflow.WRAP)
    clipped: SymbolicArray = np.clip(whole, low, high)
    return clipped


def _shortest(
    interval: Interval, scale: Any, slope: float, rounded: Rounded, low: int, high: int
) -> tuple[float, float] | None:
    """``(factor, offset)`` of ``floor(x * factor + offset)``."""
    lo, hi, exp = interval
    if hi - lo >= MAX_VALUES or max(abs(lo), abs(hi)).bit_length() + max(exp, 0) > WIDE - MAX_BITS:
        return None
    codes = np.arange(lo, hi + 1, dtype=np.int64)
    numbers = np.ldexp(codes.astype(np.float64), exp).astype(np.float32)
    goal = np.clip(rounded(numbers, scale), low, high).astype(np.int64)
    first = -floor(log2(slope)) - 1
    for shift in range(first, first + MAX_BITS):
        factor = round(np.ldexp(slope, shift))
        # in units of 2**-(shift - exp); the exponent of x joins that of the factor
        total = shift - exp
        if total < 1 or not factor or total > WIDE:
            continue
        half = 1 << (total - 1)
        for offset in (half, half - 1):
            if np.array_equal(np.clip((codes * factor + offset) >> total, low, high), goal):
                return float(np.ldexp(float(factor), -shift)), float(np.ldexp(float(offset), -total))
    return None
