"""What anyone would build: the signed digits of each column in a tree, nothing shared. No small solution is dearer."""

from __future__ import annotations

import heapq

import numpy as np

from da4ml_core.cmvm.check import ZERO, Graph
from da4ml_core.cmvm.csd import csd_digits
from da4ml_core.cmvm.matrix import Problem
from da4ml_core.cmvm.search import ANNEALED_BITS

MOST_DIGITS = 128  # with more, sharing has paid wherever it was tried
MOST_WIDE_DIGITS = 4096  # of weights that local search leaves alone

_ABSENT = (-3, 0, 0)


def digit_tree(problem: Problem, radix: int) -> Graph | None:
    """The graph with the earliest terms added first, which is of minimal depth; None if it has too many digits.

    A column without a positive digit is summed as its negative, and its output edge negated.
    """
    levels = list(problem.levels)
    adders: list[list[int]] = []
    outputs: list[tuple[int, int, bool]] = []
    left = MOST_WIDE_DIGITS if int(np.abs(problem.weights).max()) >> ANNEALED_BITS else MOST_DIGITS
    for column in problem.weights.T:
        terms: list[tuple[int, int, int, int, bool]] = []  # level, age, node, shift, negated
        for node, weight in enumerate(column.tolist()):
            for shift, sign in csd_digits(weight):
                terms.append((levels[node], len(terms), node, shift + problem.exp, sign < 0))
        left -= len(terms)
        if left < 0:
            return None
        heapq.heapify(terms)
        age = len(terms)
        while len(terms) > 1:
            taken = [heapq.heappop(terms) for _ in range(min(radix, len(terms)))]
            flip = all(negated for *_, negated in taken)
            row = [part for *_, node, shift, negated in taken for part in (node, shift, int(negated and not flip))]
            adders.append([*row, *_ABSENT * (3 - len(taken))])
            levels.append(1 + max(level for level, *_ in taken))
            heapq.heappush(terms, (levels[-1], age, len(levels) - 1, 0, flip))
            age += 1
        outputs.append(terms[0][2:] if terms else (ZERO, 0, False))
    return Graph(np.asarray(adders, dtype=np.int32).reshape(-1, 9), tuple(outputs))
