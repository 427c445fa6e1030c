"""Solutions with tables: narrow inputs are packed, then tables and wide inputs are added by the search."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.effort import Effort, Progress
from da4ml_core.cmvm.matrix import Problem
from da4ml_core.cmvm.packing import packings
from da4ml_core.cmvm.rows import distinct_rows, minimal_depth
from da4ml_core.cmvm.search import Search
from da4ml_core.cmvm.solution import Solution
from da4ml_core.device import Device


def packed_solutions(
    problem: Problem,
    device: Device,
    radix: int,
    limit: int | None,
    least: int,
    level: str,
    threads: int | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Iterator[Solution]:
    """Solutions within the depth limit, for every packing of the effort level; none without narrow inputs."""
    for packing in packings(problem, device, radix, level, by_arrival=limit is not None):
        sums = packing.sums(problem)
        kraft = KraftLevels(sums.levels, radix=radix)
        if limit is not None and minimal_depth(sums, kraft) > limit:
            continue
        search = Search(sums, distinct_rows(sums, kraft, limit), kraft)
        numbers = search.rows.numbers
        shares = len(numbers) > 0 and int(np.count_nonzero(numbers, axis=0).max()) > 1
        run = Effort(search, level if shares else 'fast', None, threads, report)
        for candidate in run.stages():
            stats = {'recipe': candidate.recipe, 'tables': len(packing.tables)}
            yield Solution.proved(problem, candidate.graph, device, limit, least, stats, packing)
