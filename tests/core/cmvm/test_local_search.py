"""Chains of local search: proved graphs in time, never dearer than their start; deadlines that the slack allows."""

import numpy as np
import pytest

from da4ml_core.cmvm.annealing import anneal
from da4ml_core.cmvm.check import exact_intervals
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.graphs import ordered_sums
from da4ml_core.cmvm.local_search import Annealing
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.cmvm.rows import distinct_rows, minimal_depth
from da4ml_core.cmvm.search import Recipe, Search


def search_for(matrix, extra=None, radix=2, latencies=None):
    problem = check_problem(matrix, None, latencies)
    kraft = KraftLevels(problem.levels, radix)
    limit = None if extra is None else minimal_depth(problem, kraft) + extra
    return problem, Search(problem, distinct_rows(problem, kraft, limit), kraft), limit


def depth_of(graph, problem):
    levels = list(problem.levels)
    for operands in graph.operands():
        levels.append(1 + max(levels[node] for node, _, _ in operands))
    return max(levels[node] + negated for node, _, negated in graph.outputs if node >= 0)


@pytest.mark.parametrize('radix', [2, 3])
@pytest.mark.parametrize('extra', [None, 0, 2])
@pytest.mark.parametrize('height', [0, 2])
def test_a_chain_is_exact_in_time_and_no_dearer(radix, extra, height):
    rng = np.random.default_rng(17 * radix + height)
    for seed in range(4):
        matrix = rng.integers(-100, 100, size=rng.integers(1, 9, size=2))
        latencies = rng.integers(0, 4, size=len(matrix)).tolist() if seed % 2 else None
        problem, search, limit = search_for(matrix, extra, radix, latencies)
        start = search.run(Recipe(height, parent_shifts=3, width_weight=1.0))
        first = anneal(search, start, Annealing(1_000_000, seed))
        again = anneal(search, first, Annealing(1_000_000, seed + 1, turns=4))
        assert again.rank <= first.rank <= start.rank
        for candidate in (first, again):
            exact_intervals(candidate.graph, problem)
            assert limit is None or depth_of(candidate.graph, problem) <= limit


def test_a_chain_improves_what_the_greedy_extraction_leaves():
    matrix = np.random.default_rng(0).integers(-128, 128, size=(8, 8))
    _, search, _ = search_for(matrix)
    start = search.run(Recipe(0, width_weight=1.0))
    assert anneal(search, start, Annealing(5_000_000)).bits < 0.97 * start.bits


def test_a_chain_is_the_same_every_time_and_stops_when_told():
    _, search, _ = search_for(np.random.default_rng(1).integers(-128, 128, size=(6, 6)))
    start = search.run(Recipe(0))
    first, second = (anneal(search, start, Annealing(1_000_000, 7)) for _ in range(2))
    assert (first.graph.adders == second.graph.adders).all()
    asked = []
    anneal(search, start, Annealing(1_000_000, 7), lambda done, bits: asked.append(done))
    assert len(asked) == 1


def test_wide_numbers_are_left_alone():
    _, search, _ = search_for([[2**70 + 1, 3], [5, 7]])
    start = search.run(Recipe(0))
    assert anneal(search, start, Annealing(1_000)) is start


def test_deadlines_are_as_late_as_all_users_allow():
    # value 4 = x0 + x1 is used by rows 2 (of two terms) and 3 (of four)
    graph = {2: [(4, 0, 1), (0, 1, 1)], 3: [(4, 0, 1), (0, 2, 1), (1, 3, 1), (0, 4, -1)], 4: [(0, 0, 1), (1, 0, 1)]}
    sums = ordered_sums(graph, [0, 0], 2, [4, 3], KraftLevels([0, 0], 2))
    assert sums.order.tolist() == [2, 0, 1]
    assert sums.deadlines.tolist() == [4, 3, 2]
    assert sums.terms[sums.row_start[2] :].tolist() == [[0, 0, 1], [1, 0, 1]]
