"""The distinct sums behind the columns of a matrix: zero, duplicate and ±2^k columns cost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from da4ml_core.cmvm.csd import digit_counts, has_positive_digit
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.matrix import Integers, Problem, narrow, trailing_zeros


@dataclass(frozen=True, slots=True)
class OutputEdge:
    """A column as ``±row << shift``."""

    row: int
    shift: int
    negated: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Distinct columns, transposed: ``numbers[r, i]`` counts in steps of ``2**input_shifts[i]``.

    A row without a positive digit is marked in ``lifted``: its first term to arrive must be written as a
    difference, because there is no time left for a negation.
    """

    numbers: Integers
    input_shifts: tuple[int, ...]
    outputs: tuple[OutputEdge | None, ...]
    deadlines: tuple[int, ...] | None
    lifted: tuple[bool, ...]


def minimal_depth(problem: Problem, kraft: KraftLevels) -> int:
    """The fewest adder levels by which every output can be ready, a last negation included."""
    counts = digit_counts(problem.weights).T
    return max(
        (
            kraft.earliest(_signed_weight(column, digits, kraft))
            for column, digits in zip(problem.weights.T, counts, strict=True)
            if column.any()
        ),
        default=0,
    )


def distinct_rows(problem: Problem, kraft: KraftLevels, limit: int | None) -> Rows:
    """The rows to compute, with the deadline of each under a depth limit."""
    weights = problem.weights
    row_zeros = trailing_zeros(weights, 1)
    shifts = np.asarray([max(0, zeros) for zeros in row_zeros])
    reduced = _down(weights, shifts[:, None])
    column_zeros = [max(0, zeros) for zeros in trailing_zeros(reduced, 0)]
    reduced = _down(reduced, np.asarray(column_zeros)[None, :])
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for j, column in enumerate(reduced.T.tolist()):
        lead = next((number for number in column if number), 0)
        if lead:
            sign = 1 if lead > 0 else -1
            groups.setdefault(tuple(sign * number for number in column), []).append((j, sign))
    rows: list[list[int]] = []
    deadlines: list[int] = []
    lifted: list[bool] = []
    outputs: list[OutputEdge | None] = [None] * weights.shape[1]
    for column, members in groups.items():
        for sign, deadline, lift, served in _served(column, members, kraft, limit):
            for j, member_sign in served:
                outputs[j] = OutputEdge(len(rows), column_zeros[j], member_sign != sign)
            rows.append([sign * number for number in column])
            deadlines.append(deadline)
            lifted.append(lift)
    numbers = np.empty((len(rows), weights.shape[0]), dtype=object)
    if rows:
        numbers[:] = rows
    return Rows(
        narrow(numbers),
        tuple(problem.exp + int(shift) for shift in shifts),
        tuple(outputs),
        None if limit is None else tuple(deadlines),
        tuple(lifted),
    )


def _served(
    column: tuple[int, ...], members: Sequence[tuple[int, int]], kraft: KraftLevels, limit: int | None
) -> list[tuple[int, int, bool, Sequence[tuple[int, int]]]]:
    """``(sign of the row, deadline, lifted, columns served)`` for the columns that are ±2^k times one another."""
    positive = [member for member in members if member[1] > 0]
    negative = [member for member in members if member[1] < 0]
    sign = 1 if len(positive) >= len(negative) else -1
    if not has_positive_digit([sign * number for number in column]):
        sign = -sign
    negates = bool(negative if sign > 0 else positive)
    if limit is None:
        return [(sign, 0, False, members)]
    digits = digit_counts(np.asarray([column], dtype=object))[0]
    if kraft.weight(digits) <= kraft.power(limit - negates):
        return [(sign, limit - negates, False, members)]
    served: list[tuple[int, int, bool, Sequence[tuple[int, int]]]] = []
    for own, group in ((1, positive), (-1, negative)):
        if group:
            lift = not has_positive_digit([own * number for number in column])
            served.append((own, limit, lift, group))
    return served


def _signed_weight(column: Integers, digits: Sequence[int], kraft: KraftLevels) -> int:
    """A sum without a positive digit needs one more term, for the sign."""
    weight = kraft.weight(digits)
    if has_positive_digit(column.tolist()):
        return weight
    return weight + min(int(power) for power, count in zip(kraft.powers, digits, strict=True) if count)


def _down(numbers: Integers, shift: Integers) -> Integers:
    return np.asarray(numbers >> (shift.astype(object) if numbers.dtype == object else shift))
