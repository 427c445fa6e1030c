"""The search: several decompositions and extractions of one problem, of which the cheapest graph is kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm import _extract, _trees
from da4ml_core.cmvm.check import Graph
from da4ml_core.cmvm.csd import csd_terms, digit_counts
from da4ml_core.cmvm.decompose import Decomposition, Distances, KraftLevels, roots_only, row_distances, spanning_forest
from da4ml_core.cmvm.graphs import Sums
from da4ml_core.cmvm.local_search import Inputs
from da4ml_core.cmvm.matrix import Problem
from da4ml_core.cmvm.rows import Rows

NEWEST, NEWEST_SEEDED, SEEDED = 1, 2, 3  # which of equally good patterns comes first: see `_extract`
BALANCED_RECIPES = 16
BALANCED_WORK = 3e6  # of all of them, but one at least up to
HUGE_WORK = 20e6
LARGEST_WEIGHT = 1 << 400  # that estimates of widths tell from others
ANNEALED_BITS = 40  # of the largest weights that local search takes


class Recipe(NamedTuple):
    """One way to build a graph: bounds and weights of its greedy steps, and the seed of its ties."""

    height: int  # of the spanning forest; 0: none
    parent_shifts: int = 1
    width_weight: float = 0.0
    overhead: float = 0.9  # adders that a pattern is charged for itself
    policy: int = NEWEST
    seed: int = 0
    window: int = 12
    share: bool = True


class Candidate(NamedTuple):
    recipe: Recipe
    graph: Graph
    bits: float
    joins: NDArray[np.int32]
    sums: Sums

    @property
    def rank(self) -> tuple[float, int]:
        return self.bits, len(self.graph.adders)


class Search:
    """What all recipes of a problem have in common."""

    def __init__(self, problem: Problem, rows: Rows, kraft: KraftLevels) -> None:
        self.problem = problem
        self.rows = rows
        self.kraft = kraft
        self.inputs = Inputs.of(problem, rows.input_shifts)
        self._distances: dict[int, Distances] = {}
        self._decompositions: dict[tuple[int, int], Decomposition] = {}

    @property
    def work(self) -> int:
        """Pattern occurrences of the rows as they are."""
        return int((digit_counts(self.rows.numbers).sum(axis=1).astype(np.int64) ** 2).sum()) // 2

    def run(self, recipe: Recipe) -> Candidate:
        """The graph of one recipe."""
        forest = self._decompose(recipe)
        row_start, terms = self._terms(forest)
        levels, exps, lows, highs = self._with_rows(forest)
        slack, power, base = self._slack(forest, row_start, terms, levels)
        joins = np.zeros((0, 5), dtype=np.int32)
        if recipe.share:
            joins, row_start, terms = _extract.extract(
                row_start, terms, levels, exps, lows, highs, slack, power, base,
                forest.deadlines is not None, self.kraft.radix,
                recipe.width_weight, recipe.overhead, recipe.policy, recipe.seed,
            )  # fmt: skip
        due = np.asarray(forest.deadlines or (0,) * len(forest.order), dtype=np.int32)
        sums = Sums(row_start, terms, np.asarray(forest.order, dtype=np.int32), due)
        graph, bits = self.build(joins, sums, recipe.window)
        return Candidate(recipe, graph, bits, joins, sums)

    def build(self, joins: NDArray[np.int32], sums: Sums, window: int) -> tuple[Graph, float]:
        """Trees for sums, of which the first are the rows, and the bits of their carry chains."""
        inputs = self.inputs
        adders, roots, bits = _trees.build(
            inputs.levels, inputs.exps, inputs.lows, inputs.highs, joins, sums.row_start, sums.terms,
            sums.order, sums.deadlines, self.rows.deadlines is not None, self.kraft.window, self.kraft.radix, window,
        )  # fmt: skip
        scales = np.asarray(self.rows.input_shifts, dtype=np.int32)
        for nodes, shifts in (*((adders[:, k], adders[:, k + 1]) for k in (0, 3, 6)), (roots[:, 0], roots[:, 1])):
            shifts += np.where((nodes >= 0) & (nodes < len(scales)), scales[nodes.clip(0, len(scales) - 1)], 0)
        outputs: list[tuple[int, int, bool]] = []
        for edge in self.rows.outputs:
            if edge is None:
                outputs.append((-2, 0, False))
            else:
                node, shift, negated = (int(number) for number in roots[edge.row])
                outputs.append((node, shift + edge.shift, bool(negated) != edge.negated))
        return Graph(adders, tuple(outputs)), bits

    @property
    def shares(self) -> bool:
        """Whether a pattern can occur twice; else sums are trees of their terms."""
        counts = digit_counts(self.rows.numbers)
        return len(counts) > 1 or bool((counts > 1).any())

    @property
    def anneals(self) -> bool:
        """Whether the numbers are small enough for the kernel of the local search."""
        numbers = self.rows.numbers
        return numbers.dtype != object and len(numbers) > 0 and int(np.abs(numbers).max()) >> ANNEALED_BITS == 0

    def _decompose(self, recipe: Recipe) -> Decomposition:
        rows = self.rows
        key = (recipe.height, recipe.parent_shifts if recipe.height else 0)
        if key not in self._decompositions:
            if recipe.height == 0:
                forest = roots_only(rows.numbers, rows.deadlines)
            else:
                if recipe.parent_shifts not in self._distances:
                    self._distances[recipe.parent_shifts] = row_distances(rows.numbers, recipe.parent_shifts)
                distances = self._distances[recipe.parent_shifts]
                forest = spanning_forest(rows.numbers, distances, self.kraft, rows.deadlines, recipe.height)
            self._decompositions[key] = forest
        return self._decompositions[key]

    def _terms(self, forest: Decomposition) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """All rows as terms (value, shift, sign), by value and shift; values are inputs, then rows."""
        n_in = len(self.problem.inputs)
        row, value, shift, sign = csd_terms(forest.residuals)
        table = np.stack([row, value, shift, sign], axis=1)
        extra = [(b, n_in + p, forest.shifts[b], forest.signs[b]) for b, p in enumerate(forest.parents) if p >= 0]
        for b, lift in enumerate(self.rows.lifted):
            if lift and forest.parents[b] < 0:
                extra.append(self._lift(table, b))
        if extra:
            table = np.concatenate([table, np.asarray(extra, dtype=np.int64)])
            table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
        row_start = np.searchsorted(table[:, 0], np.arange(len(forest.order) + 1)).astype(np.int32)
        return row_start, np.ascontiguousarray(table[:, 1:], dtype=np.int32)

    def _lift(self, table: NDArray[np.int64], row: int) -> tuple[int, int, int, int]:
        """Write the term of a row that arrives first as -2a + a; changes it in place and returns the new term."""
        own = np.flatnonzero(table[:, 0] == row)
        first = own[int(np.argmin(np.asarray(self.problem.levels)[table[own, 1]]))]
        _, value, shift, _ = (int(number) for number in table[first])
        table[first, 2] += 1
        return row, value, shift, 1

    def _with_rows(
        self, forest: Decomposition
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        """Levels, steps and intervals of the inputs and of the rows after them."""
        inputs = self.inputs
        numbers = self.rows.numbers
        if numbers.dtype == object:  # only the sizes matter here, and of those that no float has, that they are large
            numbers = np.clip(numbers, -LARGEST_WEIGHT, LARGEST_WEIGHT)
        weights = numbers.astype(np.float64)
        positive, negative = weights.clip(0, None), weights.clip(None, 0)
        lows = positive @ inputs.lows + negative @ inputs.highs
        highs = positive @ inputs.highs + negative @ inputs.lows
        used = np.where(weights != 0, inputs.exps[None, :], 2**30)
        ready = forest.deadlines or (0,) * len(forest.order)
        return (
            np.concatenate([inputs.levels, np.asarray(ready, dtype=np.int32)]),
            np.concatenate([inputs.exps, used.min(axis=1).astype(np.int32)]),
            np.concatenate([inputs.lows, lows]),
            np.concatenate([inputs.highs, highs]),
        )

    def _slack(
        self, forest: Decomposition, row_start: NDArray[np.int32], terms: NDArray[np.int32], levels: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """The slack of each row, and powers of the radix from the lowest level that counts."""
        rows = len(forest.order)
        if forest.deadlines is None:
            return np.zeros(rows, dtype=np.int64), np.ones(1, dtype=np.int64), 0
        last = max(forest.deadlines, default=0)
        power = self.kraft.window
        base = max(self.kraft.base, last - len(power) + 2)
        spent = power[(levels[terms[:, 0]] - base).clip(0, None)]
        totals = np.concatenate([[0], np.cumsum(spent)])[row_start]
        return power[(np.asarray(forest.deadlines, dtype=np.int64) - base).clip(0, None)] - np.diff(totals), power, base


def recipes(effort: str, rows: int, work: int) -> Iterator[Recipe]:
    """The recipes of an effort level, in order; those of a lower level come first.

    ``work`` is the number of pattern occurrences that one extraction starts from; more of it, fewer recipes.
    """
    yield Recipe(0, width_weight=1.0)
    yield Recipe(rows, parent_shifts=3, width_weight=0.5)
    yield Recipe(0, share=False)
    if effort == 'fast':
        return
    least = 1 if work < HUGE_WORK else 0
    yield from islice(_variations(rows), max(least, min(BALANCED_RECIPES, int(BALANCED_WORK / max(1, work)))))


def _variations(rows: int) -> Iterator[Recipe]:
    """Ever more recipes: heights and weights first, then seeds."""
    yield from (Recipe(height, width_weight=weight) for weight in (1.0, 0.0) for height in (rows, 1, 2))
    shapes = [(0, 1), (rows, 1), (1, 3), (rows, 3), (2, 1)]
    for seed in count(1):
        height, shifts = shapes[seed % len(shapes)]
        weight = (1.0, 0.5, 0.0)[seed // len(shapes) % 3]
        yield Recipe(height, shifts, weight, policy=SEEDED if seed & 1 else NEWEST_SEEDED, seed=seed)
