"""Canonical signed digits: the recoding with the fewest non-zero digits, no two of them adjacent (Reitwiesner 1960)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm._forms import digit_counts as _kernel_counts
from da4ml_core.cmvm.matrix import Integers


def csd_digits(number: int) -> list[tuple[int, int]]:
    """``(shift, sign)`` of each non-zero digit, lowest first."""
    size = abs(number)
    positive, negative = _masks(size)
    if number < 0:
        positive, negative = negative, positive
    digits = []
    both, shift = positive | negative, 0
    while both >> shift:
        low = both >> shift
        shift += (low & -low).bit_length() - 1
        digits.append((shift, 1 if positive >> shift & 1 else -1))
        shift += 1
    return digits


def digit_counts(numbers: Integers) -> NDArray[np.int32]:
    """Non-zero digits of each number of a matrix."""
    if numbers.dtype == object:
        counts = [[(abs(int(n)) ^ 3 * abs(int(n))).bit_count() for n in row] for row in numbers]
        return np.asarray(counts, dtype=np.int32).reshape(numbers.shape)
    return np.asarray(_kernel_counts(np.ascontiguousarray(numbers)))


def has_positive_digit(numbers: Iterable[int]) -> bool:
    """Whether any digit of any of the numbers is positive."""
    return any(number > 0 or _masks(-number)[1] for number in numbers)


def csd_terms(numbers: Integers) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """``(row, column, shift, sign)`` of every digit of a matrix, in that order of sorting."""
    if numbers.dtype == object:
        found = [
            (r, c, shift, sign)
            for r, row in enumerate(numbers)
            for c, number in enumerate(row)
            for shift, sign in csd_digits(int(number))
        ]
        table = np.asarray(found, dtype=np.int64).reshape(-1, 4)
        return table[:, 0], table[:, 1], table[:, 2], table[:, 3]
    positive, negative = _masks(np.abs(numbers))
    flip = numbers < 0
    parts = []
    for shift in range(int(np.abs(numbers).max(initial=0)).bit_length() + 1):
        for sign, plain, flipped in ((1, positive, negative), (-1, negative, positive)):
            row, column = np.nonzero(np.where(flip, flipped, plain) >> shift & 1)
            parts.append(np.stack([row, column, np.full_like(row, shift), np.full_like(row, sign)], axis=1))
    table = np.concatenate(parts)
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def _masks(size: Any) -> tuple[Any, Any]:
    """Bit masks of the positive and the negative digits of non-negative numbers."""
    triple = 3 * size
    return (triple & ~size) >> 1, (size & ~triple) >> 1
