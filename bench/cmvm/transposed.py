"""Transposed solves, which the solver does not use: the graph of the transposed matrix, its edges reversed.

Adders are as many up to the difference of the matrix' sides (Hartley 1996), their widths are not. The ablation
measures what they are worth; there is no limit on the depth here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm._local_search import LocalSearch
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.local_search import Annealing, Graph, Sums, ordered_sums
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.cmvm.rows import distinct_rows
from da4ml_core.cmvm.search import Candidate, Recipe, Search, recipes

NO_JOINS: NDArray[np.int32] = np.zeros((0, 5), dtype=np.int32)
REPAIRS = 3000


class NotReversible(Exception):
    """The depth is limited, or the signs of the reversed graph leave a sum without a positive term."""


class Transposed(NamedTuple):
    """A candidate for a matrix from the cheapest greedy graph of its transposed."""

    search: Search

    def candidate(self) -> Candidate:
        if self.search.rows.deadlines is not None:
            raise NotReversible
        turned = self._turned()
        found = min((turned.run(r) for r in recipes('balanced', len(turned.rows.numbers), turned.work)), key=_rank)
        graph = self._reversed(turned, _graph(turned, found.joins, found.sums))
        graph = _graph(self.search, NO_JOINS, self._ordered(graph))  # values that have one user are terms of it
        sums = self._ordered(graph)
        adders, bits = self.search.build(NO_JOINS, sums, Recipe(0).window)
        return Candidate(Recipe(0), adders, bits, NO_JOINS, sums)

    def _turned(self) -> Search:
        """The transposed problem: from the rows to the inputs."""
        problem = check_problem(self.search.rows.numbers)
        kraft = KraftLevels(problem.levels, self.search.kraft.radix)
        return Search(problem, distinct_rows(problem, kraft, None), kraft)

    def _ordered(self, graph: Graph) -> Sums:
        search = self.search
        return ordered_sums(graph, search.problem.levels, len(search.rows.numbers), search.rows.deadlines, search.kraft)

    def _reversed(self, turned: Search, graph: Graph) -> Graph:
        """Each value as the sum of those that used it."""
        rows, inputs = len(turned.problem.inputs), len(turned.rows.outputs)
        own = {value: inputs + rows + at for at, value in enumerate(graph)}
        result: Graph = {inputs + row: [] for row in range(rows)} | {value: [] for value in own.values()}
        for user, terms in graph.items():
            for value, shift, sign in terms:
                result[own.get(value, inputs + value)].append((own[user], shift, sign))
        for at, edge in enumerate(turned.rows.outputs):
            if edge is not None:
                result[own[rows + edge.row]].append((at, edge.shift, -1 if edge.negated else 1))
        _repair_signs(result, inputs + rows)
        return result


def _graph(search: Search, joins: NDArray[np.int32], sums: Sums) -> Graph:
    """The sums as the local search has them before its first step."""
    inputs, still = search.inputs, Annealing(work=1)
    chain = LocalSearch(
        inputs.levels, inputs.exps, inputs.lows, inputs.highs, search.rows.numbers, joins, sums.row_start, sums.terms,
        search.rows.deadlines, search.kraft.radix, *still[1:2], still.work, *still[2:],
    )  # fmt: skip
    if not chain.sound:
        raise NotReversible
    found: Graph = chain.graph()
    return found


def _repair_signs(graph: Graph, first_inner: int) -> None:
    """Negate inner values until every sum has a positive term."""
    users: dict[int, set[int]] = {}
    for user, terms in graph.items():
        for value, _, _ in terms:
            users.setdefault(value, set()).add(user)
    pick = np.random.default_rng(0)
    for _ in range(REPAIRS):
        bad = [value for value, terms in graph.items() if terms and all(sign < 0 for _, _, sign in terms)]
        if not bad:
            return
        value = bad[pick.integers(len(bad))]
        if value < first_inner:
            inner = [term for term, _, _ in graph[value] if term >= first_inner]
            if not inner:
                break
            value = inner[pick.integers(len(inner))]
        graph[value] = [(term, shift, -sign) for term, shift, sign in graph[value]]
        for user in users.get(value, ()):
            graph[user] = [(term, shift, -sign if term == value else sign) for term, shift, sign in graph[user]]
    raise NotReversible


def _rank(candidate: Candidate) -> tuple[float, int]:
    return candidate.rank
