"""Stage 1: rows that differ little from one another are computed from one another.

A depth-bounded minimum spanning tree (Prim's) over the rows and a zero root, where the distance is the number of
signed digits of the difference (Sun et al. 2025, arXiv:2507.04535). A row with a parent becomes
``±(parent << shift) + residual``. Under a deadline, a row may become a parent only if it can still be ready in time
for its children.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm import _forms
from da4ml_core.cmvm.csd import digit_counts, has_positive_digit
from da4ml_core.cmvm.matrix import Integers, narrow

UNREACHED = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Distances:
    """For rows b and a: the fewest digits of ``b - sign·(a << shift)``, each array (rows, rows)."""

    digits: NDArray[np.int32]
    shifts: NDArray[np.int32]
    signs: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A forest of rows; parents come before children in ``order``.

    ``deadlines`` are levels, or None where there is no limit.
    """

    parents: tuple[int, ...]
    shifts: tuple[int, ...]
    signs: tuple[int, ...]
    residuals: Integers
    deadlines: tuple[int, ...] | None
    order: tuple[int, ...]


def row_distances(rows: Integers, shifts: int = 1) -> Distances:
    """All distances; ``shifts`` is how many left shifts of the parent are tried."""
    n = len(rows)
    if rows.dtype != object:
        return Distances(*_forms.distances(np.ascontiguousarray(rows), shifts))
    found = Distances(
        np.full((n, n), UNREACHED, dtype=np.int32), np.zeros((n, n), dtype=np.int32), np.ones((n, n), dtype=np.int32)
    )
    for a in range(n):
        for k in range(shifts):
            for sign in (1, -1):
                digits = digit_counts((rows - sign * (rows[a] << k)).astype(object)).sum(axis=1)
                better = digits < found.digits[:, a]
                better[a] = False
                found.digits[better, a] = digits[better]
                found.shifts[better, a] = k
                found.signs[better, a] = sign
    return found


class KraftLevels:
    """How the arrival times of a sum's terms bound its own: ``sum(radix**level) <= radix**deadline``.

    ``window`` are the powers that the 64-bit kernels can tell apart below a deadline.
    """

    def __init__(self, levels: Sequence[int], radix: int) -> None:
        self.radix = radix
        self.base = min(levels, default=0)
        self.powers = [radix ** (level - self.base) for level in levels]
        steps = 52 if radix == 2 else 32
        self.window = np.asarray([radix**k for k in range(steps)], dtype=np.int64)

    def weight(self, digits: Sequence[int]) -> int:
        """The left side for so many digits of each input."""
        return sum(int(count) * power for count, power in zip(digits, self.powers, strict=True))

    def power(self, level: int) -> int:
        return int(self.radix ** (level - self.base)) if level >= self.base else 0

    def earliest(self, weight: int) -> int:
        """The first level by which a sum of that weight can be ready."""
        level = self.base
        power = 1
        while power < weight:
            power *= self.radix
            level += 1
        return level

    def latest(self, spare: int) -> int | None:
        """The last level at which one more term still fits into so much spare weight."""
        if spare < 1:
            return None
        level = self.base
        power = self.radix
        while power <= spare:
            power *= self.radix
            level += 1
        return level


def roots_only(rows: Integers, deadlines: Sequence[int] | None) -> Decomposition:
    """No row depends on another."""
    n = len(rows)
    limits = None if deadlines is None else tuple(deadlines)
    return Decomposition((-1,) * n, (0,) * n, (1,) * n, rows, limits, tuple(range(n)))


def spanning_forest(
    rows: Integers, distances: Distances, kraft: KraftLevels, deadlines: Sequence[int] | None, max_height: int
) -> Decomposition:
    """The forest that Prim's algorithm grows when no row is more than ``max_height`` edges from its root."""
    n = len(rows)
    own = digit_counts(rows)
    best = own.sum(axis=1).astype(np.int64)
    forest = _Forest(rows, own, distances, kraft, deadlines)
    height = [0] * n
    parent_of = np.full(n, -1)
    waiting = np.ones(n, dtype=bool)
    refused = np.zeros((n, n), dtype=bool)
    order: list[int] = []
    while len(order) < n:
        b = int(np.argmin(np.where(waiting, best, UNREACHED)))
        p = int(parent_of[b])
        if p >= 0 and not forest.attach(b, p):
            refused[b, p] = True
            open_to = [a for a in order if height[a] < max_height and not refused[b, a]]
            steps = distances.digits[b, open_to] + 1
            at = int(np.argmin(steps)) if open_to else -1
            root = int(own[b].sum())
            if at >= 0 and steps[at] < root:
                best[b], parent_of[b] = steps[at], open_to[at]
            else:
                best[b], parent_of[b] = root, -1
            continue
        waiting[b] = False
        order.append(b)
        height[b] = height[p] + 1 if p >= 0 else 0
        if height[b] < max_height:
            step = distances.digits[:, b].astype(np.int64) + 1
            nearer = waiting & (step < best) & ~refused[:, b]
            best[nearer] = step[nearer]
            parent_of[nearer] = b
    return forest.result(order)


class _Forest:
    """The edges chosen so far and the deadlines that they leave."""

    def __init__(
        self,
        rows: Integers,
        own: NDArray[np.int32],
        distances: Distances,
        kraft: KraftLevels,
        deadlines: Sequence[int] | None,
    ) -> None:
        self.rows = rows
        self.distances = distances
        self.kraft = kraft
        self.deadlines = None if deadlines is None else list(deadlines)
        self.weights = [kraft.weight(digits) for digits in own] if deadlines is not None else []
        self.parents = [-1] * len(rows)
        self.residuals = [rows[b] for b in range(len(rows))]

    def attach(self, b: int, p: int) -> bool:
        """Make p the parent of b, unless that leaves a negative sum or a deadline that cannot be met."""
        shift, sign = int(self.distances.shifts[b, p]), int(self.distances.signs[b, p])
        residual = self.rows[b] - sign * (self.rows[p] << shift)
        if sign < 0 and not has_positive_digit(residual.tolist()):
            return False  # every term would be negative
        if self.deadlines is not None:
            changes = self._deadlines_with(b, p, self.kraft.weight(digit_counts(residual.reshape(1, -1))[0]))
            if changes is None:
                return False
            for row, deadline in changes:
                self.deadlines[row] = deadline
            self.weights[b] = self.kraft.weight(digit_counts(residual.reshape(1, -1))[0])
        self.parents[b] = p
        self.residuals[b] = residual
        return True

    def _deadlines_with(self, b: int, p: int, weight: int) -> list[tuple[int, int]] | None:
        """The earlier deadlines of p and its ancestors if b hangs on p; None if one of them cannot be met."""
        if self.deadlines is None:
            return []
        changes: list[tuple[int, int]] = []
        child_deadline, child_weight, row = self.deadlines[b], weight, p
        while row >= 0:
            latest = self.kraft.latest(self.kraft.power(child_deadline) - child_weight)
            if latest is None:
                return None
            if latest >= self.deadlines[row]:
                return changes
            changes.append((row, latest))
            child_deadline, child_weight, row = latest, self.weights[row], self.parents[row]
        return changes if child_weight <= self.kraft.power(child_deadline) else None

    def result(self, order: Sequence[int]) -> Decomposition:
        chosen = list(zip(range(len(self.parents)), self.parents, strict=True))
        residuals = np.empty(self.rows.shape, dtype=object)
        for b, residual in enumerate(self.residuals):
            residuals[b] = residual
        return Decomposition(
            tuple(self.parents),
            tuple(int(self.distances.shifts[b, p]) if p >= 0 else 0 for b, p in chosen),
            tuple(int(self.distances.signs[b, p]) if p >= 0 else 1 for b, p in chosen),
            narrow(residuals),
            None if self.deadlines is None else tuple(self.deadlines),
            tuple(order),
        )
