"""One chain of local search from a candidate: the problem and its transposed in turn, and the best graph on the way."""

from __future__ import annotations

import math
from collections.abc import Callable

from da4ml_core.cmvm._local_search import LocalSearch
from da4ml_core.cmvm.graphs import Graph, written_out
from da4ml_core.cmvm.local_search import NO_JOINS, Annealing, Side
from da4ml_core.cmvm.search import Candidate, Search
from da4ml_core.cmvm.transposed import Transposed

PARTS = 20  # of a chain, between which it may be stopped
BUILT_PARTS = 6  # at the end, after which the best graph is built: the chain's own prices are estimates
GoOn = Callable[[float, float], bool]


def anneal(search: Search, start: Candidate, annealing: Annealing, go_on: GoOn = lambda done, bits: True) -> Candidate:
    """The best graph of a chain of local search from a candidate, or that candidate.

    Between parts of the work, ``go_on(part done, bits)`` is asked whether to continue.
    """
    if not search.anneals:
        return start
    walk = _Walk(search, start, annealing.phases, go_on)
    walk.run()
    return walk.best


def carried_over(search: Search, candidate: Candidate) -> Candidate | None:
    """The graph of a candidate of the same rows for other inputs, in time here; None where chains cannot have it."""
    side = _side(search)
    chain = side._replace(deadlines=None).chain(candidate.joins, candidate.sums, Annealing(1))
    if chain is None:
        return None
    sums = side.sums(written_out(chain.graph(), search.problem.levels, search.rows, search.kraft))
    adders, bits = search.build(NO_JOINS, sums, candidate.recipe.window)
    return Candidate(candidate.recipe, adders, bits, NO_JOINS, sums)


def _side(search: Search) -> Side:
    return Side(search.inputs, search.rows.numbers, search.rows.deadlines, search.kraft)


class _Walk:
    """Where a chain is: its best graph so far, and the sides between which it turns."""

    def __init__(self, search: Search, start: Candidate, phases: list[Annealing], go_on: GoOn) -> None:
        self.search = search
        self.best = start
        self.phases = phases
        self.go_on = go_on
        self.estimate = math.inf  # of the best graph, by the chain that found it
        self.side = _side(search)
        self.transposed = Transposed.of(search.rows) if len(phases) > 1 else None
        self.before: Graph = {}  # the problem's graph before the last turn

    def run(self) -> None:
        chain = self.side.chain(self.best.joins, self.best.sums, self.phases[0])
        if chain is not None:
            self.estimate = chain.cost
        for turn in range(len(self.phases)):
            if chain is None or not self._advance(chain, turn):
                return
            if turn + 1 < len(self.phases):
                chain = self._next(chain.graph(), turn + 1)

    def _advance(self, chain: LocalSearch, turn: int) -> bool:
        """Do the work of a phase; False if the chain ends."""
        count, work = len(self.phases), self.phases[turn].work
        parts = -(-PARTS // count)
        last = turn + 1 == count
        for part in range(1, parts + 1):
            chain.advance(work * part // parts)
            going = self.go_on((turn + part / parts) / count, self.best.bits) and not (last and part == parts)
            built = not going or part > parts - (BUILT_PARTS if last else 1)
            if built and chain.cost < self.estimate and not self._is_turned(turn):
                self._build(chain)
            if not going:
                return False
        return True

    def _build(self, chain: LocalSearch) -> None:
        self.estimate = chain.cost
        search, start = self.search, self.best
        sums = self.side.sums(chain.graph())
        graph, bits = search.build(NO_JOINS, sums, start.recipe.window)
        found = Candidate(start.recipe, graph, bits, NO_JOINS, sums)
        self.best = min(start, found, key=lambda candidate: candidate.rank)

    def _is_turned(self, turn: int) -> bool:
        return self.transposed is not None and turn % 2 == 1

    def _next(self, graph: Graph, turn: int) -> LocalSearch | None:
        """The chain of the next phase."""
        search, phase = self.search, self.phases[turn]
        if self.transposed is None:
            return self._straight(graph, phase)
        if self._is_turned(turn):
            self.before = graph
            side = self.transposed.side(search.kraft.radix)
            sums = side.sums(self.transposed.graph_of(graph))
            if chain := side.chain(NO_JOINS, sums, phase._replace(adder_weight=phase.turned_weight)):
                return chain
            self.transposed = None  # its numbers are too large for a chain
            return self._straight(graph, phase)
        found = written_out(self.transposed.graph_from(graph), search.problem.levels, search.rows, search.kraft)
        return self._straight(found, phase) or self._straight(self.before, phase)

    def _straight(self, graph: Graph, phase: Annealing) -> LocalSearch | None:
        return self.side.chain(NO_JOINS, self.side.sums(graph), phase)
