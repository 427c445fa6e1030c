"""A monotone function of fixed-point numbers to few integers, found on a float32 reference and built of comparisons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

MAX_STEPS = 255
MAX_CODE = 1 << 52

# float32 numbers of the tensor's shape -> integers of the same shape, monotone in each element
Evaluate = Callable[[NDArray[np.float32]], NDArray[Any]]


class TooManySteps(ValueError):
    """The function has more steps than comparisons are worth, or a range that float64 cannot count."""


def staircase(x: SymbolicArray, evaluate: Evaluate) -> SymbolicArray:
    """``evaluate(float32(x))``, equal for every value that x can take; raises TooManySteps.

    Each threshold is found by bisection on the integer codes of x, with the very arithmetic of the reference; each
    becomes the sign of one difference.
    """
    intervals = x.intervals()
    bounds = [bound for interval in intervals for bound in (interval.lo, interval.hi)]
    if max(map(abs, bounds), default=0) >= MAX_CODE:
        raise TooManySteps('its numbers have more than 52 bits')
    low = np.array(bounds[0::2], dtype=np.int64).reshape(x.shape)
    high = np.array(bounds[1::2], dtype=np.int64).reshape(x.shape)
    exponent = np.array([interval.exp for interval in intervals]).reshape(x.shape)

    def levels(codes: NDArray[np.int64]) -> NDArray[np.int64]:
        numbers = np.ldexp(codes.astype(np.float64), exponent).astype(np.float32)
        return np.asarray(evaluate(numbers)).astype(np.int64)

    falling = levels(low) > levels(high)
    if falling.any():  # mirrored, so that every element rises
        sign = np.where(falling, -1, 1)
        x = x * sign.astype(np.float64)
        low, high = np.where(falling, -high, low), np.where(falling, -low, high)
    else:
        sign = np.ones(x.shape, dtype=np.int64)
    bottom, top = levels(sign * low), levels(sign * high)
    steps = int(np.max(top - bottom, initial=0))
    if steps > MAX_STEPS:
        raise TooManySteps(f'it has {steps} steps; at most {MAX_STEPS} are built of comparisons')
    result: SymbolicArray = x * 0.0 + bottom.astype(np.float64)
    passed = []
    for step in range(1, steps + 1):
        goal = bottom + step
        threshold = _first(lambda codes: levels(sign * codes), goal, low, high)
        passed.append(_at_least(x, np.ldexp(threshold.astype(np.float64), exponent)))
    if passed:
        result = result + np.stack(passed).sum(axis=0)
    return result


def _first(
    levels: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    goal: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The smallest code of each range with a level not below the goal; one above the range where there is none."""
    low, high = low.copy(), high + 1
    while (low < high).any():
        middle = (low + high) >> 1
        found = (levels(middle) >= goal) | (low >= high)
        high = np.where(found & (low < high), middle, high)
        low = np.where(found, low, middle + 1)
    return high


def _at_least(x: SymbolicArray, threshold: NDArray[np.float64]) -> SymbolicArray:
    """1 where x reaches the threshold, else 0: the sign bit of the difference."""
    difference = x - threshold
    bits = [interval.width_bits + interval.exp for interval in difference.intervals()]
    magnitude = np.array(bits).reshape(x.shape)  # 2**magnitude is above every absolute value
    negative = difference.quantize(True, magnitude, -magnitude)
    reached: SymbolicArray = negative * np.ldexp(1.0, -magnitude) + np.ones(x.shape)
    return reached
