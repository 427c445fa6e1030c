"""What each effort level buys: greedy recipes, then chains of local search from the best of them.

The steps of a lower level are the first steps of a higher one, so that more effort is never worse. Chains are bounded
by their work, not by time: the result is the same on any machine and for any number of threads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event, Lock
from typing import NamedTuple

from da4ml_core.cmvm.annealing import anneal
from da4ml_core.cmvm.local_search import TURNS, Annealing
from da4ml_core.cmvm.search import Candidate, Search, recipes
from da4ml_core.errors import SolveError

WORK_PER_ADDER = 2_500  # times terms of a row to 1.5; a microsecond is about 50 units
LEAST_WORK_PER_ADDER = 150_000
BRIEF_WORK_PER_ADDER = 1_250  # of `balanced` with ternary adders
BRIEF_LEAST_WORK_PER_ADDER = 30_000
LARGE_WORK = 60_000_000  # for 1,500 adders; it grows with their power of 1.5, and fewer may take a little more
LARGE_ADDERS = 1_500
LARGEST_WORK = 400_000_000
HUGE_ADDERS = 20_000  # where a chain of that work finds nothing
FIRST_SHARE = 8  # of the work of a chain, where the matrix was solved for other inputs before
MAX_ROUNDS = 1  # of `max` without a time budget; the best chain of one is where the next starts
MAX_CHAINS = 2
MAX_FACTOR = 12  # work of each, and up to four times as much between these
LEAST_ADDERS, MAX_ADDERS = 10, 200


class Progress(NamedTuple):
    """How far a solve is: what it does, the part of that which is done, and the fewest bits so far."""

    step: str
    done: float
    bits: float


class Effort:
    """One run of the search; ``report`` may raise to cancel it.

    Without a number of seconds, the level alone decides what is done. With a ``first`` candidate, one recipe is tried
    beside it, and the chain of `balanced` has an eighth of the work. ``most_work`` bounds that work; where the chain
    would have had more, `balanced` has no more recipes than `fast`.
    """

    def __init__(
        self,
        search: Search,
        level: str,
        seconds: float | None = None,
        threads: int | None = None,
        report: Callable[[Progress], None] | None = None,
        first: Candidate | None = None,
        most_work: int | None = None,
    ) -> None:
        self.search = search
        self.first = first
        self.most_work = most_work
        self.work = 0  # of the chain of `balanced`
        self.level = level
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.threads = threads or os.cpu_count() or 1
        self.report = report
        self.tried = 0
        self._stopped = Event()
        self._lock = Lock()

    def stages(self) -> Iterator[Candidate]:
        """The best candidate of each stage; later stages start from earlier ones."""
        best = self._greedy('fast')
        yield best
        if self.level == 'fast' or self._late() or not self.search.shares:
            return
        most, radix = self.most_work, self.search.kraft.radix
        if self.first is None and (most is None or self._chain_work(best) <= most):
            best = self._greedy('balanced', best)
        self.work = self._chain_work(best) if most is None else min(self._chain_work(best), most)
        if self.work:
            best = self._chain(best, Annealing.of(radix, self.work))
        yield best
        if self.level != 'max' or self.work == 0 or not self.search.anneals:
            return
        for turn in count():
            if self._late() or (self.deadline is None and turn == MAX_ROUNDS):
                return
            best = self._chains(best, turn * MAX_CHAINS)
            yield best

    def _chain_work(self, start: Candidate) -> int:
        """The work of the chain of `balanced` from a candidate."""
        brief = self.search.kraft.radix == 3
        work = chain_work(len(start.graph.adders), len(self.search.rows.numbers), brief)
        return work if self.first is None else work // FIRST_SHARE

    def _greedy(self, level: str, best: Candidate | None = None) -> Candidate:
        """The best of the level's recipes; those tried before are not tried again."""
        todo = list(recipes(level, len(self.search.rows.numbers), self.search.work))[self.tried :]
        if self.first is not None:
            best, todo = self.first, todo[:1]
        for at, recipe in enumerate(todo, 1):
            if best is not None and self._late():
                break
            candidate = self.search.run(recipe)
            self.tried += 1
            best = candidate if best is None else min(best, candidate, key=_rank)
            self._tell('greedy', at / len(todo), best.bits)
        if best is None:
            raise SolveError('the search has no recipe', hint='this is a bug of the solver')
        return best

    def _chains(self, best: Candidate, first: int) -> Candidate:
        """The best of chains with other seeds, each on the thread that is free."""
        radix, adders = self.search.kraft.radix, len(best.graph.adders)
        factor = MAX_FACTOR * max(1, min(MAX_ADDERS // max(1, adders), adders // LEAST_ADDERS))
        work = factor * chain_work(adders, len(self.search.rows.numbers))
        turns = [0 if radix == 3 and at == 0 else TURNS * factor for at in range(MAX_CHAINS)]
        chains = [Annealing.of(radix, work, first + at + 1, turns[at]) for at in range(MAX_CHAINS)]
        with ThreadPoolExecutor(min(self.threads, MAX_CHAINS)) as pool:
            running = [pool.submit(self._chain, best, chain) for chain in chains]
            try:
                return min((chain.result() for chain in running), key=_rank)
            except BaseException:
                self._stopped.set()
                raise

    def _chain(self, start: Candidate, annealing: Annealing) -> Candidate:
        def go_on(done: float, bits: float) -> bool:
            with self._lock:
                if not self._stopped.is_set():
                    self._tell('local search', done, bits)
            return not self._stopped.is_set() and not self._late()

        self.tried += 1
        return anneal(self.search, start, annealing, go_on)

    def _tell(self, step: str, done: float, bits: float) -> None:
        if self.report is not None:
            self.report(Progress(step, done, bits))

    def _late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline


def chain_work(adders: int, rows: int, brief: bool = False) -> int:
    """The work of one chain of `balanced`: more and longer steps for each adder where rows have more terms."""
    if adders > HUGE_ADDERS:
        return 0
    least, more = LEAST_WORK_PER_ADDER, WORK_PER_ADDER
    if brief:
        least, more = BRIEF_LEAST_WORK_PER_ADDER, BRIEF_WORK_PER_ADDER
    size = max(1, adders) / LARGE_ADDERS
    most = min(LARGEST_WORK, int(LARGE_WORK * size ** (1.5 if size > 1 else -0.25)))
    each = max(least, int(more * (adders / max(1, rows)) ** 1.5))
    return min(each * adders, most)


def _rank(candidate: Candidate) -> tuple[float, int]:
    return candidate.rank
