"""Activation functions beyond max(x, 0), made of tables and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from da4ml_core.trace.array import SymbolicArray
from da4ml_core.trace.tables import table


def sigmoid(x: SymbolicArray) -> Any:
    """1 / (1 + exp(-x)), to be quantized."""
    return 1 / (1 + np.exp(-x))


def leaky_relu(x: SymbolicArray, slope: float) -> SymbolicArray:
    """x where it is positive, else x times a slope, which is an integer times a power of two."""
    result: SymbolicArray = np.where(x < 0, x * slope, x)  # type: ignore[assignment]
    return result


def softmax(x: SymbolicArray, axis: int = -1, exp_frac_bits: int = 10, inverse_frac_bits: int = 10) -> SymbolicArray:
    """exp(x - max) / sum(exp(x - max)), with both functions tables that round to these bits; the product is exact.

    The exponential of the largest element is 1, so that the sum is at least that.
    """
    powers = np.exp(x - x.max(axis, keepdims=True)).quantize(False, 1, exp_frac_bits, 'RND', 'SAT')
    total = powers.sum(axis, keepdims=True)
    inverse = table(total, lambda s: 1 / max(s, 1.0), False, 1, inverse_frac_bits, 'RND', 'SAT')
    result: SymbolicArray = powers * inverse
    return result
