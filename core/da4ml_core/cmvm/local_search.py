"""Chains of local search: their settings, and the kernel on a problem or on its transposed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm._local_search import LocalSearch
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.graphs import Graph, Sums, ordered_sums
from da4ml_core.cmvm.matrix import Problem

TURNS = 6
NO_JOINS: NDArray[np.int32] = np.zeros((0, 5), dtype=np.int32)


class Annealing(NamedTuple):
    """A chain of local search: its work in touched patterns, its temperatures in bits, its seed."""

    work: int
    seed: int = 0
    adder_weight: float = 0.0  # bits that an adder counts beside those of its carry chain
    turned_weight: float = 0.0  # the same on the transposed side
    hot: float = 3.0
    cold: float = 0.5
    noise: float = 0.3  # of the scores of patterns
    turns: int = 0  # between the problem and its transposed; even, so that the chain ends where it began

    @classmethod
    def of(cls, radix: int, work: int, seed: int = 0, turns: int | None = None) -> Annealing:
        """The settings that docs/cmvm.md found best for adders of so many operands."""
        if radix == 3:
            return cls(work, seed, turned_weight=16.0, turns=turns or 0)
        own = TURNS if turns is None else turns
        return cls(work, seed, adder_weight=8.0, turned_weight=8.0, hot=6.0, cold=1.5, turns=own)

    @property
    def phases(self) -> list[Annealing]:
        """The chain of each side in turn."""
        count = self.turns + 1
        return [self._replace(work=self.work // count, seed=self.seed + (turn << 32)) for turn in range(count)]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs as the kernels see them: times the powers of two of their rows, in floats, which only steer."""

    levels: NDArray[np.int32]
    exps: NDArray[np.int32]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]

    @classmethod
    def of(cls, problem: Problem, shifts: Sequence[int]) -> Inputs:
        exps = [interval.exp + shift for interval, shift in zip(problem.inputs, shifts, strict=True)]
        tame = all(abs(exp) + max(-i.lo, i.hi).bit_length() < 400 for exp, i in zip(exps, problem.inputs, strict=True))
        levels = np.asarray(problem.levels, dtype=np.int32)
        if not tame:  # too far apart for floats: steer as if all inputs were alike
            alike = np.full(len(exps), 128.0)
            return cls(levels, np.zeros(len(exps), dtype=np.int32), -alike, alike - 1)
        return cls(
            levels,
            np.asarray(exps, dtype=np.int32),
            np.asarray([math.ldexp(i.lo, exp) for i, exp in zip(problem.inputs, exps, strict=True)]),
            np.asarray([math.ldexp(i.hi, exp) for i, exp in zip(problem.inputs, exps, strict=True)]),
        )


class Side(NamedTuple):
    """A problem, as chains see it."""

    inputs: Inputs
    numbers: NDArray[np.int64]
    deadlines: tuple[int, ...] | None
    kraft: KraftLevels

    def sums(self, graph: Graph) -> Sums:
        return ordered_sums(graph, self.inputs.levels.tolist(), len(self.numbers), self.deadlines, self.kraft)

    def chain(self, joins: NDArray[np.int32], sums: Sums, annealing: Annealing) -> LocalSearch | None:
        """A chain that starts from the sums, None if it cannot."""
        inputs = self.inputs
        chain = LocalSearch(
            inputs.levels, inputs.exps, inputs.lows, inputs.highs, self.numbers, joins, sums.row_start, sums.terms,
            self.deadlines, self.kraft.radix, annealing.seed, annealing.work,
            annealing.adder_weight, annealing.hot, annealing.cold, annealing.noise,
        )  # fmt: skip
        return chain if chain.sound else None
